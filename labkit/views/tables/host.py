"""Views of the host: a program that ran there, and the alerts it raised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from labkit.model.detection.records import Alert
from labkit.model.response.messages import Message
from labkit.views.display import LiveDisplay
from labkit.views.pictures.timeline import Answer
from labkit.views.view import TableView, View

CURL_CODES = {
    0: "it got an answer",
    6: "the name was not found",
    7: "connection refused: nothing listens on this port, so the network ACL did not stop it",
    28: "no answer came in time, as when a network ACL drops the packets",
}
"""Exit codes of curl. Source: https://everything.curl.dev/cmdline/exitcode.html"""


MOST_LINES = 8
"""Lines of output that are shown in full."""


@dataclass(frozen=True, repr=False)
class RanView(View):
    """How a program on the host ended.

    remark: that no program really ran, and why. limit: the time limit at which it was ended, in seconds; None if it
    ended by itself. said: the entries that answered it. live: the output that already shows it.
    """

    command: str
    code: int
    out: str
    err: str
    seconds: float
    remark: str = ""
    limit: float | None = None
    said: Sequence[Message] = ()
    live: LiveDisplay | None = field(default=None, compare=False)

    template: ClassVar[str] = "ran.html.j2"

    def _ipython_display_(self) -> None:
        """Show it, unless the running cell does already."""
        if self.live is None or not self.live.is_of_this_cell:
            raise NotImplementedError  # IPython then shows it as any other

    @property
    def answer(self) -> Answer | None:
        return Answer(self.said) if self.said else None

    @property
    def meaning(self) -> str:
        """The meaning of the exit code, if it is known."""
        if self.limit is not None:
            return f"it reached its limit of {self.limit:g} s; seconds={2 * self.limit:g} allows more"
        known = CURL_CODES.get(self.code, "") if self.command.split()[:1] == ["curl"] else ""
        return known or ("success" if self.code == 0 else "its meaning depends on the program")

    @property
    def tone(self) -> str:
        return "good" if self.code == 0 else ""

    @property
    def symbol(self) -> str:
        """A failure is not marked as a mistake, since a dropped packet is often what was wanted."""
        return "✓" if self.code == 0 else "•"

    @property
    def page(self) -> str:
        """What it wrote; of many lines the first two and the last two."""
        return _page(self.out)

    @property
    def ending(self) -> str:
        how = "stopped" if self.limit is not None else f"exit code {self.code}"
        return f"{how} after {self.seconds:.1f} s: {self.meaning}"

    def text(self) -> str:
        answer = self.answer.text() if self.answer else ""
        lines = [f"$ {self.command}", self.page, self.err.rstrip(), self.ending, self.remark, answer]
        return "\n".join(line for line in lines if line)


@dataclass(frozen=True, repr=False)
class RunningView(View):
    """A program that is running on the host, or was when the cell was interrupted. limit: its time limit in seconds.

    said: the entries that have answered it so far.
    """

    command: str
    out: str
    err: str
    seconds: float
    limit: float
    interrupted: bool = False
    said: Sequence[Message] = ()

    template: ClassVar[str] = "ran.html.j2"
    tone: ClassVar[str] = ""
    remark: ClassVar[str] = ""

    @property
    def answer(self) -> Answer | None:
        return Answer(self.said) if self.said else None

    @property
    def symbol(self) -> str:
        return "■" if self.interrupted else "▶"

    @property
    def page(self) -> str:
        """What it has written so far, as in the result."""
        return _page(self.out)

    @property
    def ending(self) -> str:
        if self.interrupted:
            return f"ended by an interrupt after {self.seconds:.0f} s"
        return f"running for {self.seconds:.0f} s of {self.limit:g} s at most"

    def text(self) -> str:
        return "\n".join(filter(None, [f"$ {self.command}", self.page, self.err.rstrip(), self.ending]))


def _page(out: str) -> str:
    lines = out.rstrip().splitlines()
    if len(lines) <= MOST_LINES:
        return out.rstrip()
    return "\n".join([*lines[:2], f"… {len(lines) - 4} more lines …", *lines[-2:]])


@dataclass(frozen=True, repr=False)
class AlertTable(TableView):
    """Alerts, newest first. Their text is controlled by whoever ran the program, so it is shown as plain text.

    The alerts' ids are shortened; `.frame` has them in full.
    """

    alerts: Sequence[Alert]
    title: str = "Active alerts of your rule"

    kinds: ClassVar[tuple[str, ...]] = ("", "n")
    headers: ClassVar[list[str]] = ["Raised at", "Severity", "Connected to", "Program", "User", "Alert"]

    @property
    def caption(self) -> str:
        return f"{self.title}: {len(self.alerts)}"

    def rows(self) -> list[tuple[list[str], bool]]:
        """Each alert as cells; none is marked."""
        return [(self._cells(alert), False) for alert in self.alerts]

    def _cells(self, alert: Alert) -> list[str]:
        values = dict(alert.aggregates)
        known = [values.get(name, "unknown") for name in ("dst_ip", "exe", "user")]
        return [alert.created_at, str(alert.severity), *known, alert.id.partition("-")[0] + "…"]

    def records(self) -> list[dict[str, object]]:
        return [
            {"alert_id": alert.id, "created_at": alert.created_at, "title": alert.title, **dict(alert.aggregates)}
            for alert in self.alerts
        ]
