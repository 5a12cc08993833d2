"""What the board's page says aloud: one line, whatever happened."""

from __future__ import annotations

from dataclasses import replace

from labkit.classroom.board.news import news
from labkit.classroom.board.table import BoardRow, Denied, Raised
from labkit.model.check import Outcome
from tests.classroom.unit.board_samples import a_board, changed

BOARD = a_board(students=2)


def test_the_same_board_is_no_news() -> None:
    assert news(BOARD, a_board(students=2)) == ""


def test_a_step_done_and_a_step_gone_wrong_are_told_with_the_student() -> None:
    after = changed(changed(BOARD, 1, "vpc", Outcome.PASSED), 2, "rule", Outcome.WRONG)
    assert news(BOARD, after) == "Student 1: Your VPC done; Student 2: Your detection rule not right"


def test_many_changes_at_once_are_counted() -> None:
    assert news(BOARD, a_board(students=2, outcome=Outcome.PASSED)).endswith("; and 22 more changes")


def test_who_comes_is_named() -> None:
    assert news(BOARD, replace(BOARD, rows=[*BOARD.rows, BoardRow(9, [])])) == "Student 9 is here"


def test_alerts_and_deny_entries_are_told_by_their_number() -> None:
    after = replace(BOARD, alerts=[Raised(1, "203.0.113.10")], denies=[Denied(1, "203.0.113.10")] * 2)
    assert news(BOARD, after) == "1 alert; 2 deny entries"
