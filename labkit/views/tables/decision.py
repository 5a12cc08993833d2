"""The entries that one packet is tried against, as a table: which were tried, which one decides, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from labkit.model.network_acl import Decision, Trial, WhatIf
from labkit.views.pictures.packet import PacketPicture
from labkit.views.tables.network import entry_cells, entry_headers, entry_record
from labkit.views.view import View, text_table

VERDICT_WORDS = {"decides": "◀ decides: first match", "no match": "tried, no match", "not reached": "not reached"}


@dataclass(frozen=True, repr=False)
class DecisionTable(View):
    """The entries tried, the one that decides, and a sentence why. title: text before the packet's description."""

    decision: Decision
    title: str = ""

    template: ClassVar[str] = "decision_table.html.j2"

    @property
    def caption(self) -> str:
        way = "egress" if self.decision.packet.egress else "ingress"
        words = f"{self.decision.packet}, tried against the {way} entries"
        return f"{self.title}: {words}" if self.title else words

    @property
    def headers(self) -> list[str]:
        return [*entry_headers(self.decision.packet.egress), "Verdict"]

    @property
    def picture(self) -> PacketPicture:
        return PacketPicture(self.decision)

    def rows(self) -> list[tuple[list[str], bool]]:
        """Each trial as cells, and whether it decides."""
        return [
            ([*entry_cells(trial.entry), verdict_words(trial)], trial.verdict == "decides")
            for trial in self.decision.trials
        ]

    def text(self) -> str:
        table = text_table(self.headers, [cells for cells, _ in self.rows()])
        return f"{self.caption}\n{table}\n{self.decision.sentence}"

    def records(self) -> list[dict[str, object]]:
        return [
            entry_record(trial.entry) | {"verdict": trial.verdict, "why": trial.why} for trial in self.decision.trials
        ]


def verdict_words(trial: Trial) -> str:
    """What an entry did in a decision; a "no match" includes its reason."""
    words, reason = VERDICT_WORDS[trial.verdict], trial.why.partition(": ")[2]
    return f"{words}: {reason}" if trial.verdict == "no match" and reason else words


@dataclass(frozen=True, repr=False)
class WhatIfTable(View):
    """The decision about a packet with one more entry, and what that entry changes."""

    what_if: WhatIf

    template: ClassVar[str] = "what_if_table.html.j2"

    @property
    def after(self) -> DecisionTable:
        return DecisionTable(self.what_if.after, f"If entry {self.what_if.entry.number_text} were added")

    def text(self) -> str:
        return f"{self.what_if.sentence}\n\n{self.after.text()}"

    def records(self) -> list[dict[str, object]]:
        return self.after.records()
