"""A number is taken only after a warning, and a changed one says what stays behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from labkit import steps
from labkit.classroom.as_student import open_as_student
from labkit.lab.lab import Lab, open_lab
from labkit.views.forms.basic import MINE
from labkit.views.forms.parts import Form
from tests.sandbox.lab.test_cli import labkit

OTHER = "8"


@pytest.fixture
def taken(lab: Lab) -> Iterator[str]:
    """A student number that somebody works with."""
    list(steps.solve(open_as_student(OTHER), (steps.BY_KEY["vpc"], steps.BY_KEY["rule"])))
    yield OTHER
    list(steps.reset(open_as_student(OTHER), steps.named("2")))


def test_the_form_warns_before_it_takes_a_number_and_takes_it_on_a_second_press(lab: Lab, taken: str) -> None:
    form = lab.enter_student_number()
    form.fields["student number"].value = taken
    form.buttons["Use this number"].click()
    assert "Already there of student 8: rule " in form.message.value and "vpc-" in form.message.value
    assert lab._session.notes.get("student") == ""
    form.buttons[MINE].click()
    assert lab._session.notes.get("student") == taken and form.buttons[MINE].layout.display == "none"


def test_the_second_press_is_for_the_number_that_was_asked_about(lab: Lab, taken: str) -> None:
    form = lab.enter_student_number()
    form.fields["student number"].value = taken
    form.buttons["Use this number"].click()
    form.fields["student number"].value = "9"
    form.buttons[MINE].click()
    assert lab._session.notes.get("student") == "9"


def test_an_argument_is_warned_about_too(lab: Lab, taken: str) -> None:
    form = lab.enter_student_number(taken)
    assert isinstance(form, Form) and "Already there" in repr(form) and lab._session.notes.get("student") == ""
    form.buttons[MINE].click()
    assert lab._session.notes.get("student") == taken


def test_unattended_it_is_taken_and_said(lab: Lab, taken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_STUDENT", taken)
    assert "Already there: rule " in repr(open_lab().enter_student_number())
    assert lab._session.notes.get("student") == taken


def test_the_command_line_asks_before_it_takes_a_number(lab: Lab, taken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_STUDENT", taken)
    refused = labkit("solve", "student_number")
    assert refused.exit_code == 1 and "Already there of student 8" in refused.output
    assert lab._session.notes.get("student") == ""
    assert labkit("solve", "student_number", "--yes").exit_code == 0
    assert lab._session.notes.get("student") == taken


def test_a_changed_number_says_what_stays_behind_and_forgets_what_was_chosen_under_it(lab: Lab) -> None:
    lab.enter_student_number(7)
    list(steps.solve(lab._session, steps.named("network_acl_id")))
    words = repr(lab.enter_student_number(9))
    assert "Student 7, your previous number" in words and "vpc-" in words and "`labkit reset --student 7`" in words
    assert lab._session.notes.get("network_acl_id") == "" and lab._session.notes.get("vpc_id") == ""
    assert labkit("reset", "--student", "7", "--yes").exit_code == 0
    assert "Nothing of student 7" not in words
    lab.enter_student_number(7)
    assert "Nothing is left of student 7, your previous number." in repr(lab.enter_student_number(9))


def test_what_could_not_be_looked_for_is_said(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(lab._session.backend.aws), "cloud_account", lambda self: None)
    assert "? VPCs cannot be looked at before the AWS keys are entered" in repr(lab.enter_student_number(9))
