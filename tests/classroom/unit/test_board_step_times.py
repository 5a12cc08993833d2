"""Since when students are at their step, as far as readings show it, and the board in that order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from labkit.classroom.board.step_times import StepTimes
from labkit.classroom.board.table import Board, BoardRow
from labkit.model.check import Outcome
from labkit.steps import STEPS
from tests.classroom.unit.board_samples import AT, a_board, changed

SECOND = timedelta(seconds=1)
FIRST = a_board(students=3)
FIRST_STEP = STEPS[0].key


def later(board: Board, seconds: float) -> Board:
    return replace(board, at=AT + seconds * SECOND)


def row(board: Board, student: int) -> BoardRow:
    return next(one for one in board.rows if one.student == student)


def test_at_the_first_reading_a_student_may_have_been_there_for_longer() -> None:
    shown = StepTimes().timed(FIRST)
    assert {(one.step_since, one.or_earlier) for one in shown.rows} == {(AT, True)}
    assert shown.since(shown.rows[0]).startswith("before ")


def test_a_step_that_was_watched_has_its_time_and_keeps_it() -> None:
    times, second = StepTimes(), changed(FIRST, 2, FIRST_STEP, Outcome.PASSED)
    times.timed(FIRST)
    times.timed(later(second, 5))
    shown = times.timed(later(second, 500))
    assert (row(shown, 2).step_since, row(shown, 2).or_earlier) == (AT + 5 * SECOND, False)
    assert row(shown, 1).step_since == AT
    assert [one.student for one in shown.by_time_at_step().rows] == [1, 3, 2]
    assert [one.student for one in shown.rows] == [1, 2, 3]


def test_after_a_pause_in_which_nobody_looked_the_time_is_a_bound() -> None:
    times = StepTimes()
    times.timed(FIRST)
    shown = times.timed(later(changed(FIRST, 2, FIRST_STEP, Outcome.PASSED), 3600))
    assert (row(shown, 2).step_since, row(shown, 2).or_earlier) == (AT + 3600 * SECOND, True)


def test_a_service_that_fails_for_a_moment_does_not_begin_the_time_again() -> None:
    times = StepTimes()
    times.timed(FIRST)
    times.timed(later(changed(FIRST, 1, "vpc", Outcome.COULD_NOT_LOOK), 1))
    assert row(times.timed(later(FIRST, 2)), 1).step_since == AT


def test_what_could_never_be_read_is_unknown() -> None:
    shown = StepTimes().timed(a_board(students=1, outcome=Outcome.COULD_NOT_LOOK))
    assert shown.since(shown.rows[0]) == "?"


def test_who_has_not_joined_or_has_done_all_has_no_time_and_comes_last() -> None:
    done = a_board(students=1, outcome=Outcome.PASSED).rows[0]
    absent = replace(FIRST.rows[1], joined=False)
    shown = StepTimes().timed(replace(FIRST, rows=[done, absent, FIRST.rows[2]])).by_time_at_step()
    assert [one.student for one in shown.rows] == [3, 1, 2]
    assert [shown.since(one) for one in shown.rows[1:]] == ["–", "–"]
