"""One reading of the services for several pages, also while they do not answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from labkit.classroom.board import refresh
from labkit.classroom.board.refresh import Refresher
from labkit.classroom.board.table import Board
from labkit.model.errors import ServiceUnreachable
from tests.classroom.unit.board_samples import a_board
from tests.wait import until


class Services:
    """Count how often they are read; answer at once, with an error, or when a test lets them."""

    def __init__(self) -> None:
        self.reads, self.error, self.answers = 0, None, threading.Event()
        self.answers.set()

    def take(self) -> Board:
        self.reads += 1
        self.answers.wait()
        if self.error is not None:
            raise self.error
        return a_board(students=self.reads)


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    monkeypatch.setattr(refresh, "FRESH_SECONDS", 0.05)
    monkeypatch.setattr(refresh, "PATIENCE_SECONDS", 0.02)
    monkeypatch.setattr(refresh, "STALE_SECONDS", 0.1)
    services = Services()
    yield services
    services.answers.set()


def students(refresher: Refresher) -> int:
    board = refresher.latest().board
    return 0 if board is None else len(board.rows)


def test_nothing_is_read_while_nobody_looks(services: Services) -> None:
    Refresher(services.take)
    assert services.reads == 0


def test_simultaneous_requests_share_one_reading(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refresh, "FRESH_SECONDS", 60)
    refresher = Refresher(services.take)
    services.answers.clear()
    with ThreadPoolExecutor(8) as people:
        requests = [people.submit(refresher.latest) for _ in range(8)]
        until(lambda: services.reads)
        services.answers.set()
        for request in requests:
            request.result()
    assert services.reads == 1


def test_a_later_request_reads_again(services: Services) -> None:
    refresher = Refresher(services.take)
    first = until(lambda: students(refresher))
    until(lambda: students(refresher) > first)
    assert services.reads >= 2


def test_without_an_answer_the_last_board_stays_with_the_time_and_the_reason(services: Services) -> None:
    refresher = Refresher(services.take)
    until(lambda: students(refresher))
    services.error = ServiceUnreachable("The sandbox is not running.")
    seen = until(lambda: (seen := refresher.latest()).no_answer_since and seen)
    assert seen.board.rows and seen.error is services.error
    first = seen.no_answer_since
    until(lambda: services.reads > 4 or refresher.latest() is None)
    assert refresher.latest().no_answer_since == first
    services.error = None
    until(lambda: refresher.latest().no_answer_since is None)


def test_a_service_that_hangs_is_reported_without_an_error(services: Services) -> None:
    refresher = Refresher(services.take)
    until(lambda: students(refresher))
    services.answers.clear()
    seen = until(lambda: (seen := refresher.latest()).no_answer_since and seen)
    assert seen.board.rows and seen.error is None


def test_a_bug_in_the_board_is_raised() -> None:
    def take() -> Board:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        until(lambda: Refresher(take).latest() is None)
