"""The line in which the board's page tells a screen reader what changed."""

from __future__ import annotations

from dataclasses import replace

from labkit.classroom.board.table import BoardRow, Denied, Raised, changes
from labkit.model.check import Outcome
from tests.classroom.unit.board_samples import a_board, changed

BOARD = a_board(students=2)


def test_the_same_board_has_no_changes() -> None:
    assert changes(BOARD, a_board(students=2)) == ""


def test_changed_steps_are_named_with_the_student() -> None:
    after = changed(changed(BOARD, 1, "vpc", Outcome.PASSED), 2, "rule", Outcome.WRONG)
    assert changes(BOARD, after) == "Student 1: Your VPC done; Student 2: Your detection rule not right"


def test_many_changes_are_counted() -> None:
    assert changes(BOARD, a_board(students=2, outcome=Outcome.PASSED)).endswith("; and 22 more changes")


def test_a_new_student_is_named() -> None:
    assert changes(BOARD, replace(BOARD, rows=[*BOARD.rows, BoardRow(9, [])])) == "Student 9 is here"


def test_alerts_and_deny_entries_are_counted() -> None:
    after = replace(BOARD, alerts=[Raised(1, "203.0.113.10")], denies=[Denied(1, "203.0.113.10")] * 2)
    assert changes(BOARD, after) == "1 alert; 2 deny entries"
