"""Since when each student is at their present step: the services record no such time, so readings are compared."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from labkit.classroom.board.table import Board, BoardRow

WATCHED = timedelta(seconds=30)
"""With a longer pause between two readings, a step may have been reached at any time in the pause."""


class StepTimes:
    """Remembers each student's step and when a reading first found them there, for as long as this process runs."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[str | None, datetime, bool]] = {}
        self._read_at: datetime | None = None

    def timed(self, board: Board) -> Board:
        """The board with the time in each row that has a present step. Call it with each reading, in their order."""
        watched = self._read_at is not None and board.at - self._read_at <= WATCHED
        self._read_at = board.at
        return replace(board, rows=[self._timed(board, row, watched) for row in board.rows])

    def _timed(self, board: Board, row: BoardRow, watched: bool) -> BoardRow:
        readable, step = board.readable(row), board.present_step(row)
        if readable and self._known.get(row.student, (None, None))[0] != step:
            self._known[row.student] = step, board.at, not watched
        if step is None or row.student not in self._known:
            return row
        _, since, or_earlier = self._known[row.student]
        return replace(row, step_since=since, or_earlier=or_earlier)
