"""The library behind the guided lab “Self-Protecting Cloud”. A chapter begins with `lab = open_lab()`."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from labkit.lab.lab import Lab, open_lab
    from labkit.model.check import CheckResult
    from labkit.model.errors import LabError, StepNotReady

__all__ = ["CheckResult", "Lab", "LabError", "StepNotReady", "open_lab"]

_ROOMS = {
    "CheckResult": "labkit.model.check",
    "LabError": "labkit.model.errors",
    "StepNotReady": "labkit.model.errors",
    "Lab": "labkit.lab.lab",
    "open_lab": "labkit.lab.lab",
}


def windows_error() -> LabError | None:
    """The error on Windows, where most modules of the lab cannot be imported; None elsewhere."""
    if not sys.platform.startswith("win"):
        return None
    from labkit.model.errors import LabError

    return LabError(
        "The lab does not run on Windows itself.",
        "Its sandbox and its closed network need Linux.",
        "Use WSL: run `wsl --install` in PowerShell, then install and start the lab in the Linux terminal.",
    )


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: until a command has set what Ctrl-C does, it ends in a trace."""
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if _ROOMS[name] == "labkit.lab.lab" and (error := windows_error()) is not None:
        raise error
    from importlib import import_module

    return getattr(import_module(_ROOMS[name]), name)
