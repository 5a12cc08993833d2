"""The host's events on their way to the class's sandbox: in order, and after an outage those of the outage first."""

from __future__ import annotations

import itertools
import logging
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any

from labkit.model.errors import LabError
from labkit.services.detection.api import DetectionApi

MOST_WAITING = 10_000
MOST_AT_ONCE = 100
PAUSE_SECONDS = 0.25
"""Between two tries while nothing is taken."""

_NEVER_TAKEN = {"400", "413"}

log = logging.getLogger("labkit.classroom.host")


class Outbox:
    """Events that wait. The oldest are lost when more than ten thousand do."""

    def __init__(self, api: DetectionApi) -> None:
        self._api = api
        self._waiting: deque[Mapping[str, Any]] = deque()
        self._news = threading.Condition()
        self._taken = self._lost = 0
        self._held_up = self._closed = False

    def put(self, event: Mapping[str, Any]) -> None:
        """Let an event be sent; returns at once."""
        with self._news:
            if len(self._waiting) >= MOST_WAITING:
                self._waiting.popleft()
                self._taken += 1
                self._lost += 1
            self._waiting.append(event)
            self._news.notify()

    @property
    def trouble(self) -> str:
        """How many events wait because they are not taken, in words; "" when none does."""
        if not self._held_up:
            return ""
        count = len(self._waiting)
        waiting = "1 connection of the host waits" if count == 1 else f"{count} connections of the host wait"
        return f"{waiting} to be told there." + (f" {self._lost} before were lost." if self._lost else "")

    def send(self) -> None:
        """Send what waits, and whatever comes, until `close`."""
        at_once = MOST_AT_ONCE
        while (batch := self._next(at_once)) is not None:
            first, events = batch
            try:
                self._api.send_events(events)
            except LabError as error:
                if error.code not in _NEVER_TAKEN:
                    self._wait_after(error)
                    continue
                if len(events) > 1:  # find the one that is not taken
                    at_once = len(events) // 2
                    continue
                log.warning("an event was refused: %s", error)
            at_once = min(2 * at_once, MOST_AT_ONCE)
            self._sent(first, len(events))

    def close(self) -> None:
        """End `send`, soon."""
        with self._news:
            self._closed = True
            self._news.notify()

    def _next(self, count: int) -> tuple[int, list[Mapping[str, Any]]] | None:
        """The number of the oldest event that waits, and the events from there; None when closed."""
        with self._news:
            self._news.wait_for(lambda: self._waiting or self._closed)
            return None if self._closed else (self._taken, list(itertools.islice(self._waiting, count)))

    def _sent(self, first: int, count: int) -> None:
        """Forget the events that were sent, those of them that have not been lost meanwhile."""
        with self._news:
            for _ in range(first + count - self._taken):
                self._waiting.popleft()
                self._taken += 1
            self._held_up = False

    def _wait_after(self, error: LabError) -> None:
        with self._news:
            if not self._held_up:
                log.warning("events wait: %s", error)
            self._held_up = True
            self._news.wait_for(lambda: self._closed, PAUSE_SECONDS)
