"""One entry of a network ACL, with the field names of the EC2 API, and its text for tables."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

ENTRY_QUOTA = 20
"""Entries per direction and address family (IPv4, IPv6), including the `*` entry; AWS raises it to 40 on request.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html (Network ACLs)."""

VPC_QUOTA = 5
"""VPCs per region, including the default VPC; AWS raises it on request. Source: the same page."""

FIRST_RULE_NUMBER, LAST_RULE_NUMBER = 1, 32766
CATCH_ALL = 32767
"""The `*` entry for IPv4; 32768 is the one for IPv6. 32767 to 65535 are AWS's own."""

ALL_PROTOCOLS, ICMP, TCP, UDP, ICMPV6 = "-1", "1", "6", "17", "58"
PROTOCOL_NAMES = {
    ICMP: "icmp", "2": "igmp", TCP: "tcp", UDP: "udp", "41": "ipv6", "47": "gre",
    "50": "esp", "51": "ah", ICMPV6: "icmpv6", "132": "sctp",
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """An entry as AWS stores it; `new_entry` and `validate_entry` make one and refuse what AWS refuses.

    protocol: a number as text, "-1" for all. cidr_block: IPv4 or IPv6, canonical.
    port_range: (from, to), tcp and udp only. icmp: (type, code), -1 for all; icmp, and icmpv6 over IPv6, only.

    >>> print(Entry(100, True, "allow", "-1", "0.0.0.0/0"))
    egress 100: allow all to 0.0.0.0/0
    """

    rule_number: int
    egress: bool
    rule_action: str
    protocol: str
    cidr_block: str
    port_range: tuple[int, int] | None = None
    icmp: tuple[int, int] | None = None

    @classmethod
    def from_aws(cls, response: Mapping[str, Any]) -> Entry:
        """The entry in a DescribeNetworkAcls reply, without validation.

        >>> Entry.from_aws({"RuleNumber": 50, "Egress": True, "RuleAction": "deny", "Protocol": "6",
        ...                 "CidrBlock": "203.0.113.0/24", "PortRange": {"From": 443, "To": 443}}).port_range
        (443, 443)
        """
        ports, icmp = response.get("PortRange"), response.get("IcmpTypeCode")
        return cls(
            rule_number=int(response["RuleNumber"]),
            egress=bool(response["Egress"]),
            rule_action=response["RuleAction"],
            protocol=str(response["Protocol"]),
            cidr_block=response.get("CidrBlock") or response.get("Ipv6CidrBlock") or "",
            port_range=(ports["From"], ports["To"]) if ports else None,
            icmp=(icmp.get("Type", -1), icmp.get("Code", -1)) if icmp else None,
        )

    def to_aws(self) -> dict[str, Any]:
        """The parameters of CreateNetworkAclEntry, without the network ACL's id.

        >>> Entry(50, True, "deny", "-1", "2001:db8::/32").to_aws()["Ipv6CidrBlock"]
        '2001:db8::/32'
        """
        request: dict[str, Any] = {
            "RuleNumber": self.rule_number,
            "Egress": self.egress,
            "RuleAction": self.rule_action,
            "Protocol": self.protocol,
            "Ipv6CidrBlock" if self.ipv6 else "CidrBlock": self.cidr_block,
        }
        if self.port_range is not None:
            request["PortRange"] = {"From": self.port_range[0], "To": self.port_range[1]}
        if self.icmp is not None:
            request["IcmpTypeCode"] = {"Type": self.icmp[0], "Code": self.icmp[1]}
        return request

    @property
    def ipv6(self) -> bool:
        return ":" in self.cidr_block

    @property
    def allows(self) -> bool:
        return self.rule_action == "allow"

    @property
    def is_catch_all(self) -> bool:
        """Whether it is AWS's own last entry, which can be neither changed nor deleted."""
        return self.rule_number >= CATCH_ALL

    @cached_property
    def network(self) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
        return ipaddress.ip_network(self.cidr_block, strict=False)

    @property
    def effective_ports(self) -> tuple[int, int] | None:
        """The ports it matches, or None: AWS ignores ports except for tcp and udp."""
        return self.port_range if self.protocol in (TCP, UDP) else None

    @property
    def effective_icmp(self) -> tuple[int, int] | None:
        """The ICMP type and code it matches, or None: AWS ignores them for other protocols, and for icmpv6 on IPv4."""
        if self.protocol == ICMP or (self.protocol == ICMPV6 and self.ipv6):
            return self.icmp
        return None

    # --- text for tables ---

    @property
    def number_text(self) -> str:
        """The rule number, or `*` for AWS's own last entry, as in the AWS console."""
        return "*" if self.is_catch_all else str(self.rule_number)

    @property
    def protocol_name(self) -> str:
        """The protocol's name and number.

        >>> Entry(50, True, "deny", "6", "0.0.0.0/0", (22, 22)).protocol_name
        'tcp (6)'
        """
        return protocol_name(self.protocol)

    @property
    def ports(self) -> str:
        """The ports, or the ICMP type and code, in words.

        >>> Entry(50, True, "deny", "6", "0.0.0.0/0", (1024, 65535)).ports
        '1024–65535'
        >>> Entry(50, True, "deny", "1", "0.0.0.0/0", icmp=(8, -1)).ports
        'type 8, all codes'
        """
        if self.effective_ports not in (None, (0, 65535)):
            first, last = self.port_range or (0, 65535)
            return str(first) if first == last else f"{first}–{last}"
        if self.effective_icmp is not None and self.effective_icmp[0] != -1:
            kind, code = self.effective_icmp
            return f"type {kind}, " + ("all codes" if code == -1 else f"code {code}")
        return "all"

    @property
    def traffic_text(self) -> str:
        """The traffic it matches, in words.

        >>> Entry(50, False, "deny", "6", "203.0.113.0/24", (443, 443)).traffic_text
        'tcp (6) 443 from 203.0.113.0/24'
        """
        where = f"{'to' if self.egress else 'from'} {self.cidr_block}"
        if self.protocol == ALL_PROTOCOLS:
            return f"all {where}"
        return f"{self.protocol_name} {where}" if self.ports == "all" else f"{self.protocol_name} {self.ports} {where}"

    def __str__(self) -> str:
        direction = "egress" if self.egress else "ingress"
        return f"{direction} {self.number_text}: {self.rule_action} {self.traffic_text}"


def protocol_name(protocol: str) -> str:
    """The name and number of a protocol.

    >>> protocol_name("-1"), protocol_name("17"), protocol_name("253")
    ('all', 'udp (17)', '253')
    """
    if protocol == ALL_PROTOCOLS:
        return "all"
    return f"{PROTOCOL_NAMES[protocol]} ({protocol})" if protocol in PROTOCOL_NAMES else protocol


def in_order(entries: Iterable[Entry], egress: bool) -> tuple[Entry, ...]:
    """The entries of one direction in the order AWS tries them, by rule number."""
    return tuple(sorted((e for e in entries if e.egress == egress), key=lambda e: e.rule_number))
