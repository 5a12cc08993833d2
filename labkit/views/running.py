"""A program on the host while it runs, and its result in the same place."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from types import TracebackType

from labkit.model.errors import LabError
from labkit.model.host.records import ProgramOutput, ProgramResult
from labkit.model.response.messages import Message
from labkit.views.display import LiveDisplay
from labkit.views.tables.host import RanView, RunningView

LOOK_SECONDS, PATIENCE_SECONDS = 0.2, 5.0


class Running:
    """Follows a program under the cell that runs it; use it as a context while the program runs."""

    def __init__(self, command: str, limit: float) -> None:
        self._command, self._limit, self._started = command, limit, time.monotonic()
        self._out = self._err = ""
        self._live: LiveDisplay | None = None
        self._said: tuple[Message, ...] = ()
        self._ended: RanView | RunningView | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        """Nothing is shown yet: the program may be refused."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        with self._lock:
            if error is not None and self._live is not None:
                self._ended = self._view(interrupted=True)
                self._live.update(self._ended)

    def show(self, written: ProgramOutput) -> None:
        """Show what the program has just written."""
        with self._lock:
            self._out += written.out
            self._err += written.err
            if self._live is None:
                self._live = LiveDisplay(self._view())
            else:
                self._live.update(self._view(), at_once=False)

    def show_answers(self, said: Sequence[Message]) -> None:
        """Show the answers beside its output, also after it has ended. Any thread may call this."""
        with self._lock:
            self._said = tuple(said)
            if self._live is not None:
                self._live.update(replace(self._ended or self._view(), said=self._said))

    def ended(self, result: ProgramResult, remark: str) -> RanView:
        """How it ended, displayed in the place of the running program."""
        limit = self._limit if result.timed_out else None
        with self._lock:
            self._ended = ran = RanView(
                self._command, result.code, result.out, result.err, result.seconds, remark, limit, self._said
            )
            if self._live is None:
                self._live = LiveDisplay(ran)
            else:
                self._live.update(ran)
        return replace(ran, live=self._live)

    def _view(self, interrupted: bool = False) -> RunningView:
        seconds = time.monotonic() - self._started
        return RunningView(self._command, self._out, self._err, seconds, self._limit, interrupted, self._said)


class AnswerWatch:
    """Looks in its own thread, so that no cell waits for it. look: takes the answers so far and returns new ones.
    show: takes all of them when there are new ones. after_seconds: how long it looks after the program has ended; a
    responder needs some milliseconds.

    Use it as a context while the program runs.
    """

    def __init__(
        self,
        look: Callable[[Sequence[Message]], Sequence[Message]],
        show: Callable[[Sequence[Message]], None],
        after_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._look, self._show, self._after_seconds = look, show, after_seconds
        self._said: tuple[Message, ...] = ()
        self._ended, self._news = threading.Event(), threading.Condition()

    def __enter__(self) -> AnswerWatch:
        threading.Thread(target=self._watch, name="answers", daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._ended.set()

    def wait_for(self, addresses: Collection[str]) -> None:
        """Wait until there is an answer for each of these addresses, for some seconds."""
        with self._news:
            self._news.wait_for(lambda: {*addresses} <= {one.address for one in self._said}, PATIENCE_SECONDS)

    def _watch(self) -> None:
        pause, looks_left = threading.Event(), round(self._after_seconds / LOOK_SECONDS)
        while looks_left > 0 or not self._ended.is_set():
            looks_left -= self._ended.is_set()
            try:
                new = self._look(self._said)
            except LabError:  # a service is away: the answer cannot be shown, and nothing depends on it
                new = ()
            if new:
                with self._news:
                    self._said = (*self._said, *new)
                    self._news.notify_all()
                self._show(self._said)
            pause.wait(LOOK_SECONDS)
