"""Views of the host: a program that ran there, and the alerts it raised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from labkit.model.detection.records import Alert
from labkit.views.view import View, text_table

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
    """How a program on the host ended. remark: such as that no real program ran, and why."""

    command: str
    code: int
    out: str
    err: str
    seconds: float
    remark: str = ""

    template: ClassVar[str] = "ran.html.j2"

    @property
    def meaning(self) -> str:
        """What the exit code means, if known."""
        known = CURL_CODES.get(self.code, "") if self.command.split()[:1] == ["curl"] else ""
        return known or ("success" if self.code == 0 else "it failed")

    @property
    def tone(self) -> str:
        return "good" if self.code == 0 else "bad"

    @property
    def page(self) -> str:
        """The output; if it is long, only the first two and the last two lines."""
        lines = self.out.rstrip().splitlines()
        if len(lines) <= MOST_LINES:
            return self.out.rstrip()
        return "\n".join([*lines[:2], f"… {len(lines) - 4} more lines …", *lines[-2:]])

    @property
    def ending(self) -> str:
        return f"exit code {self.code} after {self.seconds:.1f} s: {self.meaning}"

    def text(self) -> str:
        lines = [f"$ {self.command}", self.page, self.err.rstrip(), self.ending, self.remark]
        return "\n".join(line for line in lines if line)


@dataclass(frozen=True, repr=False)
class AlertTable(View):
    """Alerts, newest first. Their text is controlled by whoever ran the program, so it is shown as plain text.

    The alerts' ids are shortened; `.frame` has them in full.
    """

    alerts: Sequence[Alert]
    title: str = "Active alerts of your rule"

    template: ClassVar[str] = "alert_table.html.j2"
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

    def text(self) -> str:
        return f"{self.caption}\n" + text_table(self.headers, [cells for cells, _ in self.rows()])

    def records(self) -> list[dict[str, object]]:
        return [
            {"alert_id": alert.id, "created_at": alert.created_at, "title": alert.title, **dict(alert.aggregates)}
            for alert in self.alerts
        ]
