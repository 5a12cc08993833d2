"""Mark measured values (times, durations, ports, counts), so that two handouts can be compared byte for byte.

The mark is `data-as="STAND-IN"` on an element around the value (`data-label-as` beside an SVG's `aria-label`). A
notebook and a handout show the measured value; `labkit handout --stable` shows the stand-in.
"""

from __future__ import annotations

import re

from markupsafe import Markup, escape

_MEASURED = re.compile(
    r"(?P<date>\b\d{4}-\d\d-\d\d)(?:T\d\d:\d\d:\d\d(?:\.\d+)?Z| \d\d:\d\d UTC)"
    r"|(?P<clock>\b\d\d:\d\d:\d\d\.\d{3}\b)"
    r"|\b(?P<ms>\d+) (?:ms|milliseconds)\b"
    r"|\b(?P<s>\d+\.\d) s\b"
    r"|(?P<address>http://127\.0\.0\.1:)\d+"
    r"|\b[1-9]\d*(?P<bytes> bytes) received"
    r"|(?<=dropped )\d+(?P<packets> packet)s?\b"
    r"|(?m:^)(?P<dots>\.{2,})(?m:$)"
)
_SIZES = ((2, "< 2 s"), (10, "< 10 s"), (60, "< 1 min"))
"""Bounds with a margin on both sides: a service takes less than a second, and waiting for TCP to give up takes
three seconds, or four at the time limit of a chapter's call."""


class Measured(str):
    """A measured value as text, with its stand-in, for places that show only the value."""

    stand_in: str

    def __new__(cls, words: object, stand_in: str) -> Measured:
        measured = super().__new__(cls, words)
        measured.stand_in = stand_in
        return measured

    def __html__(self) -> Markup:
        return _marked("span", str(self), self.stand_in)


def stand_in(words: str) -> str:
    """The stand-in of a measured value; any other text unchanged."""
    return words.stand_in if isinstance(words, Measured) else words


def counted(number: int) -> str:
    """A number of packets as text: measured unless it is 0, since other runs count other numbers."""
    return Measured(number, "≥ 1") if number else "0"


def length(words: str, seconds: float, least: int = 2) -> Measured:
    """A duration as text. least: the smallest bound that its stand-in may use, in seconds.

    >>> length("12 ms", 0.012).stand_in, length("12 ms", 0.012, least=10).stand_in
    ('< 2 s', '< 10 s')
    """
    return Measured(words, _bound(seconds, least))


def measured(words: object, element: str = "span") -> Markup:
    """The text or markup with each time of day, duration, port, number of bytes and row of dots marked.

    >>> measured("after 12 ms")
    Markup('after <span data-as="&lt; 2 s">12 ms</span>')
    """
    if isinstance(words, Measured):
        return _marked(element, str(words), words.stand_in)
    return Markup(_MEASURED.sub(lambda found: _marked(element, Markup(found[0]), _stand_in(found)), str(escape(words))))


def _marked(element: str, words: str, stand_in: str) -> Markup:
    return Markup('<{0} data-as="{1}">{2}</{0}>').format(element, stand_in, words)


def _stand_in(found: re.Match[str]) -> str:
    kind = found.lastgroup
    if kind == "ms" or kind == "s":
        return _bound(float(found[kind]) / (1000 if kind == "ms" else 1))
    return {
        "date": "yyyy-mm-dd hh:mm UTC",
        "clock": "hh:mm:ss",
        "address": "http://127.0.0.1:port",
        "bytes": "some bytes received",
        "packets": "some packets",
        "dots": "a few dots",
    }[kind or ""]


def _bound(seconds: float, least: int = 0) -> str:
    return next((words for bound, words in _SIZES if seconds < bound >= least), "≥ 1 min")
