"""Sends the host's events to the class's sandbox, in order; during an outage they wait."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any

from labkit.classroom.host import RETRY_SECONDS, log
from labkit.model.errors import LabError
from labkit.services.detection.api import DetectionApi

MOST_WAITING = 10_000
MOST_AT_ONCE = 100
_REJECTED = {"400", "413"}


class Outbox:
    """A queue of events. When more than 10,000 wait, the oldest are dropped."""

    def __init__(self, api: DetectionApi) -> None:
        self._api = api
        self._waiting: deque[Mapping[str, Any]] = deque()
        self._changed = threading.Condition()
        self._removed = self._dropped = 0
        self._held_up = self._closed = False

    def put(self, event: Mapping[str, Any]) -> None:
        """Queue an event; returns at once."""
        with self._changed:
            if len(self._waiting) >= MOST_WAITING:
                self._waiting.popleft()
                self._removed += 1
                self._dropped += 1
            self._waiting.append(event)
            self._changed.notify()

    @property
    def trouble(self) -> str:
        """How many events wait because the class's sandbox does not take them, in words; "" when none does."""
        if not self._held_up:
            return ""
        count = len(self._waiting)
        waiting = "1 connection of the host is" if count == 1 else f"{count} connections of the host are"
        lost = f" {self._dropped} older ones were lost." if self._dropped else ""
        return f"{waiting} waiting to be sent.{lost}"

    def send(self) -> None:
        """Send events until `close`."""
        at_once = MOST_AT_ONCE
        while (batch := self._next(at_once)) is not None:
            first, events = batch
            try:
                self._api.send_events(events)
            except LabError as error:
                if error.code not in _REJECTED:
                    self._wait_after(error)
                    continue
                if len(events) > 1:  # find the one that is rejected
                    at_once = len(events) // 2
                    continue
                log.warning("an event was rejected: %s", error)
            at_once = min(2 * at_once, MOST_AT_ONCE)
            self._sent(first, len(events))

    def close(self) -> None:
        """End `send`, soon."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _next(self, count: int) -> tuple[int, list[Mapping[str, Any]]] | None:
        """The number of the oldest event in the queue, and the events from there; None when closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            return None if self._closed else (self._removed, list(itertools.islice(self._waiting, count)))

    def _sent(self, first: int, count: int) -> None:
        """Remove the events that were sent, except those that were dropped meanwhile."""
        with self._changed:
            for _ in range(first + count - self._removed):
                self._waiting.popleft()
                self._removed += 1
            self._held_up = False

    def _wait_after(self, error: LabError) -> None:
        with self._changed:
            if not self._held_up:
                log.warning("events wait: %s", error)
            self._held_up = True
            self._changed.wait_for(lambda: self._closed, RETRY_SECONDS)
