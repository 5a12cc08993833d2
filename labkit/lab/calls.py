"""What stands around every public call of the lab, in one place: each wrapper is put around each call."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from labkit.model.errors import LabError

Call = Callable[..., Any]
Class = TypeVar("Class", bound=type)

SHOWN_BY_JUPYTER = ("__repr__", "_repr_html_")
"""Jupyter calls these when a cell ends with the lab's name; they look at the world like a call."""


def around_public_calls(*wrappers: Callable[[Call], Call]) -> Callable[[Class], Class]:
    """A class decorator that puts these around each public call, inherited ones too; the last one is outermost."""

    def decorate(cls: Class) -> Class:
        for name in public_calls(cls):
            call = getattr(cls, name)
            for wrapper in wrappers:
                call = wrapper(call)
            setattr(cls, name, call)
        return cls

    return decorate


def public_calls(cls: type) -> list[str]:
    """The names of the calls that a cell can make, and those that Jupyter makes to show the lab."""
    return [
        name
        for name in dir(cls)
        if (not name.startswith("_") and callable(getattr(cls, name)))
        or (name in SHOWN_BY_JUPYTER and getattr(cls, name) is not getattr(object, name, None))
    ]


def interruptible(call: Call) -> Call:
    """The call, ending in a LabError when the kernel is interrupted: one panel instead of the library's own frames."""

    @functools.wraps(call)
    def guarded(*args: Any, **options: Any) -> Any:
        try:
            return call(*args, **options)
        except KeyboardInterrupt:
            raise LabError(
                f"Interrupted: {_spoken(call.__name__)} stopped before its end.",
                "What it had begun is found when you go on; nothing is lost.",
                "Run the cell again.",
            ) from None

    return guarded


def _spoken(name: str) -> str:
    return "the lab's summary" if name in SHOWN_BY_JUPYTER else f"`{name}()`"
