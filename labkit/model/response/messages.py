"""The responder's messages, each with the times of event, alert and entry where known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from labkit.model.network_acl import Entry

Kind = Literal[
    "started", "poll", "added", "replaced", "kept", "refused", "removed", "trouble", "answers again", "ended"
]


@dataclass(frozen=True)
class Message:
    """A message and what it is about. Times are milliseconds since 1970, None where not known.

    event_at_ms: when the program connected. alerted_at_ms: when the alert was raised. entered_at_ms: when AWS had
    answered that the entry exists. plain: the sentence in plain words, where `sentence` has the original program's.
    """

    kind: Kind
    sentence: str
    address: str = ""
    alert_id: str = ""
    entry: Entry | None = None
    event_at_ms: int | None = None
    alerted_at_ms: int | None = None
    entered_at_ms: int | None = None
    plain: str = ""

    @property
    def event_to_alert_ms(self) -> int | None:
        """From the event to the alert."""
        return _between(self.event_at_ms, self.alerted_at_ms)

    @property
    def alert_to_entry_ms(self) -> int | None:
        """From the alert to the entry."""
        return _between(self.alerted_at_ms, self.entered_at_ms)

    @property
    def event_to_entry_ms(self) -> int | None:
        """From the event to the entry.

        >>> Message("added", "", event_at_ms=1000, alerted_at_ms=1003, entered_at_ms=1015).event_to_entry_ms
        15
        """
        return _between(self.event_at_ms, self.entered_at_ms)

    def __str__(self) -> str:
        return self.sentence


def _between(start_ms: int | None, end_ms: int | None) -> int | None:
    return None if start_ms is None or end_ms is None else end_ms - start_ms


def milliseconds(time: str) -> int:
    """The REST API's text for a time, UTC, as milliseconds since 1970; 0 if it is not a time.

    >>> milliseconds("2019-09-23T15:02:25.924Z")
    1569250945924
    """
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        return 0
    utc = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(utc.timestamp() * 1000)


def clock_text(at_ms: int | None) -> str:
    """The time of day, UTC, with its milliseconds; a dash where it is not known.

    >>> clock_text(1569250945924)
    '15:02:25.924'
    """
    if at_ms is None:
        return "–"
    seconds, rest = divmod(at_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S}.{rest:03d}"
