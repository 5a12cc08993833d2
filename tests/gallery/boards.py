"""Samples of the class board."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from labkit.classroom.board.table import Board, BoardRow, Denied, Raised
from labkit.model.check import Outcome
from tests.gallery.component import Component, State
from tests.gallery.values import BAD, CHAPTERS, GOOD, TITLES, steps

AT = datetime(2026, 11, 25, 10, 41, 7)
"""Of no time zone, so that it reads the same on every machine."""


def classroom(students: int) -> Board:
    """So many students at different steps, some of them with something that is not right."""
    rows = tuple(_row(number) for number in range(1, students + 1))
    done = [row.student for row in rows if row.done == len(TITLES)]
    denies = tuple(Denied(number, BAD) for number in done) + tuple(Denied(number, GOOD) for number in done[:2])
    alerts = tuple(Raised(row.student, BAD) for row in rows if row.done > 10)
    return Board(rows, denies, alerts, AT, CHAPTERS)


def _row(number: int) -> BoardRow:
    results = steps(min(12, 3 + number * 5 % 11), {3: "rule_criteria", 11: "vpc", 20: "network_acl_id"}.get(number, ""))
    if number == 12:
        fault = "The detection service did not answer."
        results = (*results[:-2], *(replace(one, outcome=Outcome.COULD_NOT_LOOK, found=fault) for one in results[-2:]))
    seen = AT - timedelta(seconds=number * 37) if number % 9 else None
    return BoardRow(number, results, seen - timedelta(days=1) if seen and number == 5 else seen)


def _boards() -> tuple[State, ...]:
    return (
        State("thirty students", classroom(30)),
        State("three students, without chapters", replace(classroom(3), chapters={}, denies=(), alerts=())),
        State("nobody yet", Board((), (), (), AT)),
    )


COMPONENTS = (
    Component(
        "Class board",
        "The instructor’s view: who is where, and what the class’s responders have done.",
        Board.template,
        _boards,
    ),
)
