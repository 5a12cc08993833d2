"""A program on the host as it is seen while it runs, and the result in the same place."""

from __future__ import annotations

import time
from dataclasses import replace
from types import TracebackType

from labkit.model.host.records import ProgramOutput, ProgramResult
from labkit.views.display import LiveDisplay
from labkit.views.tables.host import RanView, RunningView


class Running:
    """Follows a program under the cell that runs it; use it as a context while the program runs."""

    def __init__(self, command: str, limit: float) -> None:
        self._command, self._limit, self._started = command, limit, time.monotonic()
        self._out = self._err = ""
        self._live: LiveDisplay | None = None

    def __enter__(self) -> None:
        """Nothing is shown yet: the program may be refused."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if error is not None and self._live is not None:
            self._live.update(self._view(interrupted=True))

    def show(self, written: ProgramOutput) -> None:
        """Show what the program has just written."""
        self._out += written.out
        self._err += written.err
        if self._live is None:
            self._live = LiveDisplay(self._view())
        else:
            self._live.update(self._view(), at_once=False)

    def ended(self, result: ProgramResult, remark: str) -> RanView:
        """How it ended, shown where it was seen running."""
        limit = self._limit if result.timed_out else None
        ran = RanView(self._command, result.code, result.out, result.err, result.seconds, remark, limit)
        if self._live is None:
            self._live = LiveDisplay(ran)
        else:
            self._live.update(ran)
        return replace(ran, live=self._live)

    def _view(self, interrupted: bool = False) -> RunningView:
        seconds = time.monotonic() - self._started
        return RunningView(self._command, self._out, self._err, seconds, self._limit, interrupted)
