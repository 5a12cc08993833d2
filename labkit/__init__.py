"""The library behind the guided lab “Self-Protecting Cloud”. A chapter begins with `lab = open_lab()`."""

from labkit.lab import Lab, open_lab
from labkit.model.check import CheckResult
from labkit.model.errors import LabError, StepNotReady

__all__ = ["CheckResult", "Lab", "LabError", "StepNotReady", "open_lab"]
