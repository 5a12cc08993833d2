"""Forward and back for a student, typed by the instructor: asked first, and safe in the middle of anything."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from labkit.classroom import as_student as students
from labkit.cli.main import main
from labkit.lab.lab import open_lab
from labkit.model.student import rule_name
from labkit.services import aws, sandbox_process
from labkit.steps import STEPS, protection, status
from labkit.steps.rule import all_rules
from labkit.steps.session import LabSession, open_session
from tests.notebooks.kernel import one_kernel
from tests.sandbox.lab.fixtures import account
from tests.terminal import Terminal
from tests.wait import PATIENCE_SECONDS

pytestmark = pytest.mark.usefixtures("lab")


def labkit(*words: str, typed: str = "") -> Result:
    return CliRunner().invoke(main, words, input=typed)


@pytest.fixture
def seven(lab_home: Path) -> Iterator[LabSession]:
    """Student 7, of whom nothing is left afterwards."""
    yield students.open_as_student("7")
    assert labkit("reset", "--student", "7", "--yes").exit_code == 0


def done(session: LabSession) -> int:
    return sum(one.passed for one in status(session))


def files(home: Path) -> dict[str, bytes]:
    """What the instructor has of their own: notes, and the files of the AWS CLI."""
    return {path.name: path.read_bytes() for path in (home / "notes.json", *sorted((home / "aws").iterdir()))}


def test_solve_for_a_student_says_who_and_how_far_and_waits_for_a_yes(seven: LabSession) -> None:
    refused = labkit("solve", "vpc", "--student", "7", typed="n\n")
    agreed = labkit("solve", "vpc", "--student", "7", typed="y\n")

    assert refused.exit_code == 1
    assert "Student 7: 2 of 12 steps done, the last of them “Your AWS account”." in refused.output
    assert "Do the unfinished steps for student 7: Your VPC?" in refused.output
    assert agreed.exit_code == 0
    assert aws.find_student_vpcs(account().ec2, 7)
    assert done(seven) == 3


def test_reset_of_a_student_says_what_is_there_and_a_no_changes_nothing(seven: LabSession) -> None:
    labkit("solve", "2", "--student", "7", "--yes")

    refused = labkit("reset", "rule", "--student", "7", typed="n\n")
    assert "Student 7: 6 of 12 steps done, the last of them “The rule enabled”." in refused.output
    assert re.search("Undo these steps: Your detection rule, .*, The rule enabled, .*?", refused.output)
    assert done(seven) == 6

    agreed = labkit("reset", "rule", "--student", "7", typed="y\n")
    assert agreed.exit_code == 0 and done(seven) == 3
    assert "RuleID" not in refused.output + agreed.output  # their notes are not touched


def test_the_question_names_what_is_unfinished_and_what_is_left_to_the_student(seven: LabSession) -> None:
    labkit("solve", "rule", "--student", "7", "--yes")

    agreed = labkit("solve", "2", "--student", "7", typed="y\n")
    assert (
        "Do the unfinished steps for student 7: Your VPC, The five criteria, The rule enabled? [y/N]" in agreed.output
    )
    assert "in your notes" not in agreed.output and agreed.output.endswith(": The NetworkAclId, The RuleID.\n")
    assert "All of it is done already." in labkit("solve", "rule_enabled", "--student", "7").output


def test_what_is_done_for_a_student_leaves_the_instructors_notes_and_keys_alone(
    seven: LabSession, lab_home: Path
) -> None:
    labkit("solve", "2")
    before = files(lab_home)

    labkit("solve", "--student", "7", "--yes")
    assert done(seven) == 9  # not the three that only their own notes show
    labkit("reset", "--student", "7", "--yes")

    assert files(lab_home) == before
    assert done(seven) == 2
    assert labkit("status").output.endswith("8 of 12 steps done.\n")


def test_the_question_says_that_the_one_host_of_a_sandbox_moves(seven: LabSession) -> None:
    assert "The host of this sandbox moves into their VPC." in labkit("solve", "--student", "7", typed="n\n").output
    assert "moves" not in labkit("solve", "2", "--student", "7", typed="n\n").output


def made_older(lab_home: Path, seconds: int) -> None:
    """As if every alert had been raised that much earlier."""
    with closing(sqlite3.connect(*lab_home.rglob("detection.sqlite"), timeout=PATIENCE_SECONDS)) as store, store:
        store.execute("UPDATE alert SET created_at = created_at - ?", (seconds * 1000,))
        store.execute("UPDATE alert_growth SET expires_at = expires_at - ?", (seconds * 1000,))


@pytest.mark.parametrize("hours", [0, 1, 30])
def test_solve_reaches_the_end_after_a_break_with_an_alert_that_nobody_answered(lab_home: Path, hours: int) -> None:
    assert labkit("solve").exit_code == labkit("reset", "deny_entry", "--yes").exit_code == 0
    made_older(lab_home, hours * 3600 + 60)
    assert "the responder will deny 203.0.113.10 at once" in " ".join(labkit("status").output.split())
    assert labkit("solve", "3").exit_code == 0
    assert labkit("status").output.endswith("12 of 12 steps done.\n")


def test_solve_reaches_the_end_though_the_only_alert_is_of_an_address_that_is_never_denied() -> None:
    assert labkit("solve").exit_code == labkit("reset", "first_alert", "--yes").exit_code == 0
    open_lab().run("curl --max-time 5 192.168.7.1")
    assert done(open_session()) == 11
    assert labkit("solve", "3").exit_code == 0
    assert labkit("status").output.endswith("12 of 12 steps done.\n")


@pytest.mark.parametrize("step", ["host_ready", "student_number", "aws_account"])
def test_what_is_on_the_students_own_machine_is_not_done_from_here(step: str) -> None:
    ended = labkit("solve", step, "--student", "7", "--yes")

    assert ended.exit_code == 1
    assert "must be done by the student" in ended.output


def test_a_number_that_no_student_can_have_is_refused_before_anything() -> None:
    assert "Student number “0” was refused" in labkit("solve", "--student", "0", "--yes").output


# --- in the middle of anything ---


def begun(*words: str) -> subprocess.Popen[str]:
    """A command under way, whose lines are read as they come."""
    command = [sys.executable, "-u", "-m", "labkit", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def read_lines(process: subprocess.Popen[str], count: int) -> None:
    assert process.stdout is not None
    for _ in range(count):
        assert process.stdout.readline()


def made(lab_home: Path) -> tuple[int, int]:
    """How many VPCs and rules student 1 has."""
    session = open_session()
    rules = [rule for rule in all_rules(session.detection) if rule.name == rule_name(1)]
    return len(aws.find_student_vpcs(account().ec2, 1)), len(rules)


@pytest.mark.parametrize("after", [1, 4, 7])
def test_solve_and_reset_go_on_where_an_interruption_stopped_them(after: int, lab_home: Path) -> None:
    for words, remains in ((["solve"], len(STEPS)), (["reset", "--yes"], 0)):
        process = begun(*words)
        read_lines(process, after)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 1, told
        assert re.search(r"labkit: Stopped after \d+ of 12 steps\.", told)
        assert "it continues from there" in told and "Traceback" not in told

        assert labkit(*words).exit_code == 0
        assert done(open_session()) == remains
    assert made(lab_home) == (0, 0)


def test_solve_and_reset_come_right_after_the_sandbox_was_killed_midway(lab_home: Path) -> None:
    for words, remains, things in ((["solve"], len(STEPS), (1, 1)), (["reset", "--yes"], 0, (0, 0))):
        process = begun(*words)
        read_lines(process, 7)
        sandbox = sandbox_process.find(lab_home)
        assert sandbox is not None
        os.kill(sandbox.pid, signal.SIGKILL)
        _, told = process.communicate(timeout=PATIENCE_SECONDS)
        assert "Traceback" not in told

        assert labkit(*words).exit_code == 0
        assert done(open_session()) == remains
        assert made(lab_home) == things


def test_an_entry_that_a_responder_at_work_adds_meanwhile_is_taken_away_with_the_alerts() -> None:
    labkit("solve")
    session = open_session()

    protection.undo_alert(session)

    assert protection.check_denied(session).outcome.value == "not yet"


# --- what is seen ---


def test_on_a_terminal_a_bar_moves_below_the_lines(lab_home: Path) -> None:
    terminal = Terminal([sys.executable, "-m", "labkit", "solve", "vpc"])
    try:
        terminal.wait_for("0/3 Doing: Your student number")
        terminal.wait_for("done  Your VPC: vpc-")
        assert made(lab_home) == (1, 0)
    finally:
        terminal.close()


CELL_THAT_IS_INTERRUPTED = """
import os, signal
from labkit import open_lab
lab = open_lab()
alone = lab._session.creation_lock
lab._session.creation_lock = lambda: os.kill(os.getpid(), signal.SIGINT) or alone()
lab.solve("vpc")
"""


def test_a_cell_shows_a_bar_and_an_interrupted_kernel_says_how_to_go_on(lab_home: Path) -> None:
    with one_kernel(lab_home, os.environ) as kernel:
        stopped = kernel.run(CELL_THAT_IS_INTERRUPTED)
        again = kernel.run("lab._session.creation_lock = alone\nlab.solve('vpc')")
        back = kernel.run("lab.reset('vpc')")

    assert stopped.error == "LabError"
    assert "Stopped after 2 of 3 steps." in stopped.text and "Run this cell again" in stopped.text
    assert "3 of 3 steps" in again.text and not again.error
    assert "Undoing the steps" in back.text and "Deleted: VPC" in back.text


# --- in a class ---


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of a sandbox that serves a class of three."""
    home = tmp_path_factory.mktemp("school")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABKIT_HOME", str(home))
        assert labkit("sandbox", "start", "--class", "3").exit_code == 0
        yield home
        sandbox_process.stop(home)


@pytest.fixture
def in_class(school: Path, lab: object, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The instructor uses the class's sandbox; after the lab of the other tests, which has its own."""
    monkeypatch.setenv("LABKIT_HOME", str(school))
    return school


def test_a_students_lab_is_done_with_their_own_keys_in_their_own_account(in_class: Path) -> None:
    asked = labkit("solve", "--student", "2", typed="y\n")

    assert asked.exit_code == 0, asked.output
    assert "AWS: account 000000000002 of the class." in asked.output
    assert "arn:aws:iam::000000000002:user/student2" in asked.output
    assert done(students.open_as_student("2")) == len([step for step in STEPS if not step.note])
    assert done(students.open_as_student("1")) == 2  # number and keys
    assert not aws.find_student_vpcs(account().ec2, 2)  # in the account of the sandbox itself
    assert not (in_class / "notes.json").exists()

    labkit("reset", "--student", "2", "--yes")
    assert done(students.open_as_student("2")) == 2


def test_the_class_killed_midway_comes_right_for_the_student(in_class: Path) -> None:
    process = begun("solve", "--student", "3", "--yes")
    read_lines(process, 4)
    sandbox = sandbox_process.find(in_class)
    assert sandbox is not None
    os.kill(sandbox.pid, signal.SIGKILL)
    process.communicate(timeout=PATIENCE_SECONDS)

    assert labkit("solve", "--student", "3", "--yes").exit_code == 0
    assert done(students.open_as_student("3")) == len(STEPS) - 3  # the three notes are on the student's machine


def test_who_is_not_in_the_class_is_shown_who_is(in_class: Path) -> None:
    assert "It has the students 1 to 3." in labkit("reset", "--student", "4", "--yes").output


def test_on_a_machine_that_joined_as_another_student_nothing_is_done(
    in_class: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    block = labkit("class", "keys", "1").output
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path / "student"))
    assert labkit("join", typed=block).exit_code == 0

    refused = labkit("reset", "--student", "2", "--yes")

    assert refused.exit_code == 1
    assert "joined the class as student 1" in refused.output and "the machine that serves the class" in refused.output
    assert labkit("solve", "vpc", "--student", "1", "--yes").exit_code == 0
