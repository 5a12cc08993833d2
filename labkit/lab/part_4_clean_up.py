"""Part 4: clean up, look again, and say what was and what was not removed."""

from __future__ import annotations

from labkit.lab.base import Cells
from labkit.steps.clean_up import clean_up
from labkit.views.view import View


class CleanUpCells(Cells):
    """The end of the lab."""

    def clean_up(self) -> View:
        """Take away everything that the lab made for you, and nothing else; then look again."""
        return clean_up(self.session)
