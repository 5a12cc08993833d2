"""The board of a class of thirty students with their own accounts, at different steps."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from labkit.classroom.board.table import Board
from labkit.classroom.board.take import taker
from labkit.model.check import CheckResult, Outcome
from labkit.services import sandbox_process
from labkit.steps import account, host, network, rule
from labkit.steps.session import LabSession, open_existing
from tests.classroom.board_class import (
    ADDRESS,
    PROGRESS,
    SIZE,
    Class,
    a_class,
    at_different_steps,
    own_status,
    seen_from_outside,
    solved,
)
from tests.http_count import requests_counted

ONLY_THE_STUDENT_KNOWS = {host.READY.key, network.NETWORK_ACL.key, rule.RULE_ID.key}
"""Steps whose words name what is in the student's notes, or on their machine."""

MOST_CALLS = 7


@dataclass
class Room:
    """The class, and each student's world."""

    students: Class
    worlds: dict[int, LabSession]


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with a_class(tmp_path_factory.mktemp("class"), tmp_path_factory.mktemp("students")) as students:
        yield Room(students, at_different_steps(students))


def board() -> Board:
    return taker(open_existing())()


def cells(shown: Board, student: int) -> dict[str, CheckResult]:
    (found,) = (one for one in shown.rows if one.student == student)
    return {one.step: one for one in found.results}


def outcomes(shown: Board, student: int) -> list[Outcome]:
    return [one.outcome for one in cells(shown, student).values()]


def outcomes_of_all(shown: Board) -> list[list[Outcome]]:
    return [outcomes(shown, row.student) for row in shown.rows]


def test_every_cell_of_thirty_rows_is_what_that_students_own_status_says(room: Room) -> None:
    shown = board()
    assert [row.student for row in shown.rows] == list(range(1, SIZE + 1))
    for number, session in room.worlds.items():
        if PROGRESS[(number - 1) % len(PROGRESS)]:
            seen = cells(shown, number)
            for own in own_status(session):
                cell = seen[own.step]
                assert cell.outcome is seen_from_outside(own), (number, str(cell), str(own))
                if own.step not in ONLY_THE_STUDENT_KNOWS and own.found != "skipped":
                    assert (cell.found, cell.next_step) == (own.found, own.next_step), (number, own.step)


def test_a_student_who_has_not_started_has_a_row_with_nothing_done(room: Room) -> None:
    (row,) = (one for one in board().rows if one.student == 1)
    assert row.done == 0 and not row.joined
    assert row.last_seen is None


def test_every_outcome_is_on_the_board(room: Room) -> None:
    shown = board()
    assert cells(shown, 29)["rule_criteria"].outcome is Outcome.WRONG
    assert cells(shown, 30)["deny_entry"].outcome is Outcome.WRONG
    assert {one.outcome for row in shown.rows for one in row.results} == set(Outcome)


def test_a_student_who_calls_a_service_is_seen(room: Room) -> None:
    before = next(one for one in board().rows if one.student == 2).last_seen
    account.check_account(room.worlds[2])
    after = next(one for one in board().rows if one.student == 2).last_seen
    assert after is not None and before is not None and after > before


def test_alerts_and_deny_entries_are_shown_with_their_student(room: Room) -> None:
    shown = board()
    theirs = [9, 18, 27, 30]
    assert sorted(one.student for one in shown.alerts) == theirs
    assert sorted(one.student for one in shown.denies) == theirs
    assert {one.address for one in (*shown.alerts, *shown.denies)} == {ADDRESS}


def test_the_whole_class_takes_a_handful_of_calls(room: Room) -> None:
    take = taker(open_existing())
    take()
    with requests_counted() as sent:
        take()
    assert len(sent) <= MOST_CALLS, sent


def test_a_step_is_on_the_next_board_and_no_other_students_cells_change(room: Room) -> None:
    take = taker(open_existing())
    before, others = take(), set(room.worlds) - {4}
    solved(room.worlds[4], "rule")
    after = take()
    assert cells(after, 4)["rule"].passed and not cells(before, 4)["rule"].passed
    assert [outcomes(after, other) for other in others] == [outcomes(before, other) for other in others]


def test_a_board_refreshed_repeatedly_equals_a_new_one(room: Room) -> None:
    take = taker(open_existing())
    take()
    mine = rule.students_rule(room.worlds[7])
    alerts = [
        alert.id for alert in room.worlds[9].detection.alerts("active", ruleId=rule.students_rule(room.worlds[9]).id)
    ]
    for change in (
        lambda: room.worlds[7].detection.update_rule(replace(mine, enabled=False)),
        lambda: room.worlds[9].detection.dismiss(alerts, "MAINTENANCE"),
        lambda: solved(room.worlds[13], "host_subnet"),
        lambda: host.undo_subnet(room.worlds[13]),
        lambda: room.students.connects(9),
    ):
        change()
        assert [(one.student, one.results) for one in take().rows] == [
            (one.student, one.results) for one in board().rows
        ]


def test_a_sandbox_that_has_just_restarted_is_not_shown_as_empty(room: Room) -> None:
    take = taker(open_existing())
    before = take()
    sandbox_process.stop(room.students.home)
    sandbox_process.start(room.students.home, parent=os.getpid())
    assert outcomes_of_all(take()) == outcomes_of_all(before)


def test_no_key_is_on_the_board_or_in_what_was_read_for_it(room: Room) -> None:
    shown = board()
    texts = "\n".join((shown.text(), shown._repr_html_(), repr(vars(shown))))
    for one in room.students.keys.values():
        for secret in (*one["aws"].values(), one["detection"]["api_key"]):
            assert secret not in texts
