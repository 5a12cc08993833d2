"""Looking at the world for several pages at once, also when it does not answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from labkit.classroom.board import watch
from labkit.classroom.board.table import Board
from labkit.classroom.board.watch import Watch
from labkit.model.errors import ServiceUnreachable
from tests.classroom.unit.board_samples import a_board
from tests.wait import until


class World:
    """Counts how often it is read; answers at once, not at all, or when a test lets it."""

    def __init__(self) -> None:
        self.reads, self.fault, self.answers = 0, None, threading.Event()
        self.answers.set()

    def take(self) -> Board:
        self.reads += 1
        self.answers.wait()
        if self.fault is not None:
            raise self.fault
        return a_board(students=self.reads)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(watch, "FRESH_SECONDS", 0.05)
    monkeypatch.setattr(watch, "PATIENCE_SECONDS", 0.02)
    monkeypatch.setattr(watch, "STALE_SECONDS", 0.1)
    world = World()
    yield world
    world.answers.set()


def students(watching: Watch) -> int:
    board = watching.look().board
    return 0 if board is None else len(board.rows)


def test_nobody_looks_nothing_is_read(world: World) -> None:
    Watch(world.take)
    assert world.reads == 0


def test_looks_at_once_share_one_reading(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "FRESH_SECONDS", 60)
    watching = Watch(world.take)
    world.answers.clear()
    with ThreadPoolExecutor(8) as people:
        looks = [people.submit(watching.look) for _ in range(8)]
        until(lambda: world.reads)
        world.answers.set()
        for look in looks:
            look.result()
    assert world.reads == 1


def test_a_later_look_is_a_reading_of_its_own(world: World) -> None:
    watching = Watch(world.take)
    first = until(lambda: students(watching))
    until(lambda: students(watching) > first)
    assert world.reads >= 2


def test_when_nothing_answers_the_last_board_stays_with_the_time_and_the_reason(world: World) -> None:
    watching = Watch(world.take)
    until(lambda: students(watching))
    world.fault = ServiceUnreachable("The sandbox is not running.")
    seen = until(lambda: (seen := watching.look()).no_answer_since and seen)
    assert seen.board.rows and seen.fault is world.fault
    first = seen.no_answer_since
    until(lambda: world.reads > 4 or watching.look() is None)
    assert watching.look().no_answer_since == first
    world.fault = None
    until(lambda: watching.look().no_answer_since is None)


def test_a_service_that_hangs_is_told_though_no_error_came(world: World) -> None:
    watching = Watch(world.take)
    until(lambda: students(watching))
    world.answers.clear()
    seen = until(lambda: (seen := watching.look()).no_answer_since and seen)
    assert seen.board.rows and seen.fault is None


def test_a_fault_of_the_board_itself_is_not_told_as_silence() -> None:
    def take() -> Board:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        until(lambda: Watch(take).look() is None)
