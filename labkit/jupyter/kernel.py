"""An IPython extension of kernels that the lab starts: after a restart, `lab` ends in a panel and not in a trace."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from labkit.model.errors import LabError

NAME = "lab"


def load_ipython_extension(shell: Any) -> None:
    """Have a missing `lab` say to run the first cell; every other missing name keeps its trace."""
    shell.set_custom_exc((NameError,), _show)


def _show(
    shell: Any, kind: type[BaseException], error: NameError, trace: TracebackType, tb_offset: int | None = None
) -> None:
    if getattr(error, "name", None) != NAME:
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
        return
    if LabError.panel is None:
        from labkit.views.display import show_error

        LabError.panel = show_error
    missing = LabError(
        "The lab is not open in this kernel yet.",
        "The kernel was started or restarted, and the chapter's first cell has not run since. Nothing is lost: what "
        "you made is looked up again.",
        "Run the chapter's first cell, lab = open_lab(); then run this cell again.",
    )
    shell.showtraceback((LabError, missing, trace), tb_offset=tb_offset)
