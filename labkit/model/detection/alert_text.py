"""The text of an alert: the event's values for its aggregate fields, and its title."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from labkit.model.rule_filter.compare import plain_text
from labkit.model.rule_filter.reading import Event, Reader, elements, path_reader, reader

UNDEFINED = "undefined"
"""Replaces a value in a title that the event lacks, as in a captured alert."""

LONGEST_IN_TITLE = 300

_FIELD = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}")
_OTHER_SPELLINGS = {
    "accountId": "account_id",
    "availabilityZone": "availability_zone",
    "cloudProvider": "cloud_provider",
}
"""Aggregate fields that are spelled differently in rules and in filters."""
_REMOTE_END = {
    "ip": ("ip", "connection.addr", "connection.dst_addr", "connection.src_addr"),
    "connection.addr": ("connection.addr", "connection.dst_addr", "connection.src_addr"),
    "port": ("port", "connection.port", "connection.dst_port", "connection.src_port"),
    "connection.port": ("connection.port", "connection.dst_port", "connection.src_port"),
}
"""Keys that a filter reads as either end of a connection; an alert shows only the remote end."""

TextReader = Callable[[Event], str | None]


def text_reader(key: str) -> TextReader:
    """A function that returns a key's value in an event as text for an alert, or None without a value.

    >>> text_reader("dst_ip")({"connection": {"dst_addr": "203.0.113.10"}})
    '203.0.113.10'
    """
    reads = [path_reader(name) for name in _REMOTE_END.get(key, ())] or _readers(key)

    def read(event: Event) -> str | None:
        return next((_text(value) for one in reads if (value := one(event)) is not None), None)

    return read


def _readers(key: str) -> list[Reader]:
    other = _OTHER_SPELLINGS.get(key)
    return [reader(key)] if other is None else [reader(key), reader(other)]


def _text(value: Any) -> str | None:
    if value.__class__ is str:
        return value
    found = [text for one in elements(value) if (text := _scalar_text(one))]
    return ", ".join(found) if found else None


def _scalar_text(value: Any) -> str:
    text = plain_text(value)
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str) if text is None else text


def fill_title(template: str, event: Event) -> str:
    """The title with each `{{key}}` replaced by the event's value; values are not expanded again.

    >>> fill_title("{{exe}} ran by {{auser}}", {"exe": "/usr/bin/curl"})
    '/usr/bin/curl ran by undefined'
    """
    return _FIELD.sub(lambda field: _shortened(text_reader(field[1])(event)), template)


def _shortened(text: str | None) -> str:
    if text is None:
        return UNDEFINED
    return text if len(text) <= LONGEST_IN_TITLE else f"{text[: LONGEST_IN_TITLE - 1]}…"
