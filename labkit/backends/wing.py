"""The classroom is a wing that an installation may lack: this is the only way by which the rest of the lab reaches it.

What the wing offers is in `labkit/classroom/wing.py`.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from labkit.model.errors import LabError

WING = "labkit.classroom.wing"


def find_classroom() -> ModuleType | None:
    """The wing; None where it is not installed."""
    try:
        return import_module(WING)
    except ModuleNotFoundError as error:
        if error.name and WING.startswith(error.name):
            return None
        raise


def classroom() -> ModuleType:
    """The wing. Raises LabError where it is not installed."""
    found = find_classroom()
    if found is None:
        raise LabError(
            "This lab was installed without its classroom.",
            "Everything that serves a class is in the folder labkit/classroom, which is not there.",
            "Install the whole lab; or, to leave a class, delete class.json in the folder that LABKIT_HOME names.",
        )
    return found
