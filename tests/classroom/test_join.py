"""Students join a class, on the command line and over TLS, and the lab of who has joined."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from botocore.exceptions import EndpointConnectionError
from click.testing import CliRunner, Result

from labkit import steps
from labkit.classroom.class_keys import ClassKeys
from labkit.cli.main import main
from labkit.files import write_private
from labkit.lab.lab import open_lab
from labkit.model.detection.rule import Rule
from labkit.model.errors import InvalidInput, ServiceUnreachable
from labkit.model.student import account_of, rule_name
from labkit.sandbox.detection.seed_data import BASE_RULE_SET_ID
from labkit.services import sandbox_process
from labkit.services.aws import errors as aws_errors
from labkit.services.detection import errors as detection_errors
from labkit.services.environment import settings
from labkit.steps.rule import all_rules
from labkit.steps.session import open_session
from labkit.views.forms.parts import Form
from tests.classroom.fixtures import UNSIGNED, RunningClass, running_class
from tests.ports import free_port
from tests.terminal import Terminal

STUDENT = 7


def labkit(*words: str, typed: str = "") -> Result:
    return CliRunner().invoke(main, words, input=typed)


@pytest.fixture(scope="module")
def a_class(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningClass]:
    with running_class(tmp_path_factory.mktemp("class"), 8, tls=True) as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A student's machine, on which the lab was never opened."""
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def joined(a_class: RunningClass, home: Path) -> Iterator[Path]:
    """The home of a student who has joined the class. Gives it back as it was."""
    assert labkit("join", typed=a_class.keys(STUDENT).block).exit_code == 0
    yield home
    list(steps.reset(open_session(), steps.STEPS))
    assert labkit("join", "--leave").exit_code == 0  # which ends the host, where one was started


def nothing_kept(home: Path) -> bool:
    return not home.exists() or not list(home.iterdir())


# --- joining ---


def test_joining_reports_the_student_and_the_class_and_saves_them_privately(a_class: RunningClass, home: Path) -> None:
    said = labkit("join", typed=f"# Student 7\n\n{a_class.keys(STUDENT).block}")
    assert said.exit_code == 0, said.output
    assert "You are student 7." in said.output
    assert f"class sandbox at {a_class.keys(STUDENT).url}, account {account_of(STUDENT)}" in said.output
    assert a_class.keys(STUDENT).api_key not in said.output
    for path in home.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize("ending", ["\n", "\n\n"], ids=["as it is", "double-spaced"])
def test_a_block_pasted_into_a_terminal_is_read_whole_and_nothing_after_it_reaches_the_shell(
    a_class: RunningClass, home: Path, ending: str
) -> None:
    command = f'stty -echo; {sys.executable} -m labkit join; read line; echo "[$line]"'
    terminal = Terminal(["sh", "-c", command])
    terminal.wait_for("What you paste is not shown")
    lines = a_class.keys(STUDENT).block.replace("\n", ending)
    terminal.type(f"Hi,\n\n{lines}\n\nSee you tomorrow\n")
    terminal.wait_for("Testing the keys of student 7 with the class(.|\n)*You are student 7")
    terminal.type("typed later\n")
    terminal.wait_for(r"\[typed later\]")
    terminal.close()


def test_a_block_may_be_in_a_file(a_class: RunningClass, home: Path, tmp_path: Path) -> None:
    (tmp_path / "block.txt").write_text(a_class.keys(STUDENT).block)
    assert "You are student 7." in labkit("join", str(tmp_path / "block.txt")).output


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("TS_API_KEY=", "#", "lacks TS_API_KEY"),
        ("LABKIT_CERTIFICATE=", "#", "certificate that the lab does not trust"),
        ("TS_USER_ID=", "TS_USER_ID=0", "does not know this user id"),
        ("TS_API_KEY=", "TS_API_KEY=0", "the API key is not that user's"),
        ("TS_ORGANIZATION_ID=", "TS_ORGANIZATION_ID=0", "403"),
        ("AWS_ACCESS_KEY_ID=AKIA", "AWS_ACCESS_KEY_ID=", "access key id"),
        ("LABKIT_STUDENT=7", "LABKIT_STUDENT=8", "student 8 has account 000000000008"),
        ("LABKIT_STUDENT=7", "LABKIT_STUDENT=7\nLABKIT_STUDENT=8", "two students"),
    ],
)
def test_an_invalid_block_is_refused_with_a_reason_and_nothing_is_saved(
    a_class: RunningClass, home: Path, old: str, new: str, words: str
) -> None:
    block = a_class.keys(STUDENT).block
    assert old in block
    said = labkit("join", typed=block.replace(old, new, 1))
    assert said.exit_code == 1
    assert words in said.output
    assert a_class.keys(STUDENT).secret_access_key not in said.output
    assert nothing_kept(home)


def test_a_wrong_secret_a_wrong_certificate_and_no_answer_have_different_errors(
    a_class: RunningClass, home: Path
) -> None:
    keys = a_class.keys(STUDENT)
    secret, port = keys.secret_access_key, keys.url.rpartition(":")[2]
    for old, new, words in (
        (secret, secret[::-1], "does not belong to this access key id"),
        (keys.fingerprint[:5], "00:00", "another certificate than the one in your block"),
        (f":{port}", f":{free_port()}", "Nothing answers with TLS"),
    ):
        said = labkit("join", typed=keys.block.replace(old, new))
        assert said.exit_code == 1
        assert words in said.output
    assert nothing_kept(home)


def test_a_wrong_block_leaves_the_joined_class_unchanged(a_class: RunningClass, joined: Path) -> None:
    before = {path: path.read_bytes() for path in joined.rglob("*") if path.is_file()}
    assert labkit("join", typed=a_class.keys(8).block.replace("TS_API_KEY=", "TS_API_KEY=0")).exit_code == 1
    assert {path: path.read_bytes() for path in joined.rglob("*") if path.is_file()} == before


def test_joining_as_another_student_replaces_everything(a_class: RunningClass, joined: Path) -> None:
    assert labkit("join", typed=a_class.keys(8).block).exit_code == 0
    session = open_session()
    assert session.student == 8
    assert account_of(8) in str(steps.check(session, steps.BY_KEY["aws_account"]))
    assert labkit("join", typed=a_class.keys(STUDENT).block).exit_code == 0


def test_leaving_deletes_the_keys_and_the_lab_runs_on_this_machine_again(a_class: RunningClass, home: Path) -> None:
    labkit("join", typed=a_class.keys(STUDENT).block)
    assert "You left the class." in labkit("join", "--leave").output
    assert [path.name for path in home.rglob("*")] == ["notes.json"]
    assert settings().aws is None
    assert "no class to leave" in labkit("join", "--leave").output


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "LABKIT_DETECTION_URL"])
def test_an_address_that_is_not_a_url_is_reported_in_a_sentence(home: Path, name: str) -> None:
    keys = ClassKeys(3, "http://127.0.0.1:9", "AKIA" + "A" * 16, "a" * 40, "b" * 24, "c" * 24, "d" * 64)
    write_private(home / "class.json", json.dumps(keys.variables | {name: "http://["}))
    assert isinstance(labkit("status").exception, SystemExit | None)
    assert "“http://[” is no URL" in labkit("env").output


def test_damaged_keys_are_reported_with_what_to_do(joined: Path, a_class: RunningClass) -> None:
    (joined / "class.json").write_text("{")
    said = labkit("status")
    assert said.exit_code == 1
    assert "labkit join" in said.output
    assert labkit("join", typed=a_class.keys(STUDENT).block).exit_code == 0


# --- the lab of who has joined ---


def test_after_joining_the_lab_uses_the_class_without_questions_and_without_a_sandbox(joined: Path) -> None:
    assert labkit("solve", "2").exit_code == 0
    session = open_session()
    assert all(result.passed for result in steps.status(session, steps.named("2")))
    assert account_of(STUDENT) in session.backend.aws.label
    assert "live" not in session.backend.sentence
    assert sandbox_process.find(joined) is None
    assert labkit("reset", "2", "--yes").exit_code == 0
    assert labkit("solve", "2").exit_code == 0  # with the class's number and keys, which are known


def test_after_joining_forms_have_the_number_filled_in(joined: Path) -> None:
    lab = open_lab()
    form = lab.enter_student_number()
    assert isinstance(form, Form)
    assert form.fields["student number"].value == str(STUDENT)
    assert not lab._unattended
    with pytest.raises(InvalidInput, match="You joined the class as student 7"):
        lab.enter_student_number(8)
    assert account_of(STUDENT) in repr(lab.enter_aws_keys())
    assert "so there is no form to fill in" in repr(lab.enter_aws_keys())
    assert "class sandbox" in repr(lab.choose_backend())


def test_a_student_waits_for_a_class_that_does_not_answer_and_does_not_start_one() -> None:
    url = "https://class.example:8443"
    client = SimpleNamespace(meta=SimpleNamespace(endpoint_url=url))
    with pytest.raises(ServiceUnreachable) as unreachable, aws_errors.translate_aws_errors(client):
        raise EndpointConnectionError(endpoint_url=url)
    for error in (unreachable.value, detection_errors.unreachable(url, "GET")):
        assert "wait a moment" in error.next_step
        assert "labkit sandbox start" not in error.next_step


def test_the_rules_of_a_whole_class_are_counted_not_named(a_class: RunningClass, joined: Path) -> None:
    for student in range(1, 6):
        a_class.api(student).create_rule(BASE_RULE_SET_ID, Rule(rule_name(student), "title", "words", (), 'exe = "x"'))
    assert "5 rules of other students, as in a class" in repr(open_lab().readiness())
    for student in range(1, 6):
        (rule,) = (one for one in all_rules(a_class.api(student)) if one.name == rule_name(student))
        a_class.api(student).delete_rule(rule.ruleset_id, rule.id)


def test_a_shell_with_the_labs_variables_reaches_the_class_with_the_aws_cli(joined: Path, tmp_path: Path) -> None:
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    for line in labkit("env").output.splitlines():
        verb, _, rest = line.partition(" ")
        name, _, value = rest.partition("=")
        if verb == "export":
            own[name] = shlex.split(value)[0]
        else:
            own.pop(name, None)
    command = [str(Path(sys.executable).parent / "aws"), "sts", "get-caller-identity", "--query", "Account"]
    ended = subprocess.run(command, env=own, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert json.loads(ended.stdout) == account_of(STUDENT), ended.stderr


def test_the_environment_wins_over_the_class_side_by_side(joined: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_DETECTION_URL", "http://127.0.0.1:9")
    opened = open_session().backend
    assert "class sandbox" in opened.aws.label
    assert opened.detection.label == "live, http://127.0.0.1:9"
    monkeypatch.setenv("LABKIT_AWS", "sandbox")
    monkeypatch.delenv("LABKIT_DETECTION_URL")
    chosen = settings()
    assert chosen.aws == "sandbox"
    assert "AWS_ACCESS_KEY_ID" not in chosen.joined
    assert "TS_API_KEY" in chosen.joined
    monkeypatch.delenv("LABKIT_AWS")


def test_real_keys_in_a_shell_are_neither_used_in_the_class_nor_touched(
    joined: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREALREALREALREAL")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "r" * 40)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "t" * 100)
    file = Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"])
    own = file.read_bytes()
    lab = open_lab()
    assert account_of(STUDENT) in repr(lab.enter_aws_keys())
    assert file.read_bytes() == own


def test_a_block_given_as_an_environment_opens_the_class_as_well(
    a_class: RunningClass, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a JupyterHub gives it to a student's server."""
    for name, value in a_class.keys(6).variables.items():
        monkeypatch.setenv(name, value)
    assert labkit("solve", "2").exit_code == 0
    session = open_session()
    assert (home / "class-certificate.pem").exists()
    assert steps.check(session, steps.BY_KEY["rule_enabled"]).passed
    assert labkit("reset", "2", "--yes").exit_code == 0


def test_with_an_address_alone_the_keys_are_typed_into_the_forms(
    a_class: RunningClass, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = a_class.keys(5)
    for name in ("LABKIT_AWS", "LABKIT_DETECTION", "AWS_ENDPOINT_URL", "LABKIT_DETECTION_URL", "LABKIT_CERTIFICATE"):
        monkeypatch.setenv(name, keys.variables[name])
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "aws" / name))
    lab = open_lab()
    form = lab.enter_detection_key()
    assert isinstance(form, Form)
    assert "none yet" in repr(form)
    for name, value in (
        ("user id", keys.user_id),
        ("api key", keys.api_key),
        ("organization id", keys.organization_id),
    ):
        form.fields[name].value = value
    form.buttons["Check and use"].click()
    assert "accepts the key" in repr(form)
    lab.enter_student_number(5)
    form = lab.enter_aws_keys()
    assert isinstance(form, Form)
    form.fields["access key id"].value = keys.access_key_id
    form.fields["secret access key"].value = keys.secret_access_key
    form.buttons["Check and use"].click()
    assert account_of(5) in repr(form)
    assert "vpc-" in repr(lab.create_vpc())  # without a question: nobody's real account is there
    lab.reset("2")


def test_programs_in_a_shell_with_the_labs_variables_find_the_class_and_trust_it(joined: Path) -> None:
    lines = labkit("env").output.splitlines()
    given = dict(shlex.split(line)[1].split("=", 1) for line in lines if line.startswith("export "))
    assert f"https://{given['TS_HOST']}" == given["TS_API_ENDPOINT"]
    assert given["NODE_EXTRA_CA_CERTS"] == given["AWS_CA_BUNDLE"]
    bundle = Path(given["SSL_CERT_FILE"])
    assert given["REQUESTS_CA_BUNDLE"] == given["CURL_CA_BUNDLE"] == str(bundle)
    own = Path(given["AWS_CA_BUNDLE"]).read_text()
    assert own in bundle.read_text() and bundle.read_text().count("BEGIN CERTIFICATE") > 50, "the others stay trusted"
    ran = subprocess.run([sys.executable, "-c", UNSIGNED], env=os.environ | given, capture_output=True, text=True)
    assert ran.stdout.split() == ["401", "401"], ran.stderr
