"""Wraps every public call of the lab."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from labkit.model.errors import interrupted

Call = Callable[..., Any]
Class = TypeVar("Class", bound=type)

SHOWN_BY_JUPYTER = ("__repr__", "_repr_html_")
"""Jupyter calls these when a cell ends with the lab's name; like any other call, they look at the current state."""


def around_public_calls(*wrappers: Callable[[Call], Call]) -> Callable[[Class], Class]:
    """A class decorator that wraps each public call, also inherited ones, in these; the last one is outermost."""

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
    """The call, but an interrupt of the kernel raises a LabError: one panel instead of a traceback."""

    @functools.wraps(call)
    def guarded(*args: Any, **options: Any) -> Any:
        try:
            return call(*args, **options)
        except KeyboardInterrupt:
            raise interrupted(_spoken(call.__name__), "Run the cell again.") from None

    return guarded


def _spoken(name: str) -> str:
    return "the lab's summary" if name in SHOWN_BY_JUPYTER else f"`{name}()`"
