"""The class at a glance, in a notebook."""

from __future__ import annotations

from labkit.backends.wing import classroom
from labkit.lab.base import Cells
from labkit.views.view import View


class BoardCells(Cells):
    """The board."""

    def board(self) -> View:
        """Where every student of the class is now; `labkit board` shows the same live."""
        view: View = classroom().board(self.session)
        return view
