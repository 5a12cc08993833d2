"""Waiting for news of the detection service, for the time of the next round, or for the end, whichever comes first."""

from __future__ import annotations

import threading
from collections.abc import Callable

from labkit.clients.alert_feed import NoFeed
from labkit.model.errors import LabError

Wait = Callable[[threading.Event], None]
"""Returns when the service has something new, or after a while, or soon after the event is set. Raises NoFeed where
there is no feed, and other LabErrors."""


class News:
    """Listens in a thread of its own, so that neither a long poll nor a feed that is gone holds anything up."""

    def __init__(self, wait: Wait | None, retry_seconds: float, stop: threading.Event) -> None:
        self._wait, self._retry_seconds, self._stop = wait, retry_seconds, stop
        self._wake = threading.Event()
        if wait is not None:
            for listen in (self._listen, self._pass_on_the_end):
                threading.Thread(target=listen, name=f"responder {listen.__name__}", daemon=True).start()

    def came(self, seconds: float) -> bool:
        """Wait at most so long; whether there is news. Returns at once when it is to stop."""
        if self._wait is None:
            self._stop.wait(seconds)
            return False
        came = self._wake.wait(seconds)
        self._wake.clear()
        return came

    def _listen(self) -> None:
        while self._wait is not None and not self._stop.is_set():
            try:
                self._wait(self._stop)
            except NoFeed:
                return
            except LabError:  # the rounds go on by the clock meanwhile, and say what is wrong
                self._stop.wait(self._retry_seconds)
            else:
                self._wake.set()

    def _pass_on_the_end(self) -> None:
        self._stop.wait()
        self._wake.set()
