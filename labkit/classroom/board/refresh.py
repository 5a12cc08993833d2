"""Keeps the board up to date while somebody looks at it, and only then.

Simultaneous requests share one reading of the services.
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
"""A reading that began so recently also answers the next request."""

PATIENCE_SECONDS = 1.5
"""How long a request waits for its reading; then it gets the previous board."""

STALE_SECONDS = 3.0
"""How long the previous board is shown without a warning."""


@dataclass(frozen=True)
class LatestBoard:
    """The last board that could be read.

    board: None before the first. no_answer_since: when the last one was read; None while all is well. error: why there
    is no newer one; None while no answer came at all.
    """

    board: Board | None
    no_answer_since: datetime | None = None
    error: LabError | None = None


class Refresher:
    """take: reads the services and returns the board; raises LabError if it cannot."""

    def __init__(self, take: Callable[[], Board]) -> None:
        self._take = take
        self._lock = threading.Lock()
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="board")
        self._reading: Future[None] | None = None
        self._began = 0.0
        self._latest = LatestBoard(None)
        self._read_at, self._answered = datetime.now().astimezone(), time.monotonic()

    def latest(self) -> LatestBoard:
        """The board of now, or the previous one. An exception other than LabError is raised as it is."""
        reading = self._current_or_new()
        wait([reading], PATIENCE_SECONDS)
        if reading.done():
            reading.result()
        with self._lock:
            silent = not reading.done() and time.monotonic() - self._answered > STALE_SECONDS
            return LatestBoard(self._latest.board, self._read_at) if silent else self._latest

    def _current_or_new(self) -> Future[None]:
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
                self._latest = LatestBoard(self._latest.board, self._read_at, error)
            return
        with self._lock:
            self._latest = LatestBoard(board)
            self._read_at, self._answered = datetime.now().astimezone(), time.monotonic()
