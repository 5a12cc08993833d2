"""The command line as it is typed: what it prints, and its exit status."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from labkit import steps
from labkit.cli.main import main
from labkit.lab.lab import Lab
from labkit.services import sandbox_process
from labkit.services.notes import Notes
from labkit.views.terminal import visible

pytestmark = pytest.mark.usefixtures("lab")


def labkit(*words: str, typed: str = "") -> Result:
    return CliRunner().invoke(main, words, input=typed)


def statuses(chapter: str = "2") -> dict[str, bool]:
    steps = json.loads(labkit("status", "--json").output)["steps"]
    return {one["key"]: one["passed"] for one in steps if one["chapter"] == chapter}


def test_help_teaches_every_verb() -> None:
    words = labkit("--help").output
    assert all(verb in words for verb in ("lab", "sandbox", "env", "status", "solve", "reset", "cloud-account"))
    assert "Exit status" in words
    assert "..." not in words.partition("Commands:")[2]


def test_solve_then_status_all_done_then_reset_all_undone_then_solve_again() -> None:
    for _ in range(2):
        solved = labkit("solve", "2")
        assert solved.exit_code == 0
        assert len(solved.stdout.splitlines()) == 8
        assert "No student number was given, so yours will be 1." in solved.stderr
        assert all(statuses().values())
        assert labkit("reset", "2", "--yes").exit_code == 0
        assert not any(statuses().values())


def test_status_json_has_the_agreed_fields() -> None:
    steps = json.loads(labkit("status", "--json").output)["steps"]
    assert [step["chapter"] for step in steps] == ["1", *["2"] * 8, *["3"] * 3]
    assert all({"key", "chapter", "title", "passed", "found", "next_step"} <= step.keys() for step in steps)


def test_status_in_words_counts_the_steps_and_names_the_next_action() -> None:
    words = labkit("status")
    assert words.exit_code == 0
    assert "0 of 12 steps done." in words.output
    assert words.output.count("▶") == 1 and "\n  → labkit solve host_ready\n" in words.output
    assert "lab." not in words.output.replace("labkit", "")


@pytest.mark.parametrize("columns", [20, 40, 60, 100])
def test_status_fits_the_terminal_with_a_line_a_step_where_there_is_room(columns: int) -> None:
    run = CliRunner(env={"COLUMNS": str(columns)}).invoke(main, ["status"])
    lines = run.output.splitlines()
    assert max(map(len, lines)) <= max(columns, 24)  # a key is never broken
    if columns >= 60:
        assert [line[2:].split()[0] for line in lines if line[0] in "✓▶○✕?"] == list(steps.BY_KEY)


@pytest.mark.parametrize("region", ["1", "us east", "\x1b[2J"])
def test_a_region_in_the_notes_that_cannot_be_one_is_refused_in_a_sentence(lab_home: Path, region: str) -> None:
    assert labkit("solve", "aws_account").exit_code == 0
    notes = Notes(lab_home / "notes.json")
    try:
        notes.save(region=region)
        assert f"Region “{visible(region)}” was refused." in labkit("status", "-v").output
    finally:
        notes.save(region="us-east-1")


def test_a_mistyped_step_is_asked_about_and_a_chapter_without_steps_exists() -> None:
    for verb in ("status", "solve", "reset"):
        assert "Did you mean host_subnet?" in labkit(verb, "host-subnt").output
        empty = labkit(verb, "0")
        assert empty.exit_code == 0 and empty.output.startswith("Chapter 0 has no steps to ")


def test_a_rehearsal_is_announced_wherever_the_demo_begins_and_one_command_undoes_it(lab: Lab) -> None:
    assert labkit("solve").exit_code == 0
    assert labkit("reset", "deny_entry", "--yes").exit_code == 0
    words = " ".join(labkit("status").output.split())
    assert "the responder will deny 203.0.113.10 at once. For a fresh demo: labkit reset first_alert" in words
    assert "For a fresh demo: lab.reset('first_alert')" in repr(lab.chapter("3"))
    assert "For a fresh demo: lab.reset('first_alert')" in lab.responder().view.text()
    assert labkit("reset", "first_alert", "--yes").exit_code == 0
    assert "fresh demo" not in labkit("status").output + repr(lab.chapter("3")) + lab.responder().view.text()


def test_solving_one_step_does_what_it_needs_and_no_more() -> None:
    assert labkit("solve", "vpc").exit_code == 0
    assert [key for key, passed in statuses().items() if passed] == ["student_number", "aws_account", "vpc"]


def test_without_curl_solve_names_it_and_a_way_to_get_it_without_a_call_of_a_notebook(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    refused = labkit("solve", "1")

    assert refused.exit_code == 1
    assert "curl: not installed" in refused.output
    assert "sudo apt install curl, or: sudo dnf install curl" in refused.output
    assert "lab." not in refused.output


def test_reset_asks_first_and_a_no_changes_nothing() -> None:
    labkit("solve", "2")
    refused = labkit("reset", "2", typed="n\n")
    assert refused.exit_code == 1
    assert "Undo these steps" in refused.output
    assert all(statuses().values())


def test_a_step_that_does_not_exist_is_answered_with_those_that_do() -> None:
    refused = labkit("solve", "nonsense")
    assert refused.exit_code == 1
    assert "nonsense" in refused.output and "rule_criteria" in refused.output
    assert "Traceback" not in refused.output


def test_labkit_student_names_the_student(monkeypatch: pytest.MonkeyPatch) -> None:
    labkit("solve", "student_number")
    monkeypatch.setenv("LABKIT_STUDENT", "8")
    assert statuses()["student_number"] is False
    labkit("solve", "student_number")
    assert "Student8" in labkit("status").output


def test_sandbox_status_json_says_pid_and_url(lab_home: Path) -> None:
    found = json.loads(labkit("sandbox", "status", "--json").output)
    assert found["running"] is True
    assert found["pid"] > 0 and found["url"].startswith("http://127.0.0.1:")
    assert found["home"] == str(lab_home)


def test_cloud_account_shows_both_keys_to_copy_from(lab: Lab) -> None:
    keys = lab._session.backend.aws.cloud_account()
    words = labkit("cloud-account").output
    assert keys is not None
    assert keys.access_key_id in words and keys.secret_access_key in words


def run_in_a_shell(command: str, **environment: str) -> str:
    """What a shell prints that took the lab's environment first, as the README says."""
    programs = str(Path(sys.executable).parent)
    given = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", **environment}
    script = f'eval "$(labkit env)"; {command}'
    ran = subprocess.run(["sh", "-c", script], env=given, capture_output=True, text=True)
    return ran.stdout + ran.stderr


def test_in_a_shell_with_the_labs_environment_the_original_commands_work_as_printed(lab: Lab) -> None:
    assert "<not set>" in run_in_a_shell("aws configure list", AWS_ACCESS_KEY_ID="AKIAREALKEYOFTHEUSER")
    labkit("solve", "aws_account")
    made = json.loads(run_in_a_shell("aws ec2 create-vpc --cidr-block 10.0.0.0/16"))
    shown = json.loads(run_in_a_shell("aws ec2 describe-network-acls"))
    assert made["Vpc"]["VpcId"] in {acl["VpcId"] for acl in shown["NetworkAcls"]}
    assert len({acl["VpcId"] for acl in shown["NetworkAcls"]}) >= 3  # everybody's: the trap of the original
    run_in_a_shell(f"aws ec2 delete-vpc --vpc-id {made['Vpc']['VpcId']}")


def test_the_users_own_aws_files_are_neither_read_nor_written(tmp_path: Path) -> None:
    own = tmp_path / ".aws"
    own.mkdir()
    files = {"config": "[default]\nregion = eu-north-1\n", "credentials": "[default]\naws_access_key_id = AKIAOWN\n"}
    for name, text in files.items():
        (own / name).write_text(text)
    words = run_in_a_shell("labkit solve 2; aws configure list; labkit reset 2 --yes", HOME=str(tmp_path))
    assert "done  The RuleID" in words
    assert "eu-north-1" not in words and "OWN" not in words
    assert {name: (own / name).read_text() for name in files} == files


def test_reset_without_a_number_says_what_it_could_not_look_at() -> None:
    again = labkit("reset", "--yes")
    assert again.exit_code == 0
    assert "Your VPC: ? Not looked at: Enter your student number first." in again.output


def test_reset_where_nothing_was_done_says_what_was_not_found() -> None:
    labkit("solve", "aws_account")
    again = labkit("reset", "--yes")
    assert again.exit_code == 0
    assert "There was nothing to undo: No VPC of student 1 was found" in again.output


def test_reset_finds_the_vpc_though_the_keys_are_gone(lab: Lab) -> None:
    labkit("solve", "vpc")
    labkit("reset", "aws_account", "--yes")  # takes the VPC first, since the VPC needs the account
    labkit("solve", "vpc")
    (vpc_id,) = [word for word in labkit("status").output.split() if word.startswith("vpc-")][:1]
    lab._session.backend.aws.credentials_file.unlink()
    assert f"VPC {vpc_id}" in labkit("reset", "2", "--yes").output


def test_solving_twice_at_once_makes_everything_once(lab: Lab) -> None:
    labkit("solve", "aws_account")
    with ThreadPoolExecutor(3) as pool:
        command = [sys.executable, "-m", "labkit", "solve", "2"]
        list(pool.map(lambda _: subprocess.run(command, capture_output=True, check=False), range(3)))
    assert all(statuses().values()), labkit("status").output


@pytest.mark.parametrize("words", [["status"], ["solve", "2"], ["sandbox", "stop"], ["run", "--", "curl", "x"]])
def test_on_the_labs_host_a_command_says_in_one_line_where_it_works_and_does_no_harm(
    lab_home: Path, words: list[str]
) -> None:
    before = sandbox_process.find(lab_home)
    inside = labkit_process("run", "--", sys.executable, "-m", "labkit", *words)

    assert inside.returncode == 1
    (line,) = inside.stderr.splitlines()
    assert "does not work on the lab's host" in line and "another terminal" in line
    assert sandbox_process.find(lab_home) == before is not None


@pytest.mark.parametrize("program", ["aws", "/usr/bin/aws", "labkit"])
def test_the_labs_commands_are_not_run_on_the_host(program: str) -> None:
    refused = labkit("run", "--", program, "ec2", "describe-vpcs")

    assert refused.exit_code == 1
    assert "does not work on the lab's host" in refused.output


def labkit_process(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "labkit", *words], capture_output=True, text=True, timeout=120)


INTERRUPTED = """
import os, signal, sys
class WhileImporting:
    find_spec = staticmethod(lambda name, *_: os.kill(os.getpid(), signal.SIGINT) if name == sys.argv[1] else None)
sys.meta_path.insert(0, WhileImporting)
from labkit.cli.main import main
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
main(["status"])
"""


@pytest.mark.parametrize("module", ["labkit.model.errors", "click", "labkit.cli.steps", "labkit.steps.session"])
def test_control_c_while_a_command_is_loaded_is_no_trace(module: str) -> None:
    ended = subprocess.run([sys.executable, "-c", INTERRUPTED, module], capture_output=True, text=True, check=False)

    assert ended.returncode in (-signal.SIGINT, 1)
    assert "Traceback" not in ended.stderr
