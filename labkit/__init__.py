"""The library behind the guided lab “Self-Protecting Cloud”. A chapter begins with `lab = open_lab()`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from labkit.model.check import CheckResult
from labkit.model.errors import LabError, StepNotReady

if TYPE_CHECKING:
    from labkit.lab.lab import Lab, open_lab

__all__ = ["CheckResult", "Lab", "LabError", "StepNotReady", "open_lab"]


def windows_error() -> LabError | None:
    """The error on Windows, where most modules of the lab cannot be imported; None elsewhere."""
    if not sys.platform.startswith("win"):
        return None
    return LabError(
        "The lab does not run on Windows itself.",
        "Its sandbox and its closed network need Linux.",
        "Use WSL: run `wsl --install` in PowerShell, then install and start the lab in the Linux terminal.",
    )


def __getattr__(name: str) -> Any:
    """Import the lab when it is first asked for, so that `import labkit` alone stays light."""
    if name in ("Lab", "open_lab"):
        if (error := windows_error()) is not None:
            raise error
        from labkit.lab import lab

        return getattr(lab, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
