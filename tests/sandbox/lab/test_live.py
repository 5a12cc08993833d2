"""The live path, whole: a second sandbox stands for AWS and for a live detection service, with keys of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit import steps
from labkit.lab.lab import Lab, open_lab
from labkit.model.access_keys import AccessKeys
from labkit.model.errors import ConsentNeeded, InvalidInput, LabError
from labkit.services import aws, sandbox_process
from labkit.services.running_sandbox import Sandbox
from labkit.steps.belongings import belongings
from labkit.steps.session import open_session
from tests.sandbox.lab.test_cli import labkit


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The services that the lab reaches only by an address and keys."""
    home = tmp_path_factory.mktemp("elsewhere")
    yield sandbox_process.start(home, parent=os.getpid())[0]
    sandbox_process.stop(home)


@pytest.fixture
def live(elsewhere: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A student's machine: both backends live, own AWS files, keys in the environment. Gives its lab's home."""
    keys = elsewhere.credentials()
    home = tmp_path / "home"
    for name, value in {
        "LABKIT_HOME": str(home),
        "LABKIT_AWS": "live",
        "AWS_ENDPOINT_URL": elsewhere.url,
        "AWS_ACCESS_KEY_ID": keys["aws"]["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": keys["aws"]["secret_access_key"],
        "AWS_REGION": "eu-west-1",
        "AWS_CONFIG_FILE": str(tmp_path / "aws" / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "aws" / "credentials"),
        "LABKIT_DETECTION_URL": elsewhere.url,
        "TS_USER_ID": keys["detection"]["user_id"],
        "TS_API_KEY": keys["detection"]["api_key"],
        "TS_ORGANIZATION_ID": keys["detection"]["organization_id"],
    }.items():
        monkeypatch.setenv(name, value)
    yield home
    session = open_session()
    session.agree_unasked()
    list(steps.reset(session, steps.STEPS))


@pytest.fixture
def lab(live: Path) -> Lab:
    return open_lab()


def vpc_ids(lab: Lab) -> set[str]:
    return {vpc.id for vpc in aws.describe_vpcs(lab._session.aws.ec2)}


def test_no_sandbox_of_this_machine_is_started_when_both_sides_are_live(lab: Lab, live: Path) -> None:
    list(steps.status(lab._session))
    assert sandbox_process.find(live) is None


def test_the_first_change_waits_for_a_yes_to_account_and_region_and_is_asked_once(lab: Lab) -> None:
    lab.enter_student_number(7)
    before = vpc_ids(lab)
    question = lab.create_vpc()
    assert "account 123456789012, region eu-west-1" in repr(question)
    assert vpc_ids(lab) == before

    question.buttons["Yes, this is the right account"].click()
    assert "Agreed" in repr(question)
    lab.create_vpc()
    assert len(vpc_ids(lab)) == len(before) + 1
    list(steps.reset(open_lab()._session, steps.named("vpc")))  # another kernel does not ask again
    assert vpc_ids(lab) == before


def test_a_yes_for_one_region_is_not_a_yes_for_another(lab: Lab) -> None:
    lab.enter_student_number(7)
    lab.agree()
    lab.enter_aws_keys(region="us-west-2")
    assert "us-west-2" in repr(lab.create_vpc())


def test_where_nobody_can_be_asked_the_first_change_stops_with_what_to_do(
    live: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABKIT_STUDENT", "7")
    lab = open_lab()
    lab.enter_student_number()
    before = vpc_ids(lab)
    with pytest.raises(ConsentNeeded, match=r"lab\.agree\(\)"):
        lab.create_vpc()
    assert vpc_ids(lab) == before


def test_the_whole_of_part_2_is_solved_and_taken_away_again(lab: Lab) -> None:
    before = vpc_ids(lab)
    assert labkit("solve", "2", "--yes").exit_code == 0
    assert all(result.passed for result in steps.status(lab._session, steps.named("2")))
    head, allowed, last = labkit("entries").output.splitlines()  # no packets: the host is the student's own
    assert head.split() == ["RuleNumber", "RuleAction", "Protocol", "CidrBlock"]
    assert [one.split()[:2] for one in (allowed, last)] == [["100", "allow"], ["*", "deny"]]
    assert labkit("reset", "2", "--yes").exit_code == 0
    assert vpc_ids(lab) == before


def test_the_command_line_asks_and_a_no_changes_nothing(lab: Lab) -> None:
    before = vpc_ids(lab)
    refused = labkit("solve", "vpc", typed="n\n")
    assert refused.exit_code == 1
    assert "account 123456789012, region eu-west-1" in refused.output
    assert vpc_ids(lab) == before
    assert labkit("solve", "vpc", typed="y\n").exit_code == 0
    assert len(vpc_ids(lab)) == len(before) + 1


def test_a_vpc_without_the_students_tag_is_never_deleted(lab: Lab) -> None:
    lab.enter_student_number(7)
    made = lab._session.aws.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    try:
        labkit("reset", "2", "--yes")
        lab._session.use_keys(lab._session.backend.aws.given_keys())
        assert made in vpc_ids(lab)
    finally:
        lab._session.aws.ec2.delete_vpc(VpcId=made)


def test_kept_keys_go_to_the_students_own_files_and_never_over_other_ones_unasked(lab: Lab, live: Path) -> None:
    lab.enter_student_number(7)
    own = Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"])
    own.parent.mkdir()
    own.write_text("[self-protecting-cloud]\naws_access_key_id = AKIAOTHEROTHEROTHER\naws_secret_access_key = x\n")
    with pytest.raises(InvalidInput, match="self-protecting-cloud"):
        lab.enter_aws_keys()
    assert "AKIAOTHEROTHEROTHER" in own.read_text()
    lab.enter_aws_keys(overwrite=True)
    assert "AKIAOTHEROTHEROTHER" not in own.read_text()
    lab.reset("aws_account")
    assert "self-protecting-cloud" not in own.read_text()


def test_keys_not_kept_live_in_memory_alone(lab: Lab, live: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = lab._session.backend.aws.given_keys()
    assert keys is not None
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    fresh = open_lab()
    fresh.enter_student_number(7)
    fresh.enter_aws_keys(keys.access_key_id, keys.secret_access_key, keep=False)
    assert steps.check(fresh._session, steps.BY_KEY["aws_account"]).passed
    assert not Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"]).exists()
    assert not [path for path in live.rglob("*") if path.is_file() and keys.secret_access_key in path.read_text()]
    restarted = open_lab()._session
    assert not steps.check(restarted, steps.BY_KEY["aws_account"]).passed
    assert "lab.enter_aws_keys(region=" in belongings(restarted).places[0].unseen


def test_after_a_restart_cleaning_up_asks_for_the_keys_again_and_then_finds_everything(
    lab: Lab, live: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = lab._session.backend.aws.given_keys()
    assert keys is not None
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.delenv(name)
    lab = open_lab()
    lab.enter_student_number(7)
    lab.enter_aws_keys(keys.access_key_id, keys.secret_access_key, region="eu-west-1", keep=False)
    lab.agree()
    lab.create_vpc()

    restarted = open_lab()
    again = "lab.enter_aws_keys(region='eu-west-1')"
    assert f"VPC in eu-west-1: ? There are no AWS keys to ask with. Enter them again, {again}" in repr(
        restarted.clean_up()
    )
    with pytest.raises(LabError, match=r"could not look everywhere.*VPC in eu-west-1"):
        restarted.finish("5")
    restarted.enter_aws_keys(keys.access_key_id, keys.secret_access_key, region="eu-west-1", keep=False)
    assert "VPC in eu-west-1: vpc-" in repr(restarted.clean_up())
    with pytest.raises(LabError, match="Not everything of student 7 is gone"):
        restarted.finish("5")
    list(steps.reset(restarted._session, steps.named("vpc")))


def test_a_live_detection_service_without_a_key_says_which_variables_are_missing(
    live: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TS_API_KEY")
    with pytest.raises(LabError, match="TS_API_KEY"):
        open_lab()._session.detection.self_test()


def test_the_wrong_secret_is_refused_in_words_that_hold_no_key(lab: Lab) -> None:
    lab.enter_student_number(7)
    right = lab._session.backend.aws.given_keys()
    assert right is not None
    wrong = AccessKeys(right.access_key_id, right.secret_access_key[::-1])
    with pytest.raises(LabError) as refused:
        lab.enter_aws_keys(wrong.access_key_id, wrong.secret_access_key)
    assert wrong.secret_access_key not in str(refused.value)
    assert refused.value.code in ("SignatureDoesNotMatch", "AuthFailure")


def test_the_choice_of_a_backend_is_remembered_for_the_other_chapters(
    live: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LABKIT_AWS")
    assert open_lab()._session.backend.aws.label.startswith("sandbox")
    open_lab(aws="live")
    assert open_lab()._session.backend.aws.label.startswith("live")
    sandbox_process.stop(live)


def test_the_environment_may_agree_to_one_account_and_region(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_AGREE", "123456789012 us-west-2")
    assert labkit("solve", "vpc").exit_code == 1
    monkeypatch.setenv("LABKIT_AGREE", "123456789012 eu-west-1")
    assert labkit("solve", "vpc").exit_code == 0


def test_a_call_by_hand_that_changes_something_waits_for_the_same_yes_and_one_that_reads_does_not(lab: Lab) -> None:
    lab.enter_student_number(7)
    ec2, before = lab.boto3("ec2"), vpc_ids(lab)
    assert {one["VpcId"] for one in ec2.describe_vpcs()["Vpcs"]} == before
    with pytest.raises(ConsentNeeded, match="account 123456789012, region eu-west-1"):
        ec2.create_vpc(CidrBlock="10.0.0.0/16")
    assert vpc_ids(lab) == before

    lab.agree()
    made = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    assert vpc_ids(lab) == before | {made}
    ec2.delete_vpc(VpcId=made)
