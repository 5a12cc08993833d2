"""The responder's state, messages and entries, live or after the fact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from labkit.model.network_acl import NetworkAcl
from labkit.model.response.messages import Message
from labkit.views.panels.transcript import summed_up
from labkit.views.pictures.timeline import Timeline
from labkit.views.tables.network import AclEntriesTable
from labkit.views.view import View

MOST_LINES = 60
"""The lines of the transcript that a page shows; `text()` has them all."""

LOOKED_ONCE = "ran once"
WAITING = ("not started", "running")
"""States in which an entry may still be added."""


@dataclass(frozen=True, repr=False)
class ResponderView(View):
    """The responder's state, its timeline, the egress entries as it last saw them, and its messages.

    state: in words, such as "stopped". acl: None before the first round, or to leave the entries out. warning: what to
    know before it is started.
    """

    state: str
    said: Sequence[Message] = ()
    acl: NetworkAcl | None = None
    region: str = ""
    warning: str = ""

    template: ClassVar[str] = "responder.html.j2"

    @property
    def timeline(self) -> Timeline | None:
        """None if there is nothing to time, or for a single round run by hand, which says nothing about its speed."""
        timeline = Timeline(self.said)
        if self.state == LOOKED_ONCE or not (timeline.moments or self.state in WAITING):
            return None
        return timeline

    @property
    def table(self) -> AclEntriesTable | None:
        return None if self.acl is None else AclEntriesTable(self.acl, self.region, egress_only=True)

    @property
    def earlier(self) -> int:
        """How many older lines the page leaves out."""
        return max(0, len(summed_up(self.said)) - MOST_LINES)

    @property
    def lines(self) -> list[str]:
        """The last lines, oldest first."""
        return summed_up(self.said)[-MOST_LINES:]

    def text(self) -> str:
        parts = [f"The responder: {self.state}.", *filter(None, [self.warning]), *summed_up(self.said)]
        parts += [self.timeline.text()] if self.timeline is not None and self.timeline.moments else []
        parts += [self.table.text()] if self.table is not None else []
        return "\n".join(parts)

    def records(self) -> list[dict[str, object]]:
        return [
            {"kind": one.kind, "sentence": one.sentence, "address": one.address, "alert_id": one.alert_id,
             "rule_number": one.entry.rule_number if one.entry else None, "event_to_entry_ms": one.event_to_entry_ms}
            for one in self.said
        ]  # fmt: skip


@dataclass(frozen=True, repr=False)
class ResponderEnd(View):
    """The responder was stopped. said: all its messages, which its panel shows."""

    said: Sequence[Message]

    template: ClassVar[str] = "note.html.j2"
    title: ClassVar[str] = "The responder was stopped."
    tone: ClassVar[str] = ""
    onward: ClassVar[None] = None

    @property
    def words(self) -> str:
        made = sum(one.kind in ("added", "replaced") for one in self.said)
        entries = "no entries" if not made else "1 entry" if made == 1 else f"{made} entries"
        return f"It added {entries}; stopping it removes none. Its messages are in its panel."

    def text(self) -> str:
        return f"{self.title} {self.words}"
