"""Boards as values, for tests without services."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from labkit import steps
from labkit.classroom.board.table import Board, BoardRow
from labkit.classroom.board.take import CHAPTERS
from labkit.model.check import CheckResult, Outcome

ATTACK = "<script>alert('x')</script>"
AT = datetime(2026, 11, 25, 9, 41, 7, tzinfo=UTC)


def a_board(students: int, outcome: Outcome = Outcome.NOT_YET, found: str = "none") -> Board:
    """Students from 1, all of whose steps have this outcome."""
    results = [
        CheckResult(step.key, step.title, outcome, f"what {step.key} leaves", found, "Do it.") for step in steps.STEPS
    ]
    return Board([BoardRow(number, results) for number in range(1, students + 1)], [], [], AT, CHAPTERS)


def changed(board: Board, student: int, step: str, outcome: Outcome) -> Board:
    """The board with another outcome in one cell."""
    return replace(board, rows=[_row(row, step, outcome) if row.student == student else row for row in board.rows])


def _row(row: BoardRow, step: str, outcome: Outcome) -> BoardRow:
    return replace(row, results=[replace(one, outcome=outcome) if one.step == step else one for one in row.results])
