"""Tables of VPCs, network ACLs, their entries, and of the entry that decides about a packet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from labkit.model.network_acl import ENTRY_QUOTA, Decision, Entry, NetworkAcl, Trial, WhatIf, never_reached
from labkit.views.packet_picture import PacketPicture
from labkit.views.shown import Shown, text_table

ACTION_WORDS = {"allow": "✓ allow", "deny": "✕ deny"}
VERDICT_WORDS = {"decides": "◀ decides: first match", "no match": "tried, no match", "not reached": "not reached"}


@dataclass(frozen=True)
class VpcRow:
    """One VPC in a table; whose: in words, such as "yours" or "Student12’s"."""

    id: str
    cidr_block: str
    name: str = ""
    whose: str = ""
    yours: bool = False


@dataclass(frozen=True, repr=False)
class VpcTable(Shown):
    """The VPCs of a region, each with whose it is."""

    vpcs: Sequence[VpcRow]
    region: str = ""

    template: ClassVar[str] = "vpc_table.html.j2"

    @property
    def caption(self) -> str:
        return f"VPCs in {self.region}" if self.region else "VPCs"

    def text(self) -> str:
        rows = [[vpc.id, vpc.name or "–", vpc.cidr_block, vpc.whose] for vpc in self.vpcs]
        return f"{self.caption}\n" + text_table(["VPC", "Name", "CIDR block", "Whose"], rows)

    def records(self) -> list[dict[str, object]]:
        return [{"vpc_id": v.id, "name": v.name, "cidr_block": v.cidr_block, "whose": v.whose} for v in self.vpcs]


@dataclass(frozen=True)
class NetworkAclRow:
    """One network ACL in a table; whose: whose VPC it belongs to, in words."""

    acl: NetworkAcl
    whose: str = ""
    yours: bool = False


@dataclass(frozen=True, repr=False)
class NetworkAclTable(Shown):
    """The network ACLs of a region, each with the VPC it belongs to; chosen: the NetworkAclId that was chosen."""

    rows: Sequence[NetworkAclRow]
    region: str = ""
    chosen: str = ""

    template: ClassVar[str] = "network_acl_table.html.j2"

    @property
    def caption(self) -> str:
        return f"Network ACLs in {self.region}" if self.region else "Network ACLs"

    def text(self) -> str:
        rows = [
            [row.acl.id + (" ◀ chosen" if row.acl.id == self.chosen else ""), row.acl.vpc_id, row.whose,
             "default" if row.acl.is_default else "–"]
            for row in self.rows
        ]  # fmt: skip
        return f"{self.caption}\n" + text_table(["NetworkAclId", "VPC", "Whose", "Kind"], rows)

    def records(self) -> list[dict[str, object]]:
        return [
            {"network_acl_id": row.acl.id, "vpc_id": row.acl.vpc_id, "whose": row.whose,
             "is_default": row.acl.is_default, "chosen": row.acl.id == self.chosen}
            for row in self.rows
        ]  # fmt: skip


def entry_cells(entry: Entry) -> list[str]:
    """An entry as a table row: rule number, action, protocol, ports, CIDR block."""
    action = ACTION_WORDS.get(entry.rule_action, entry.rule_action)
    return [entry.number_text, action, entry.protocol_name, entry.ports, entry.cidr_block]


def entry_headers(egress: bool) -> list[str]:
    return ["Rule number", "Action", "Protocol", "Ports", "To CIDR block" if egress else "From CIDR block"]


def entry_record(entry: Entry) -> dict[str, object]:
    """An entry as a row of a frame, with the API's values."""
    return {
        "rule_number": entry.rule_number, "egress": entry.egress, "rule_action": entry.rule_action,
        "protocol": entry.protocol, "ports": entry.ports, "cidr_block": entry.cidr_block,
    }  # fmt: skip


@dataclass(frozen=True)
class Direction:
    """The entries of one direction: a caption, headers, rows of cells."""

    caption: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, repr=False)
class AclEntriesTable(Shown):
    """The entries of a network ACL in the order AWS tries them, a table a direction."""

    acl: NetworkAcl
    region: str = ""

    template: ClassVar[str] = "entries_table.html.j2"

    def directions(self) -> list[Direction]:
        return [self._direction(egress=True), self._direction(egress=False)]

    def _direction(self, egress: bool) -> Direction:
        entries = self.acl.egress if egress else self.acl.ingress
        used = f"{self.acl.used(egress)} of {ENTRY_QUOTA} used"
        if any(entry.ipv6 for entry in entries):
            used = f"IPv4: {used}, IPv6: {self.acl.used(egress, ipv6=True)} of {ENTRY_QUOTA} used"
        where = f", {self.region}" if self.region else ""
        way = "Egress (out of the subnets)" if egress else "Ingress (into the subnets)"
        caption = f"{way} of {self.acl.id}, {self.acl.vpc_id}{where}: {used}"
        return Direction(caption, entry_headers(egress), [entry_cells(entry) for entry in entries])

    def warnings(self) -> list[str]:
        """A sentence for each entry that is never reached."""
        return [f"{'Egress' if one.entry.egress else 'Ingress'}: {one}" for one in never_reached(self.acl.entries)]

    def text(self) -> str:
        tables = [f"{one.caption}\n{text_table(one.headers, one.rows)}" for one in self.directions()]
        return "\n\n".join([*tables, *self.warnings()])

    def records(self) -> list[dict[str, object]]:
        return [entry_record(entry) for entry in (*self.acl.egress, *self.acl.ingress)]


@dataclass(frozen=True, repr=False)
class DecisionTable(Shown):
    """The entries that a packet meets, the one that decides, and the sentence why. title: words before the packet."""

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
    def verdict(self) -> str:
        """The outcome in a symbol and a word."""
        return "✓ allowed" if self.decision.allowed else "✕ denied"

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
    """An entry's part in a decision, in words; a "no match" carries its reason."""
    words, reason = VERDICT_WORDS[trial.verdict], trial.why.partition(": ")[2]
    return f"{words}: {reason}" if trial.verdict == "no match" and reason else words


@dataclass(frozen=True, repr=False)
class WhatIfTable(Shown):
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
