"""Tables of VPCs, network ACLs and their entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from labkit.model.network_acl import (
    ENTRY_QUOTA,
    VPC_QUOTA,
    Entry,
    NetworkAcl,
    never_reached,
)
from labkit.model.vpc import Vpc
from labkit.views.copying import THE_SAME
from labkit.views.measured import counted
from labkit.views.view import TableView, View, text_table

ACTION_WORDS = {"allow": "✓ allow", "deny": "⊘ deny"}


@dataclass(frozen=True, repr=False)
class VpcTable(TableView):
    """The VPCs of a region and whose they are.

    student: the number whose VPCs are marked as yours. cli: the command that shows the same. create: the one that makes
    yours; "" where it is there.
    """

    vpcs: Sequence[Vpc]
    region: str
    student: int | None = None
    cli: str = ""
    create: str = ""

    template: ClassVar[str] = "vpc_table.html.j2"
    create_caption: ClassVar[str] = "To create yours with the AWS CLI"
    headers: ClassVar[list[str]] = ["VPC", "Name", "CIDR block", "Whose"]

    @property
    def caption(self) -> str:
        return f"VPCs in {self.region}: {len(self.vpcs)} of {VPC_QUOTA} used"

    def rows(self) -> list[tuple[list[str], bool]]:
        """Each VPC as cells, and whether it is the student's."""
        return [
            ([vpc.id, vpc.name or "–", vpc.cidr_block, whose_words(vpc, self.student)], is_yours(vpc, self.student))
            for vpc in self.vpcs
        ]

    def text(self) -> str:
        return super().text() + (f"\n{self.create_caption}: {self.create}" if self.create else "")

    def records(self) -> list[dict[str, object]]:
        return [
            {"vpc_id": vpc.id, "name": vpc.name, "cidr_block": vpc.cidr_block, "is_default": vpc.is_default,
             "whose": vpc.whose}
            for vpc in self.vpcs
        ]  # fmt: skip


def is_yours(vpc: Vpc | None, student: int | None) -> bool:
    """True if the VPC carries this student's number."""
    return vpc is not None and student is not None and vpc.student == student


def whose_words(vpc: Vpc | None, student: int | None) -> str:
    """Whose VPC it is, as a table cell."""
    if vpc is None:
        return "unknown"
    return f"◀ yours (student {student})" if is_yours(vpc, student) else vpc.whose


@dataclass(frozen=True, repr=False)
class NetworkAclTable(TableView):
    """The network ACLs of a region, each with its VPC, by their random ids.

    The question below it is which one is the student's, so the table does not show whose a VPC is. chosen: the
    NetworkAclId in the notes, right or wrong. cli: the command that shows the same.
    """

    acls: Sequence[NetworkAcl]
    region: str
    chosen: str = ""
    cli: str = ""

    kinds: ClassVar[tuple[str, ...]] = ("", "", "", "n")
    headers: ClassVar[list[str]] = ["NetworkAclId", "VPC", "Kind", "Egress entries"]

    @property
    def caption(self) -> str:
        return f"Network ACLs in {self.region}"

    def in_order(self) -> list[NetworkAcl]:
        return sorted(self.acls, key=lambda acl: acl.id)

    def rows(self) -> list[tuple[list[str], bool]]:
        """Each network ACL as cells, and whether it is the chosen one."""
        return [
            (
                [acl.id + (" ◀ chosen" if acl.id == self.chosen else ""), acl.vpc_id,
                 "the VPC’s default" if acl.is_default else "custom", str(len(acl.egress))],
                acl.id == self.chosen,
            )
            for acl in self.in_order()
        ]  # fmt: skip

    def records(self) -> list[dict[str, object]]:
        return [
            {"network_acl_id": acl.id, "vpc_id": acl.vpc_id, "is_default": acl.is_default,
             "chosen": acl.id == self.chosen}
            for acl in self.in_order()
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
    """The entries of one direction: heading, network ACL, quota used, headers and rows of cells (none marked)."""

    way: str
    of: str
    used: tuple[str, ...]
    headers: Sequence[str]
    rows: Sequence[tuple[Sequence[str], bool]]

    @property
    def caption(self) -> str:
        return f"{self.way} {self.of}: {', '.join(self.used)}"


@dataclass(frozen=True, repr=False)
class AclEntriesTable(View):
    """The entries of a network ACL in the order in which AWS tries them, one table per direction.

    packets: how many packets each entry, as (egress, rule number), has decided; None if they are not counted.
    egress_only: leave out the ingress entries and the warnings about them. cli: the command that shows the same.
    """

    acl: NetworkAcl
    region: str = ""
    packets: Mapping[tuple[bool, int], int] | None = None
    egress_only: bool = False
    cli: str = ""

    template: ClassVar[str] = "entries_table.html.j2"

    def directions(self) -> list[Direction]:
        return [self._direction(egress) for egress in ((True,) if self.egress_only else (True, False))]

    def _direction(self, egress: bool) -> Direction:
        entries = self.acl.egress if egress else self.acl.ingress
        four, six = (f"{self.acl.used(egress, ipv6=ipv6)} of {ENTRY_QUOTA} used" for ipv6 in (False, True))
        used = (f"IPv4: {four}", f"IPv6: {six}") if any(entry.ipv6 for entry in entries) else (four,)
        of = ", ".join(filter(None, (f"of {self.acl.id}", self.acl.vpc_id, self.region)))
        way = "Egress (out of the subnets)" if egress else "Ingress (into the subnets)"
        headers = entry_headers(egress) + ([] if self.packets is None else ["Packets"])
        rows = [([*entry_cells(entry), *self._counted(entry)], False) for entry in entries]
        return Direction(way, of, used, headers, rows)

    def _counted(self, entry: Entry) -> list[str]:
        if self.packets is None:
            return []
        return [counted(self.packets.get((entry.egress, entry.rule_number), 0))]

    def warnings(self) -> list[str]:
        """A sentence for each entry that is never reached."""
        entries = self.acl.egress if self.egress_only else self.acl.entries
        return [f"{'Egress' if one.entry.egress else 'Ingress'}: {one}" for one in never_reached(entries)]

    def text(self) -> str:
        tables = [
            f"{one.caption}\n{text_table(one.headers, [cells for cells, _ in one.rows])}" for one in self.directions()
        ]
        cli = [f"{THE_SAME}: {self.cli}"] if self.cli else []
        return "\n\n".join([*tables, *self.warnings(), *cli])

    def records(self) -> list[dict[str, object]]:
        return [entry_record(entry) for entry in (*self.acl.egress, *self.acl.ingress)]
