"""The progress bars of chapters: each updates itself as steps are done, without being run again."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

from labkit.lab.calls import Call
from labkit.model.errors import LabError
from labkit.views.display import LiveDisplay
from labkit.views.panels.progress import StatusLine

REFRESH_SECONDS = 0.2
"""How long changes are collected before the lab looks at all of them together."""


class LiveProgress:
    """Looks in its own thread, so that no cell waits for it, and draws only what has changed."""

    def __init__(self) -> None:
        self._followed: dict[str, tuple[LiveDisplay, Callable[[], StatusLine], StatusLine]] = {}
        self._timer: threading.Timer | None = None
        self._lock, self._looking = threading.Lock(), threading.Lock()

    def follow(self, name: str, shown: StatusLine, look: Callable[[], StatusLine]) -> None:
        """Display it in the running cell, and replace it when `look` returns something else; one output per name."""
        self._followed[name] = LiveDisplay(shown), look, shown

    def look_soon(self) -> None:
        """Look in a moment, since something may have changed."""
        with self._lock:
            if self._followed and self._timer is None:
                self._timer = threading.Timer(REFRESH_SECONDS, self._look)
                self._timer.daemon = True
                self._timer.start()

    def settle(self) -> None:
        """Look now, in the running cell, and draw everything.

        nbclient ignores what a thread draws for an earlier cell.
        """
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
        self._look(draw_all=True)

    def _look(self, draw_all: bool = False) -> None:
        with self._lock:
            self._timer = None
        with self._looking:
            for name, (live, look, before) in tuple(self._followed.items()):
                try:
                    now = look()
                except LabError:  # the next change looks again; a cell that needs the answer says why there is none
                    continue
                if draw_all or now != before:
                    self._followed[name] = live, look, now
                    live.update(now)


def moves_progress(call: Call) -> Call:
    """The call of a lab; however it ends, the lab's progress is looked at again."""

    @functools.wraps(call)
    def followed(self: Any, *args: Any, **options: Any) -> Any:
        try:
            return call(self, *args, **options)
        finally:
            self._live.look_soon()

    return followed
