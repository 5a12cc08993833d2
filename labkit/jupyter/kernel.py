"""An IPython extension of every kernel of this environment, whoever starts it: each expression of a cell shows its
value, and a mistake that the lab can explain ends in a panel. `ipython_kernel_config.json`, installed where IPython
looks for it, loads it.

Explained are a missing `lab` after a restart, a word in an exercise put where a value is wanted, and what boto3 and
requests refuse of a call by hand. Everything else keeps its trace.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from labkit.model.errors import LabError

NAME = "lab"
BY_HAND = ("labkit.services.detection.session", "labkit.services.detection.hawk")
"""The modules that a student's own requests pass through."""


def load_ipython_extension(shell: Any) -> None:
    """Have every expression of a cell show its value, and mistakes that the lab can explain end in a panel.

    The kernel's folder, where a file may have any name, is searched last; until then, the configuration keeps it out.
    """
    sys.path[:] = [*filter(None, sys.path), ""]
    if shell.ast_node_interactivity == "last_expr":  # unless the student's own profile says otherwise
        shell.ast_node_interactivity = "all"
    shell.set_custom_exc((Exception,), _show)


def _show(
    shell: Any, kind: type[BaseException], error: Exception, trace: TracebackType, tb_offset: int | None = None
) -> None:
    explained = _explained(error, trace, shell.user_ns.get("In", [""])[-1])
    if explained is None:
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
        return
    if LabError.panel is None:
        from labkit.views.display import show_error

        LabError.panel = show_error
    shell.showtraceback((LabError, explained, trace), tb_offset=tb_offset)


def _explained(error: Exception, trace: TracebackType, cell: str) -> LabError | None:
    """What to do about this error of this cell; None where the lab cannot say."""
    if isinstance(error, LabError) or _is_of_the_lab(trace):
        return None  # it shows itself, or is a bug
    if isinstance(error, NameError):
        return _missing_name(getattr(error, "name", None), cell)
    if "botocore" in sys.modules:
        from labkit.services.aws.errors import explain_call

        client = _client_in(error, trace)
        explained = explain_call(error, client)
        if explained is not None or client is not None:
            return explained
    if "requests" in sys.modules:
        from labkit.services.detection.errors import explain_request

        return explain_request(error)
    return None


def _client_in(error: Exception, trace: TracebackType | None) -> Any | None:
    """The boto3 client whose call, or whose missing method, ended in this error; None for any other error."""
    from botocore.client import BaseClient

    owners = [frame.f_locals.get("self") for frame in _frames(trace)]
    found = [one for one in (getattr(error, "obj", None), *owners) if isinstance(one, BaseClient)]
    return found[0] if found else None


def _is_of_the_lab(trace: TracebackType | None) -> bool:
    """Whether the lab's own code made the call that failed; its session for calls by hand does not count."""
    modules = {str(frame.f_globals.get("__name__", "")) for frame in _frames(trace)}
    return any(one.startswith("labkit.") and one not in BY_HAND for one in modules)


def _frames(trace: TracebackType | None) -> Iterator[Any]:
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next


def _missing_name(name: str | None, cell: str) -> LabError | None:
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
            "Write a number as it is, text in quotes, or a name that a cell has given. Then run the cell again.",
        )
    return None
