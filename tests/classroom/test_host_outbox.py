"""A student's host sends its events in order, also after an outage."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from labkit.classroom.host import outbox
from labkit.classroom.host.outbox import Outbox
from labkit.model.errors import ServiceError, ServiceUnreachable
from tests.wait import PATIENCE_SECONDS, until


class Taking:
    """The class's sandbox as the outbox sees it. away: nothing is taken. refuses: an event that never is."""

    def __init__(self, away: bool = False, refuses: int = -1) -> None:
        self.away, self._refuses, self.taken = away, refuses, list[int]()

    def send_events(self, events: Sequence[Mapping[str, Any]]) -> None:
        if self.away:
            raise ServiceUnreachable("No answer.")
        numbers = [one["n"] for one in events]
        if self._refuses in numbers:
            raise ServiceError("Refused.", code="400")
        self.taken += numbers


@pytest.fixture
def sending() -> Iterator[Callable[[Taking], Outbox]]:
    """Gives an outbox at work."""
    working: list[tuple[Outbox, threading.Thread]] = []

    def begin(sandbox: Taking) -> Outbox:
        box = Outbox(sandbox)  # type: ignore[arg-type]
        working.append((box, threading.Thread(target=box.send)))
        working[-1][1].start()
        return box

    yield begin
    for box, thread in working:
        box.close()
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()


def test_events_wait_during_an_outage_this_is_reported_and_they_are_sent_in_order(
    sending: Callable[[Taking], Outbox],
) -> None:
    sandbox = Taking(away=True)
    box = sending(sandbox)
    for number in range(250):
        box.put({"n": number})
    until(lambda: box.trouble == "250 connections of the host are waiting to be sent.")
    sandbox.away = False
    until(lambda: len(sandbox.taken) == 250)
    assert sandbox.taken == list(range(250))
    until(lambda: not box.trouble)


def test_an_event_that_is_always_refused_does_not_block_others(sending: Callable[[Taking], Outbox]) -> None:
    sandbox = Taking(away=True, refuses=77)
    box = sending(sandbox)
    for number in range(120):
        box.put({"n": number})
    sandbox.away = False
    until(lambda: len(sandbox.taken) == 119)
    assert sandbox.taken == [number for number in range(120) if number != 77]


def test_of_too_many_events_the_oldest_are_dropped_and_counted(
    sending: Callable[[Taking], Outbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MOST_WAITING", 3)
    sandbox = Taking(away=True)
    box = sending(sandbox)
    for number in range(5):
        box.put({"n": number})
    until(lambda: box.trouble == "3 connections of the host are waiting to be sent. 2 older ones were lost.")
    sandbox.away = False
    until(lambda: len(sandbox.taken) == 3)
    assert sandbox.taken == [2, 3, 4]
