"""What the entries make of a connection where no packet can be filtered: its way out and its answer's way back."""

from __future__ import annotations

import ipaddress
import time
from collections import Counter as Count
from collections.abc import Sequence
from dataclasses import dataclass

from labkit.model.network_acl import CATCH_ALL, Entry, Packet, decide
from labkit.range.facts import Drop
from labkit.range.names import HOST, HOST_IPV6, RESOLVER
from labkit.range.packets.ruleset import CATCH_ALL_IPV6, Counter

_ANSWER_PORT = 49152
"""A port that the answer goes to: Linux takes one from 32768 to 60999."""

_PROTOCOLS = {"tcp": 6, "udp": 17}


@dataclass(frozen=True)
class Verdict:
    """Whether a connection gets an answer; `drop` is the packet that an entry denied, if one did."""

    allowed: bool
    drop: Drop | None = None


class Evaluator:
    """The entries in force and how many connections each has decided; not for several threads at once."""

    def __init__(self) -> None:
        self._entries: tuple[Entry, ...] = ()
        self._counts: Count[Counter] = Count()

    def apply(self, entries: Sequence[Entry]) -> None:
        """Put these entries in force; one that stays as it was keeps its count."""
        kept = {_key(entry) for entry in set(entries) & set(self._entries)} | _LAST
        self._counts = Count({key: count for key, count in self._counts.items() if key in kept})
        self._entries = tuple(entries)

    def packets(self) -> dict[Counter, int]:
        """How many packets of connections each entry has decided; every entry has its line."""
        return {**dict.fromkeys({_key(entry) for entry in self._entries} | _LAST, 0), **self._counts}

    def judge(self, ip: str, port: int, protocol: str) -> Verdict:
        """What becomes of a connection: both of its ways have to be allowed, since a network ACL is stateless."""
        near = HOST_IPV6 if ":" in ip else HOST
        for packet in (
            Packet.outbound(ip, protocol, port, source=near),
            Packet.inbound(ip, protocol, _ANSWER_PORT, destination=near),
        ):
            if ip == RESOLVER or packet.is_never_filtered:
                return Verdict(True)
            decision = decide(self._entries, packet)
            last = CATCH_ALL_IPV6 if packet.ipv6 else CATCH_ALL
            number = decision.deciding.rule_number if decision.deciding else last
            self._counts[packet.egress, number] += 1
            if not decision.allowed:
                protocol_number = int(packet.protocol)
                where = (packet.source, packet.destination, protocol_number, packet.port)
                return Verdict(False, Drop(time.time(), packet.egress, number, *where))
        return Verdict(True)


def is_loopback(ip: str) -> bool:
    """Whether an address is this machine itself; none at all (0.0.0.0, ::) means that too.

    >>> is_loopback("127.0.0.53"), is_loopback("203.0.113.10")
    (True, False)
    """
    address = ipaddress.ip_address(ip)
    return address.is_loopback or address.is_unspecified


def is_judged(protocol: str) -> bool:
    """Whether connections of this protocol are judged at all."""
    return protocol in _PROTOCOLS


_LAST = {(egress, number) for egress in (True, False) for number in (CATCH_ALL, CATCH_ALL_IPV6)}


def _key(entry: Entry) -> Counter:
    return entry.egress, entry.rule_number
