"""Showing results in a notebook; in a plain Python session the same words are printed by IPython's own fallback."""

from __future__ import annotations

from typing import Any

from labkit.model.errors import LabError
from labkit.views.panels import ErrorPanel
from labkit.views.progress import Working
from labkit.views.shown import Shown


def show(shown: Shown) -> None:
    """Display a result now, in the cell that is running."""
    from IPython.display import display

    display(shown)


def show_error(error: LabError, link: str = "") -> None:
    """Display an error as a panel; link: address of the cell where it is mended."""
    show(ErrorPanel(error, link))


def display_updatable(shown: Shown) -> Any | None:
    """Display a result that `.update(…)` on the returned handle replaces; None outside a notebook."""
    from IPython.display import display

    return display(shown, display_id=True)


class ProgressDisplay:
    """A native progress bar under the running cell, moved by `move`.

    doing: what is under way. total: how many of `unit` there are. One for each call, made when the work begins.
    """

    def __init__(self, doing: str, total: int, unit: str = "steps") -> None:
        self._doing, self._total, self._unit = doing, total, unit
        self._handle = display_updatable(self._at(0))

    def move(self, value: int) -> None:
        """Show that `value` of the total are done."""
        if self._handle is not None:
            self._handle.update(self._at(value))

    def finish(self, shown: Shown) -> None:
        """Put the result in the bar's place."""
        if self._handle is not None:
            self._handle.update(shown)

    def _at(self, value: int) -> Working:
        return Working(self._doing, value, self._total, self._unit)
