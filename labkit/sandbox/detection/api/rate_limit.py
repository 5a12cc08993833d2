"""A rate limit with fixed windows, each starting with its first request."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Allowance:
    """What is left of a window after one request."""

    allowed: bool
    remaining: int
    reset_ms: int

    @property
    def headers(self) -> dict[str, str]:
        """The reply's headers; `x-rate-limit-reset` is milliseconds until the window ends, not a date."""
        return {"x-rate-limit-remaining": str(self.remaining), "x-rate-limit-reset": str(self.reset_ms)}


class RateLimit:
    """Counts requests by key; safe to share between threads."""

    def __init__(
        self, requests: int, window_seconds: float = 60.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._requests, self._window_seconds, self._clock = requests, window_seconds, clock
        self._windows: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def take(self, key: str) -> Allowance:
        """Count one request; `allowed` is false once the window's requests are used up."""
        now = self._clock()
        with self._lock:
            ends, used = self._windows.get(key, (0.0, 0))
            if now >= ends:
                ends, used = now + self._window_seconds, 0
            allowed = used < self._requests
            used += allowed
            self._windows[key] = (ends, used)
        return Allowance(allowed, self._requests - used, max(1, round((ends - now) * 1000)))
