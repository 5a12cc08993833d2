"""What the responder has done and said, as it stands now or as it was left: the transcript, and the panel's twin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from labkit.model.network_acl import NetworkAcl
from labkit.model.said import Said
from labkit.views.network_tables import AclEntriesTable
from labkit.views.shown import Shown
from labkit.views.timeline import Timeline

MOST_LINES = 60
"""Of the transcript on a page; `text()` has them all."""


@dataclass(frozen=True, repr=False)
class ResponderView(Shown):
    """The responder's state, its timeline, the network ACL as it last saw it, and what it said.

    state: in words, such as "stopped". acl: None before the first look.
    """

    state: str
    said: Sequence[Said] = ()
    acl: NetworkAcl | None = None
    region: str = ""

    template: ClassVar[str] = "responder.html.j2"

    @property
    def timeline(self) -> Timeline:
        return Timeline(self.said)

    @property
    def table(self) -> AclEntriesTable | None:
        return None if self.acl is None else AclEntriesTable(self.acl, self.region)

    @property
    def earlier(self) -> int:
        """How many sentences are too old to be on the page."""
        return max(0, len(self.said) - MOST_LINES)

    @property
    def lines(self) -> list[str]:
        """The last sentences, oldest first."""
        return [one.sentence for one in self.said[-MOST_LINES:]]

    def text(self) -> str:
        parts = [f"The responder: {self.state}.", *(one.sentence for one in self.said)]
        parts += [self.timeline.text()] if self.timeline.moments else []
        parts += [self.table.text()] if self.table is not None else []
        return "\n".join(parts)

    def records(self) -> list[dict[str, object]]:
        return [
            {"kind": one.kind, "sentence": one.sentence, "address": one.address, "alert_id": one.alert_id,
             "rule_number": one.entry.rule_number if one.entry else None, "event_to_entry_ms": one.event_to_entry_ms}
            for one in self.said
        ]  # fmt: skip
