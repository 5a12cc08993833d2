"""The instructor's own lab beside a class: it uses a student number that nobody in the class has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from labkit import steps
from labkit.classroom.as_student import open_as_student
from labkit.cli.main import main
from labkit.model.check import Outcome
from labkit.model.errors import StepNotReady
from labkit.model.student import rule_name
from labkit.services.notes import Notes
from labkit.steps.account import STUDENT, save_student
from labkit.steps.rule import all_rules
from labkit.steps.session import LabSession, open_session
from tests.classroom.fixtures import RunningClass, running_class

SIZE = 3


@pytest.fixture(scope="module")
def a_class(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningClass]:
    with running_class(tmp_path_factory.mktemp("class") / "home", SIZE) as running:
        yield running


@pytest.fixture
def home(a_class: RunningClass, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The class's home, in which student 1 has a rule and the instructor has done nothing."""
    monkeypatch.setenv("LABKIT_HOME", str(a_class.home))
    list(steps.solve(open_as_student("1"), steps.named("rule_enabled")))
    yield a_class.home
    Notes(a_class.home / "notes.json").save(student=SIZE + 1)
    assert labkit("reset", "--yes").exit_code == 0


def labkit(*words: str, typed: str = "") -> Result:
    return CliRunner().invoke(main, words, input=typed)


def rules() -> dict[str, str]:
    """The id of each rule, by name."""
    return {rule.name: rule.id for rule in all_rules(open_session().detection)}


def test_chapter_2_solved_and_reset_without_a_number_leaves_every_students_rule_alone(home: Path) -> None:
    before = rules()

    solved = labkit("solve", "2")

    assert solved.exit_code == 0, solved.output
    assert f"No student number was given, so yours will be {SIZE + 1}." in solved.output
    assert rules() == before | {rule_name(SIZE + 1): rules()[rule_name(SIZE + 1)]}
    assert labkit("reset", "2", "--yes").exit_code == 0
    assert rules() == before


@pytest.mark.parametrize("number", [1, SIZE])
def test_a_number_of_the_class_is_refused_for_ones_own_lab(home: Path, number: int) -> None:
    with pytest.raises(StepNotReady, match=f"Student number {number} is taken") as refused:
        save_student(open_session(), number)
    assert f"use {SIZE + 1} or higher" in refused.value.next_step
    assert f"--student {number}" in refused.value.next_step
    assert Notes(home / "notes.json").get("student") == ""


def test_a_number_of_the_class_in_the_environment_is_refused_and_changes_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rules()
    monkeypatch.setenv("LABKIT_STUDENT", "1")
    for command in ("solve", "reset"):
        ended = labkit(command, "2", "--yes")
        assert "Student number 1 is taken" in ended.output
    assert rules() == before


def test_a_number_noted_before_the_class_began_is_not_used_any_more(home: Path) -> None:
    before = rules()
    Notes(home / "notes.json").save(student=1)
    session = open_session()

    assert steps.look(session, STUDENT).outcome is Outcome.WRONG
    with pytest.raises(StepNotReady, match="Student number 1 is taken"):
        _ = session.student
    labkit("reset", "2", "--yes")
    assert rules() == before

    Notes(home / "notes.json").save(student=1)
    assert labkit("solve", "student_number").exit_code == 0
    assert LabSession(session.backend).student == SIZE + 1


def test_the_question_before_a_reset_names_each_thing_that_goes_and_whose_it_is(home: Path) -> None:
    own, theirs = rules(), rules()[rule_name(1)]
    labkit("solve", "2")

    asked = labkit("reset", "rule", typed="n\n")
    assert f"What will be undone, all of it student {SIZE + 1}'s:" in asked.output
    assert rules()[rule_name(SIZE + 1)] in asked.output and theirs not in asked.output

    asked = labkit("reset", "rule", "--student", "1", typed="n\n")
    assert "all of it student 1's" in asked.output and theirs in asked.output
    assert own[rule_name(1)] == theirs
