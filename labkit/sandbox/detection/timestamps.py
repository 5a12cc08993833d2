"""Times of the detection service's REST API: UTC; milliseconds since 1970 internally."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

_FORM = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)"
    r"(?:T(?P<hour>\d\d)(?::(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?)?)?"
    # A raw "+" in a query string reaches the server as a space, so a space is accepted for it.
    r"(?P<zone>Z|[+ -]\d\d:?\d\d)?)?",
    re.ASCII,
)
ACCEPTED = "yyyy-mm-dd, yyyy-mm-ddThh, yyyy-mm-ddThh:mm or yyyy-mm-ddThh:mm:ss (UTC)"


def now_ms() -> int:
    """This moment in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def parse_time(text: str) -> int:
    """Milliseconds since 1970 of one of the `ACCEPTED` forms, with or without microseconds and zone.

    Raises ValueError for any other text.

    >>> parse_time("1970-01-01T00:01"), parse_time("1970-01-02T00:00:00.250000")
    (60000, 86400250)
    >>> parse_time("1970-01-01T01:00:01 01:00")
    1000
    """
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a time of the form {ACCEPTED}")
    part = match.groupdict(default="0")
    clock = f"{part['hour']:0>2}:{part['minute']:0>2}:{part['second']:0>2}"
    moment = datetime.fromisoformat(f"{part['day']}T{clock}").replace(tzinfo=_zone(match["zone"]))
    # Truncated, not rounded: a time never moves into the next millisecond.
    return int(moment.timestamp()) * 1000 + int(f"{part['fraction']:0<3}"[:3])


def _zone(text: str | None) -> timezone:
    if text is None or text == "Z":
        return UTC
    digits = text[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)


@lru_cache(maxsize=10_000)  # a list of a class's rules repeats the same times
def format_time(milliseconds: int) -> str:
    """A time in the API's format.

    >>> format_time(1569250945924)
    '2019-09-23T15:02:25.924Z'
    """
    seconds, rest = divmod(milliseconds, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"
