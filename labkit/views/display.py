"""Show results in the cell that is running: once, updatable, or as a progress bar that the result replaces."""

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
    """Call this when the kernel is interrupted while no cell is running; a running cell is interrupted as usual.

    Call it from a cell, in the main thread. ipykernel ignores an interrupt between cells: it saves the handler
    of that time in this attribute, and restores it after each cell. Does nothing without ipykernel.
    """
    from IPython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is not None and hasattr(kernel, "saved_sigint_handler"):
        kernel.saved_sigint_handler = lambda *_: call()


class ProgressDisplay:
    """A native progress bar below the running cell; `move` moves it and `finish` replaces it with the result.

    doing: what is being done. total: how many of `unit` there are. Make one when the work begins.
    """

    def __init__(self, doing: str, total: int, unit: str = "steps") -> None:
        self._doing, self._total, self._unit = doing, total, unit
        self._handle = display_updatable(self._at(0))

    def move(self, value: int) -> None:
        """Show that `value` of the total are done."""
        if self._handle is not None:
            self._handle.update(self._at(value))

    def finish(self, shown: View) -> None:
        """Replace the bar with the result."""
        if self._handle is not None:
            self._handle.update(shown)

    def _at(self, value: int) -> Working:
        return Working(self._doing, value, self._total, self._unit)
