"""The library behind the guided lab “Self-Protecting Cloud”. A chapter begins with `lab = open_lab()`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labkit.model.check import CheckResult
from labkit.model.errors import LabError, StepNotReady

if TYPE_CHECKING:
    from labkit.lab.lab import Lab, open_lab

__all__ = ["CheckResult", "Lab", "LabError", "StepNotReady", "open_lab"]


def __getattr__(name: str) -> Any:
    """Import the lab when it is first asked for, so that `import labkit` alone stays light."""
    if name in ("Lab", "open_lab"):
        from labkit.lab import lab

        return getattr(lab, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
