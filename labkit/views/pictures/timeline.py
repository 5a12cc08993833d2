"""How long it took from a connection to its deny entry: event, alert and entry, with the time between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from labkit.model.response.messages import Message, clock_text
from labkit.views.measured import Measured, length, stand_in
from labkit.views.view import View, text_table

BY_HAND_SECONDS = 10
"""If a person runs the responder, the entry waits for that person, so no shorter bound holds in every run."""


MOST_ROWS = 8


@dataclass(frozen=True)
class Dot:
    """A moment in the drawing: its position, its name, the symbol in it, its time, and how long it came after the one
    before it."""

    x: int
    name: str
    sign: str
    at: str
    after: str


@dataclass(frozen=True, repr=False)
class Timeline(View):
    """A row for each of the newest entries whose times are known, and a drawing of the newest one.

    `.frame` has them all.
    """

    said: Sequence[Message]

    template: ClassVar[str] = "timeline.html.j2"
    headers: ClassVar[list[str]] = ["Address", "Connected at", "Event → alert", "Alert → entry", "Total"]

    @property
    def caption(self) -> str:
        number = len(self.moments)
        which = f", the newest {MOST_ROWS} of {number}" if number > MOST_ROWS else ""
        return f"From the connection to the deny entry (UTC){which}"

    @property
    def moments(self) -> list[Message]:
        """The messages to show, newest first; in a burst, several share a millisecond."""
        timed = [one for one in reversed(self.said) if one.entered_at_ms is not None]
        return sorted(timed, key=lambda one: one.entered_at_ms or 0, reverse=True)

    def rows(self) -> list[tuple[list[str], bool]]:
        return [
            (
                [
                    one.address,
                    _clock(one.event_at_ms),
                    took(one.event_to_alert_ms),
                    took(one.alert_to_entry_ms, BY_HAND_SECONDS),
                    took(one.event_to_entry_ms, BY_HAND_SECONDS),
                ],
                False,
            )
            for one in self.moments[:MOST_ROWS]
        ]

    @property
    def dots(self) -> list[Dot]:
        """The three moments of the newest entry, evenly spaced; empty if there is none."""
        if not self.moments:
            return []
        one = self.moments[0]
        number = f"entry {one.entry.rule_number}" if one.entry is not None else "entry"
        return [
            Dot(70, "event", "", _clock(one.event_at_ms), ""),
            Dot(270, "alert", "!", _clock(one.alerted_at_ms), took(one.event_to_alert_ms)),
            Dot(470, number, "⊘", _clock(one.entered_at_ms), took(one.alert_to_entry_ms, BY_HAND_SECONDS)),
        ]

    @property
    def total(self) -> str:
        """How long the newest entry took from its event; empty if unknown."""
        milliseconds = self.moments[0].event_to_entry_ms if self.moments else None
        return "" if milliseconds is None else took(milliseconds, BY_HAND_SECONDS)

    @property
    def sentence(self) -> str:
        """The drawing as a sentence."""
        return self._sentence(str)

    @property
    def sentence_of_any_run(self) -> str:
        """The same with stand-ins for the measured values."""
        return self._sentence(stand_in)

    def _sentence(self, words: Callable[[str], str]) -> str:
        if not self.moments:
            return "No entry has been made yet."
        one, (event, alert, entry) = self.moments[0], self.dots
        times = words(event.at), words(alert.after), words(entry.after)
        return "{}: event at {}, alert {} later, deny entry {} after that.".format(one.address, *times)

    def text(self) -> str:
        if not self.moments:
            return self.sentence
        return f"{self.caption}\n{text_table(self.headers, [cells for cells, _ in self.rows()])}"

    def records(self) -> list[dict[str, object]]:
        return [
            {"address": one.address, "alert_id": one.alert_id, "event_at_ms": one.event_at_ms,
             "alerted_at_ms": one.alerted_at_ms, "entered_at_ms": one.entered_at_ms,
             "event_to_entry_ms": one.event_to_entry_ms}
            for one in self.moments
        ]  # fmt: skip


@dataclass(frozen=True, repr=False)
class Answer(Timeline):
    """The drawing of the newest entry alone, beside the program that it answers."""

    template: ClassVar[str] = "answer.html.j2"

    @property
    def title(self) -> str:
        """Which entries answered."""
        listed = [f"entry {one.entry.rule_number} denies {one.address}" for one in reversed(self.moments) if one.entry]
        shown = listed if len(listed) <= MOST_ROWS else [*listed[:2], f"{len(listed) - 3} more", listed[-1]]
        return ", ".join(shown).capitalize() + "."

    def text(self) -> str:
        return f"{self.title} {self.sentence.partition(': ')[2].capitalize()}"


def _clock(at_ms: int | None) -> str:
    return clock_text(at_ms) if at_ms is None else Measured(clock_text(at_ms), "hh:mm:ss")


def took(milliseconds: int | None, least: int = 2) -> str:
    """A duration in milliseconds, or in seconds from ten seconds on.

    >>> took(12), took(12_345), took(None)
    ('12 ms', '12.3 s', '–')
    """
    if milliseconds is None:
        return "–"
    words = f"{milliseconds} ms" if abs(milliseconds) < 10_000 else f"{milliseconds / 1000:.1f} s"
    return length(words, milliseconds / 1000, least)
