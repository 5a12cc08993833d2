"""Keeps a board as new as whoever looks at it: a look reads the world, and looks at once share one reading.

Nobody looks: nothing is read.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime

from labkit.classroom.board.table import Board
from labkit.model.errors import LabError

FRESH_SECONDS = 0.25
"""A reading that began so shortly ago answers the next look too."""

PATIENCE_SECONDS = 1.5
"""A look waits so long for its reading; then it shows what there was before."""

STALE_SECONDS = 3.0
"""What there was before is shown without a word for so long."""


@dataclass(frozen=True)
class Snapshot:
    """The last board that could be read.

    board: None before the first. no_answer_since: when the last one was read; None while all is well. fault: why there
    is no newer one; None where nothing came at all.
    """

    board: Board | None
    no_answer_since: datetime | None = None
    fault: LabError | None = None


class Watch:
    """take: reads the world and gives the board; raises LabError where it cannot be read."""

    def __init__(self, take: Callable[[], Board]) -> None:
        self._take = take
        self._lock = threading.Lock()
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="board")
        self._reading: Future[None] | None = None
        self._began = 0.0
        self._seen = Snapshot(None)
        self._read_at, self._answered = datetime.now().astimezone(), time.monotonic()

    def look(self) -> Snapshot:
        """What there is to see now. A fault of the board's own is raised as it is."""
        reading = self._new_or_under_way()
        wait([reading], PATIENCE_SECONDS)
        if reading.done():
            reading.result()
        with self._lock:
            silent = not reading.done() and time.monotonic() - self._answered > STALE_SECONDS
            return Snapshot(self._seen.board, self._read_at) if silent else self._seen

    def _new_or_under_way(self) -> Future[None]:
        with self._lock:
            now = time.monotonic()
            if self._reading is None or (self._reading.done() and now - self._began > FRESH_SECONDS):
                self._began, self._reading = now, self._reader.submit(self._read)
            return self._reading

    def _read(self) -> None:
        try:
            board = self._take()
        except LabError as error:
            with self._lock:
                self._seen = Snapshot(self._seen.board, self._read_at, error)
            return
        with self._lock:
            self._seen = Snapshot(board)
            self._read_at, self._answered = datetime.now().astimezone(), time.monotonic()
