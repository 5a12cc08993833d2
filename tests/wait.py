"""Waiting for a condition, instead of sleeping."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

PATIENCE_SECONDS = 180
"""Before a test gives up. Only a test that fails waits for so long."""


def until(condition: Callable[[], object], timeout_seconds: float = PATIENCE_SECONDS) -> object:
    """What the condition gives as soon as it is true; AssertionError after the time is up."""
    pause = threading.Event()
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        pause.wait(0.02)
    raise AssertionError(f"not true within {timeout_seconds} s")
