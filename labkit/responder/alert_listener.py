"""Waits for new alerts, for the next round or for the stop, whichever comes first."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

from labkit.model.detection.records import Alert
from labkit.model.errors import LabError
from labkit.services.detection.alert_feed import NoFeed

Wait = Callable[[], Sequence[Alert]]
"""Returns the alerts that are new or have another event, perhaps after some seconds; none if there are none. Raises
NoFeed if there is no feed, and other LabErrors."""


class AlertListener:
    """Listens in its own thread, so that neither a long poll nor a dead feed blocks the rounds."""

    def __init__(self, wait: Wait | None, retry_seconds: float, stop: threading.Event) -> None:
        self._wait, self._retry_seconds, self._stop = wait, retry_seconds, stop
        self._wake, self._alerts = threading.Event(), deque[Alert]()
        if wait is not None:
            for listen in (self._listen, self._wake_on_stop):
                threading.Thread(target=listen, name=f"responder {listen.__name__}", daemon=True).start()

    def wait(self, seconds: float) -> list[Alert] | None:
        """The new alerts, perhaps none, as soon as the feed answers; None after a timeout or a stop without a feed."""
        if self._wait is None:
            self._stop.wait(seconds)
            return None
        if not self._wake.wait(seconds):
            return None
        self._wake.clear()
        return [self._alerts.popleft() for _ in range(len(self._alerts))]

    def _listen(self) -> None:
        while self._wait is not None and not self._stop.is_set():
            try:
                self._alerts.extend(self._wait())
            except NoFeed:
                return
            except LabError:  # the rounds go on by the clock, and report the error
                self._stop.wait(self._retry_seconds)
            else:
                self._wake.set()

    def _wake_on_stop(self) -> None:
        self._stop.wait()
        self._wake.set()
