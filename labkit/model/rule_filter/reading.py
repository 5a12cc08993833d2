"""Reads the value of a key from an event, and says where it was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from labkit.model.rule_filter.keys import EITHER_END, OTHER_NAMES, BothEnds

Event = Mapping[str, Any]
Reader = Callable[[Event], Any]
"""Returns the decoded JSON value, a tuple of two strings for both ends of a connection, or None if absent."""


@dataclass(frozen=True, slots=True)
class FieldValue:
    """A value from an event; `note` says where it came from if not from the key itself."""

    value: Any
    note: str = ""


def elements(value: Any) -> list[Any]:
    """The values to compare: the elements of a list at any depth without nulls, or the value itself.

    >>> elements(["a", ["b", None]])
    ['a', 'b']
    """
    if isinstance(value, (list, tuple)):
        return [inner for member in value for inner in elements(member)]
    return [] if value is None else [value]


def reader(key: str) -> Reader:
    """A function that returns the key's value in an event; fast for events of the usual shape."""
    if key in EITHER_END:
        return _read_either(key, EITHER_END[key])
    if key in OTHER_NAMES:
        return _read_first([path_reader(name) for name in (key, *OTHER_NAMES[key])])
    if key == "command":
        return lambda event: _value_or(event.get("command"), lambda: _last_part(event.get("exe")))
    if key == "arguments":
        return lambda event: _value_or(event.get("arguments"), lambda: _joined(event.get("args")))
    return path_reader(key)


def read(key: str, event: Event) -> FieldValue:
    """The key's value in an event, as `reader` reads it, with a note where it was found."""
    value = reader(key)(event)
    own = path_reader(key)(event)
    if value is None:
        return FieldValue(None)
    if key in EITHER_END:
        return FieldValue(value, _note_on_ends(key, event, own))
    if own is not None:
        return FieldValue(value)
    if key == "command":
        return FieldValue(value, "command is the last part of exe")
    if key == "arguments":
        return FieldValue(value, "arguments is args joined by spaces")
    used = next(name for name in OTHER_NAMES[key] if path_reader(name)(event) is not None)
    return FieldValue(value, f"{key} is another name for {used}")


def path_reader(key: str) -> Reader:
    """A reader of a dotted key, which follows objects and lists of objects."""
    first, *rest = key.split(".")
    if not rest:
        return lambda event: event.get(first)
    if len(rest) > 1:
        return lambda event: _walk(event.get(first), rest)
    last = rest[0]

    def read_member(event: Event) -> Any:
        holder = event.get(first)
        return holder.get(last) if holder.__class__ is dict else _walk(holder, rest)

    return read_member


def _walk(value: Any, names: list[str]) -> Any:
    if not names or value is None:
        return value
    if isinstance(value, Mapping):
        return _walk(value.get(names[0]), names[1:])
    if isinstance(value, list):
        return [found for member in value if (found := _walk(member, names)) is not None] or None
    return None


def _read_first(readers: list[Reader]) -> Reader:
    def read_first(event: Event) -> Any:
        for read_one in readers:
            value = read_one(event)
            if value is not None:
                return value
        return None

    return read_first


def _read_either(key: str, both: BothEnds) -> Reader:
    read_key, read_own = path_reader(key), path_reader(both.own)
    read_one, read_other = map(path_reader, both.ends)
    own_first = both.own_first

    def read_either(event: Event) -> Any:
        if own_first and (own := read_key(event)) is not None:
            return own
        one, other = read_one(event), read_other(event)
        if one.__class__ is str and other.__class__ is str:
            return (one, other)
        return [end for end in (one, other) if end is not None] or read_own(event)

    return read_either


def _note_on_ends(key: str, event: Event, own: Any) -> str:
    both = EITHER_END[key]
    if both.own_first and own is not None:
        return ""
    named = [end for end in both.ends if path_reader(end)(event) is not None]
    if named:
        return f"{key} is either end: {' or '.join(both.ends)}"
    return "" if key == both.own else f"{key} is another name for {both.own}"


def _value_or(value: Any, otherwise: Callable[[], Any]) -> Any:
    return otherwise() if value is None else value


def _last_part(exe: Any) -> str | None:
    return exe.rpartition("/")[2] if isinstance(exe, str) else None


def _joined(args: Any) -> str | None:
    if not isinstance(args, list):
        return None
    return " ".join(str(argument) for argument in args if argument is not None)
