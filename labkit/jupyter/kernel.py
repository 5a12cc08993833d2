"""An IPython extension of every kernel of this environment, whoever starts it: a missing name that the lab can explain
ends in a panel. `ipython_kernel_config.json`, installed where IPython looks for it, loads it.

After a restart that is `lab`; in an exercise it is a word of the text, such as `first`, put where a value is wanted.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

from labkit.model.errors import LabError

NAME = "lab"


def load_ipython_extension(shell: Any) -> None:
    """Have a missing `lab` say to run the first cell, and a word in an exercise to write a value; every other missing
    name keeps its trace."""
    shell.set_custom_exc((NameError,), _show)


def _show(
    shell: Any, kind: type[BaseException], error: NameError, trace: TracebackType, tb_offset: int | None = None
) -> None:
    missing = _explained(getattr(error, "name", None), shell.user_ns.get("In", [""])[-1])
    if missing is None:
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
        return
    if LabError.panel is None:
        from labkit.views.display import show_error

        LabError.panel = show_error
    shell.showtraceback((LabError, missing, trace), tb_offset=tb_offset)


def _explained(name: str | None, cell: str) -> LabError | None:
    """What to do about this missing name in this cell; None where the lab cannot say."""
    if name == NAME:
        return LabError(
            "The lab is not open in this kernel yet.",
            "The kernel was started or restarted, and the chapter's first cell has not run since. Nothing is lost: "
            "what you made is looked up again.",
            "Run the chapter's first cell, lab = open_lab(); then run this cell again.",
        )
    if f"{NAME}.check_exercise(" in cell:
        return LabError(
            f"“{name}” is a name without a value.",
            "Python takes a word without quotes for the name of a value, and nothing has that name.",
            "Write the value itself: a number as it is, text in quotes. Then run the cell again.",
        )
    return None
