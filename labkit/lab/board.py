"""The class at a glance, in a notebook."""

from __future__ import annotations

from labkit.lab.base import Cells
from labkit.views.view import View


class BoardCells(Cells):
    """The board."""

    def board(self) -> View:
        """Where every student of the class is now; `labkit board` shows the same live."""
        from labkit.classroom.board.take import taker

        return taker(self.session)()
