"""The steps of part 2 against a real sandbox: each check, however the state came about."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from labkit import steps
from labkit.lab.lab import Lab, open_lab
from labkit.lab.requirements import NEEDS
from labkit.model.detection.criteria import wanted_criteria
from labkit.model.errors import InvalidInput, QuotaReached, StepNotReady
from labkit.model.student import STUDENT_TAG
from labkit.services import aws, sandbox_process
from labkit.steps import host, rule
from labkit.steps.network import students_network_acl
from labkit.steps.session import open_session
from tests.http_count import requests_counted
from tests.sandbox.lab.fixtures import account, outcome_of

KEYS = [step.key for step in steps.STEPS]


def world_seen_from_outside(lab: Lab) -> tuple:
    """Every VPC, network ACL and rule that the services have, and the notes but for whom a clean-up was."""
    session = open_session()
    ec2 = account().ec2
    return (
        [(vpc.id, dict(vpc.tags)) for vpc in aws.describe_vpcs(ec2)],
        [(acl.id, acl.entries) for acl in aws.describe_network_acls(ec2)],
        sorted(rule.all_rules(session.detection), key=lambda each: each.id),
        {name: note for name, note in session.notes.all().items() if not name.startswith("last_")},
    )


def aws_cli(lab: Lab, command: str) -> str:
    """What the AWS CLI prints for a command typed in the lab's terminal."""
    environment = os.environ | lab._session.backend.environment()
    given = {name: value for name, value in environment.items() if value}
    program = str(Path(sys.executable).parent / "aws")
    ran = subprocess.run([program, *command.split()[1:]], env=given, capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def test_each_step_fails_its_check_before_and_passes_after_it_is_solved(lab: Lab) -> None:
    for step in steps.STEPS:
        assert outcome_of(lab, step.key) != "done", step.key
        solved = list(steps.solve(lab._session, (step,)))
        assert solved[-1][0] is step
        assert solved[-1][1].passed, str(solved[-1][1])


def test_after_reset_nothing_of_the_student_is_left_and_solve_works_again(lab: Lab) -> None:
    before = world_seen_from_outside(lab)
    for _ in range(2):
        assert all(result.passed for _, result in steps.solve(lab._session, steps.STEPS))
        assert [one for one in steps.reset(lab._session, steps.STEPS) if isinstance(one[1], Exception)] == []
        assert world_seen_from_outside(lab) == before
        assert [result.step for result in steps.status(lab._session) if result.passed] == []


def test_solving_twice_changes_nothing(lab: Lab) -> None:
    list(steps.solve(lab._session, steps.STEPS))
    once = world_seen_from_outside(lab)
    list(steps.solve(lab._session, steps.STEPS))
    assert world_seen_from_outside(lab) == once


@pytest.mark.parametrize("call", NEEDS)
def test_a_call_made_too_early_names_the_first_missing_step_and_changes_nothing(lab: Lab, call: str) -> None:
    before = world_seen_from_outside(lab)
    with pytest.raises(StepNotReady) as stopped:
        getattr(lab, call)()
    assert stopped.value.step == "student_number"
    assert "Your student number" in str(stopped.value)
    assert world_seen_from_outside(lab) == before


def test_a_check_is_done_only_if_the_steps_that_it_needs_are_done_and_says_what_status_says(lab: Lab) -> None:
    list(steps.solve(lab._session, steps.STEPS))
    host.undo_subnet(lab._session)
    result = lab.check("deny_entry").result
    assert not result.passed and result.next_step == "Complete “Your host in your VPC” first."
    assert result == {one.step: one for one in lab.status().results}["deny_entry"]
    with pytest.raises(StepNotReady) as stopped:
        lab.run("curl dadismad.com")
    assert stopped.value.step == "host_subnet"


def test_the_missing_step_is_the_deepest_one(lab: Lab) -> None:
    lab.enter_student_number(7)
    with pytest.raises(StepNotReady) as stopped:
        lab.entries()
    assert stopped.value.step == "aws_account"


def test_resetting_a_step_resets_what_needs_it_and_leaves_the_rest(lab: Lab) -> None:
    list(steps.solve(lab._session, steps.STEPS))
    list(steps.reset(lab._session, steps.named("rule_criteria")))
    assert outcome_of(lab, "rule_criteria") == "not right"
    assert outcome_of(lab, "rule_enabled") == "not yet"
    assert outcome_of(lab, "vpc") == "done"


def test_a_vpc_made_with_the_original_command_is_found_named_and_offered_and_then_passes(lab: Lab) -> None:
    list(steps.solve(lab._session, steps.named("aws_account")))
    vpc_id = aws_cli(lab, "aws ec2 create-vpc --cidr-block 10.0.0.0/16 --query Vpc.VpcId --output text")
    result = steps.check(lab._session, steps.BY_KEY["vpc"])
    assert not result.passed
    assert vpc_id in result.found and vpc_id in result.next_step

    (offer,) = steps.offered(lab._session, steps.BY_KEY["vpc"])
    assert vpc_id in offer.label
    offer.accept()

    assert outcome_of(lab, "vpc") == "done"


def test_the_command_that_the_check_names_takes_the_vpc_from_a_terminal(lab: Lab) -> None:
    list(steps.solve(lab._session, steps.named("aws_account")))
    vpc_id = aws_cli(lab, "aws ec2 create-vpc --cidr-block 10.0.0.0/16 --query Vpc.VpcId --output text")
    aws_cli(lab, f"aws ec2 create-tags --resources {vpc_id} --tags Key={STUDENT_TAG},Value={lab._session.student}")
    assert outcome_of(lab, "vpc") == "done"


def test_create_vpc_asks_before_it_makes_a_second_one_beside_a_vpc_without_a_tag(lab: Lab) -> None:
    list(steps.solve(lab._session, steps.named("aws_account")))
    aws_cli(lab, "aws ec2 create-vpc --cidr-block 10.0.0.0/16")
    before = world_seen_from_outside(lab)
    form = lab.create_vpc()
    assert world_seen_from_outside(lab) == before
    (take,) = [button for label, button in form.buttons.items() if label.startswith("take vpc-")]
    take.click()
    assert outcome_of(lab, "vpc") == "done"


def test_the_check_of_the_account_passes_after_aws_configure(lab: Lab) -> None:
    lab.enter_student_number(7)
    keys = lab._session.backend.aws.cloud_account()
    aws_cli(lab, f"aws configure set aws_access_key_id {keys.access_key_id}")
    aws_cli(lab, f"aws configure set aws_secret_access_key {keys.secret_access_key}")
    assert outcome_of(lab, "aws_account") == "done"


def keep_wrong_keys(lab: Lab) -> None:
    """As `aws configure` does with a mistyped key."""
    lab.enter_student_number(7)
    aws_cli(lab, "aws configure set aws_access_key_id AKIAMISTYPEDMISTYPED")
    aws_cli(lab, f"aws configure set aws_secret_access_key {40 * 'x'}")


def test_kept_keys_that_aws_refuses_are_not_right_and_solving_fixes_them(lab: Lab) -> None:
    keep_wrong_keys(lab)
    assert outcome_of(lab, "aws_account") == "not right"
    list(steps.solve(lab._session, steps.named("aws_account")))
    assert outcome_of(lab, "aws_account") == "done"


def test_the_form_asks_before_it_replaces_kept_keys_and_takes_a_yes(lab: Lab) -> None:
    keep_wrong_keys(lab)
    keys, form = lab._session.backend.aws.cloud_account(), lab.enter_aws_keys()
    form.fields["access key id"].value = keys.access_key_id
    form.fields["secret access key"].value = keys.secret_access_key
    form.buttons["Check and use"].click()
    assert "was not changed" in form.message.value
    form.fields["overwrite"].value = True
    form.buttons["Check and use"].click()
    assert "saved in the profile" in form.message.value
    assert outcome_of(lab, "aws_account") == "done"


def test_a_second_press_without_new_keys_tries_those_in_use_and_does_no_harm(lab: Lab) -> None:
    list(steps.solve(lab._session, steps.named("aws_account")))
    form = lab.enter_aws_keys()
    form.buttons["Check and use"].click()

    assert "the current ones were tested again" in form.message.value
    assert outcome_of(lab, "aws_account") == "done"


def test_an_open_chapter_learns_at_its_next_cell_that_another_chose_another_backend(lab: Lab) -> None:
    sandbox, other = repr(lab.choose_backend()), open_lab()
    other.choose_backend("live")
    assert repr(lab.choose_backend()) == repr(other.choose_backend()) != sandbox
    other.choose_backend("sandbox")
    assert repr(lab.choose_backend()) == sandbox


def test_the_checks_of_the_rule_pass_when_it_was_made_through_the_rest_api(lab: Lab) -> None:
    lab.enter_student_number(7)
    api = lab._session.detection
    base = next(one for one in rule.all_rules(api) if one.name == rule.PRECREATED_RULE)
    made = replace(wanted_criteria(7).apply_to(base), enabled=True)
    api.create_rule(base.ruleset_id, made)
    for key in ("rule", "rule_criteria", "rule_enabled"):
        assert outcome_of(lab, key) == "done"


def test_the_switch_in_the_table_of_rules_waits_for_the_criteria_and_the_next_check_sees_it(lab: Lab) -> None:
    list(steps.solve(lab._session, steps.named("network_acl_id")))
    assert not hasattr(lab.rules(), "buttons")  # no rule of the student's, no switch
    list(steps.solve(lab._session, steps.named("rule")))
    early = lab.rules()
    early.buttons["Enable"].click()
    assert "The five criteria" in early.message.value
    list(steps.solve(lab._session, steps.named("rule_criteria")))
    form = lab.enable_rule()
    for name, outcome in (("Enable", "done"), ("Disable", "not yet"), ("Enable", "done")):
        form.buttons[name].click()
        assert outcome_of(lab, "rule_enabled") == outcome
    assert "Your rule is enabled." in form.message.value


def test_an_unattended_run_enables_the_rule_and_shows_the_table(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    list(steps.solve(lab._session, steps.named("rule_criteria")))
    monkeypatch.setenv("LABKIT_STUDENT", "1")
    shown = repr(open_lab().enable_rule())
    assert "Your rule is enabled." in shown
    assert "✓ enabled" in shown.splitlines()[-1]


def test_a_name_that_is_nearly_right_is_distinguished_from_no_rule(lab: Lab) -> None:
    lab.enter_student_number(7)
    api = lab._session.detection
    base = next(one for one in rule.all_rules(api) if one.name == rule.PRECREATED_RULE)
    nearly = wanted_criteria(7).name.replace("Student7", "Student 7")
    made = api.create_rule(base.ruleset_id, replace(base, name=nearly))
    try:
        result = steps.check(lab._session, steps.BY_KEY["rule"])
        assert result.outcome.value == "not right"
        assert "Student 7" in result.found
    finally:
        api.delete_rule(made.ruleset_id, made.id)


def test_the_network_acl_of_another_vpc_is_answered_with_whose_it_is(lab: Lab) -> None:
    list(steps.solve(lab._session, steps.named("vpc")))
    ec2 = lab._session.aws.ec2
    other = aws.find_student_vpcs(ec2, 1012)[0]
    (foreign,) = aws.describe_network_acls(ec2, vpc_id=other.id)
    with pytest.raises(InvalidInput, match="of student 1012"):
        lab.choose_network_acl(foreign.id)
    assert outcome_of(lab, "network_acl_id") == "not right"


def test_a_number_whose_things_are_there_already_is_reported(lab: Lab) -> None:
    list(steps.solve(lab._session, steps.STEPS))
    words = repr(lab.enter_student_number(lab._session.student))
    assert "Already there" in words and "vpc-" in words and "rule " in words


def test_two_vpcs_with_the_students_tag_are_wrong_and_both_are_listed(lab: Lab) -> None:
    list(steps.solve(lab._session, steps.named("vpc")))
    aws.create_vpc(lab._session.aws.ec2, lab._session.student)
    result = steps.check(lab._session, steps.BY_KEY["vpc"])
    assert result.outcome.value == "not right"
    assert result.found.count("vpc-") == 2


def test_the_quota_of_vpcs_is_reported_with_what_uses_it(lab: Lab) -> None:
    list(steps.solve(lab._session, steps.named("aws_account")))
    ec2 = lab._session.aws.ec2
    made = [aws.create_vpc(ec2, number) for number in (101, 102, 103)]
    try:
        with pytest.raises(QuotaReached, match=made[0].id):
            lab.create_vpc()
    finally:
        for number, vpc in zip((101, 102, 103), made, strict=True):
            aws.delete_vpc(ec2, vpc.id, number)


def test_a_sandbox_killed_between_two_steps_loses_nothing(lab: Lab, lab_home: Path) -> None:
    for done in (2, 4, 7, 10, 11, 12):
        assert all(result.passed for _, result in steps.solve(lab._session, steps.STEPS[:done]))
        before = world_seen_from_outside(lab)
        sandbox = sandbox_process.find(lab_home)
        os.kill(sandbox.pid, 9)
        assert world_seen_from_outside(lab) == before
    assert all(result.passed for _, result in steps.solve(lab._session, steps.STEPS))


def test_no_check_asks_more_than_two_questions(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    list(steps.solve(lab._session, steps.STEPS))
    asked: list[str] = []
    account = lab._session.aws
    for client in (account.ec2, account.sts):
        client.meta.events.register("before-call", lambda model, **_: asked.append(model.name))
    session = lab._session.detection._opened_session()
    session.hooks["response"].append(lambda reply, **_: asked.append(reply.request.path_url))
    for step in steps.STEPS:
        asked.clear()
        assert steps.look(lab._session, step).passed
        assert len(asked) <= 2, (step.key, asked)


def test_a_proxy_of_the_environment_sees_nothing_of_the_sandbox(
    lab: Lab, lab_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    sandbox = sandbox_process.find(lab_home)
    assert sandbox is not None and sandbox.credentials()
    assert all(result.passed for _, result in steps.solve(open_session(), steps.STEPS))
    assert lab._session.backend.environment()["NO_PROXY"] == "127.0.0.1"


def test_an_event_that_cannot_be_one_is_refused_and_explains_nothing(lab: Lab) -> None:
    list(steps.solve(lab._session, steps.named("rule_criteria")))
    for wrong in ({"destination": "banana"}, {"port": 99999}, {"port": "eighty"}, {"event": "user = root"}):
        with pytest.raises(InvalidInput):
            lab.explain(**wrong)


def test_a_region_that_does_not_exist_is_refused_and_not_noted() -> None:
    with pytest.raises(InvalidInput, match="Did you mean us-"):
        open_lab(region="us-esat-1")
    assert open_lab()._session.region == "us-east-1"


def test_a_vpc_in_another_region_is_named_by_the_check_the_keys_and_the_number_at_one_more_call(lab: Lab) -> None:
    lab.enter_student_number(7)
    list(steps.solve(lab._session, steps.named("vpc")))
    made = lab._session.notes.get("vpc_id")
    keys = lab._session.backend.aws.cloud_account()
    words = f"not in us-west-2, but found in us-east-1: {made}"
    try:
        with requests_counted() as to_find_it_here:
            assert steps.look(lab._session, steps.BY_KEY["vpc"]).passed
        assert words in repr(lab.enter_aws_keys(keys.access_key_id, keys.secret_access_key, region="us-west-2"))
        with requests_counted() as sent:
            result = steps.look(lab._session, steps.BY_KEY["vpc"])
        assert not result.passed and words in result.found and "us-east-1" in result.next_step
        assert (len(to_find_it_here), len(sent)) == (1, 3)  # by tag, VPCs without a tag, and the noted region
        assert words in repr(lab.enter_student_number(7))
    finally:
        lab._session.notes.save(region="us-east-1")


def test_the_ids_are_something_that_the_student_chooses(lab: Lab) -> None:
    list(steps.solve(lab._session, steps.named("vpc")))
    list(steps.solve(lab._session, steps.named("rule_enabled")))
    for key, choose in (("network_acl_id", lab.choose_network_acl), ("rule_id", lab.retrieve_rule_id)):
        found = steps.look(lab._session, steps.BY_KEY[key])
        assert found.outcome.value == "not yet" and "not in your notes" in found.found
        assert choose.__name__ in found.next_step
    assert "◀" not in repr(lab.network_acls())
    lab.choose_network_acl(students_network_acl(lab._session).id)
    lab.retrieve_rule_id()
    assert outcome_of(lab, "network_acl_id") == outcome_of(lab, "rule_id") == "done"


def test_vpcs_of_other_students_that_were_not_looked_at_are_not_denied(lab: Lab) -> None:
    before = next(line for line in lab.readiness().lines if line.title == "Leftovers")
    assert "VPCs cannot be looked at" in before.found and "vpc-" not in before.found
    list(steps.solve(lab._session, steps.named("aws_account")))
    after = next(line for line in lab.readiness().lines if line.title == "Leftovers")
    assert "?" not in after.found and "vpc-" in after.found


def test_the_invented_other_student_is_nobody_who_can_be_in_the_room(lab: Lab) -> None:
    list(steps.solve(lab._session, steps.named("aws_account")))
    others = {vpc.student for vpc in aws.describe_vpcs(lab._session.aws.ec2) if vpc.student}
    assert others
    for number in others:
        with pytest.raises(InvalidInput):
            lab.enter_student_number(number)
