"""Show results in the cell that is running: once, updatable, or as a progress bar."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from typing import Any

from labkit.model.errors import LabError
from labkit.views.panels.basic import ErrorPanel
from labkit.views.panels.progress import Working
from labkit.views.view import View

REDRAW_SECONDS = 0.1
"""The shortest time between two drawings of an output that changes continuously."""


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


_ON_CHANGE: list[weakref.WeakMethod[Callable[[], object]]] = []


def on_change(call: Callable[[], object]) -> None:
    """Call this method whenever a form's button or the responder may have changed something."""
    _ON_CHANGE.append(weakref.WeakMethod(call))


def may_have_changed() -> None:
    """Call the methods registered by `on_change`."""
    for each in tuple(_ON_CHANGE):
        if (call := each()) is None:
            _ON_CHANGE.remove(each)
        else:
            call()


def in_notebook() -> bool:
    """Whether a cell of a notebook is running this."""
    return bool(_running_cell())


class LiveDisplay:
    """An output of the running cell that changes while the cell works, such as what a program writes.

    Outside a notebook it shows nothing: the result is printed at the end.
    """

    def __init__(self, shown: View) -> None:
        self._cell = _running_cell()
        self._drawn_at = time.monotonic()
        self._handle = display_updatable(shown) if self._cell else None

    @property
    def is_of_this_cell(self) -> bool:
        """Whether it is displayed below the cell that runs now."""
        return bool(self._cell) and self._cell == _running_cell()

    def update(self, shown: View, *, at_once: bool = True) -> None:
        """Show this instead. Unless `at_once`, it is skipped if the last drawing was a moment ago."""
        if self._handle is None or (not at_once and time.monotonic() - self._drawn_at < REDRAW_SECONDS):
            return
        self._drawn_at = time.monotonic()
        # Raw: its own `_ipython_display_` would skip it, since it is displayed here already.
        self._handle.update({"text/html": shown._repr_html_(), "text/plain": repr(shown)}, raw=True)


def _running_cell() -> str:
    """The id of the request to run this cell; "" outside a notebook."""
    from IPython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    return str(kernel.get_parent("shell")["header"]["msg_id"]) if kernel is not None else ""


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
    """A native progress bar below the running cell. doing: what is being done. total: the number of steps.

    Make one when the work begins.
    """

    def __init__(self, doing: str, total: int) -> None:
        self._doing, self._total = doing, total
        self._handle = display_updatable(self._at(0))

    def move(self, value: int) -> None:
        """Show that `value` of the total are done."""
        if self._handle is not None:
            self._handle.update(self._at(value))

    def _at(self, value: int) -> Working:
        return Working(self._doing, value, self._total)
