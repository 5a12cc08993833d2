"""A student's share of a class's sandbox: one request at a time, and a quarter of a processor."""

from __future__ import annotations

import threading
import time
from types import TracebackType

PART = 0.25
"""Of a processor, for one account."""

CREDIT_SECONDS = 2.0
"""Processor time that may be used at once before requests are slowed down; the whole lab needs less."""


REQUEST_SECONDS = 0.002
"""Processor time of a request before its turn: the connection and the signature."""


class Share:
    """Enter it for each request of an account: who has used too much waits here, asleep, in nobody else's way.

    slows: False for an account whose requests only follow each other.
    """

    def __init__(self, slows: bool = True) -> None:
        self._turn, self._slows = threading.Lock(), slows
        self._used = self._began = 0.0
        self._since = time.monotonic()

    def __enter__(self) -> None:
        self._turn.acquire()
        now = time.monotonic()
        self._used = max(0.0, self._used - (now - self._since) * PART)
        self._since = now
        if self._slows and self._used > CREDIT_SECONDS:
            time.sleep((self._used - CREDIT_SECONDS) / PART)
        self._began = time.thread_time()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._used += time.thread_time() - self._began + REQUEST_SECONDS
        self._turn.release()
