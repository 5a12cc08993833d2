"""Showing results in a notebook; in a plain Python session the same words are printed by IPython's own fallback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from labkit.model.errors import LabError
from labkit.views.panels.basic import ErrorPanel
from labkit.views.panels.progress import Working
from labkit.views.view import View


def show(shown: View) -> None:
    """Display a result now, in the cell that is running."""
    from IPython.display import display

    display(shown)


def show_error(error: LabError, link: str = "") -> None:
    """Display an error as a panel; link: address of the cell where it can be fixed."""
    show(ErrorPanel(error, link))


def display_updatable(shown: View) -> Any | None:
    """Display a result that `.update(…)` on the returned handle replaces; None outside a notebook."""
    from IPython.display import display

    return display(shown, display_id=True)


def on_idle_interrupt(call: Callable[[], object]) -> None:
    """Call this when the kernel is interrupted while no cell runs; a cell that runs is interrupted as ever.

    For a cell that is running in the main thread. ipykernel ignores an interrupt between cells: it keeps the handler
    that then holds in this attribute, and puts it back after each cell. Without ipykernel nothing happens.
    """
    from IPython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is not None and hasattr(kernel, "saved_sigint_handler"):
        kernel.saved_sigint_handler = lambda *_: call()


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

    def finish(self, shown: View) -> None:
        """Put the result in the bar's place."""
        if self._handle is not None:
            self._handle.update(shown)

    def _at(self, value: int) -> Working:
        return Working(self._doing, value, self._total, self._unit)
