"""Decides a connection from the entries alone, where no packets can be filtered: the request and the reply."""

from __future__ import annotations

import ipaddress
import time
from collections import Counter as Count
from collections.abc import Sequence
from dataclasses import dataclass

from labkit.model.host.records import DroppedPacket
from labkit.model.network_acl import CATCH_ALL, Entry, Packet, decide
from labkit.range.dns import HOST, HOST_IPV6, RESOLVER
from labkit.range.packets.ruleset import CATCH_ALL_IPV6, Counter

_REPLY_PORT = 49152
"""The port that the reply goes to: Linux takes one from 32768 to 60999."""

_PROTOCOLS = {"tcp", "udp"}


@dataclass(frozen=True)
class ConnectionVerdict:
    """Whether a connection gets a reply. drop: the packet that an entry denied, if any."""

    allowed: bool
    drop: DroppedPacket | None = None


class Evaluator:
    """The entries in force, and how many packets each has decided. Not thread-safe."""

    def __init__(self) -> None:
        self._entries: tuple[Entry, ...] = ()
        self._counts: Count[Counter] = Count()

    def apply(self, entries: Sequence[Entry]) -> None:
        """Replace the entries in force; an unchanged entry keeps its count."""
        kept = {_key(entry) for entry in set(entries) & set(self._entries)} | _CATCH_ALLS
        self._counts = Count({key: count for key, count in self._counts.items() if key in kept})
        self._entries = tuple(entries)

    def packets(self) -> dict[Counter, int]:
        """How many packets each entry has decided, 0 included."""
        return {**dict.fromkeys({_key(entry) for entry in self._entries} | _CATCH_ALLS, 0), **self._counts}

    def evaluate(self, ip: str, port: int, protocol: str) -> ConnectionVerdict:
        """Decide a connection: request and reply have to be allowed both, since a network ACL is stateless."""
        host = HOST_IPV6 if ":" in ip else HOST
        for packet in (
            Packet.outbound(ip, protocol, port, source=host),
            Packet.inbound(ip, protocol, _REPLY_PORT, destination=host),
        ):
            if ip == RESOLVER or packet.is_never_filtered:
                return ConnectionVerdict(True)
            decision = decide(self._entries, packet)
            catch_all = CATCH_ALL_IPV6 if packet.ipv6 else CATCH_ALL
            number = decision.deciding.rule_number if decision.deciding else catch_all
            self._counts[packet.egress, number] += 1
            if not decision.allowed:
                ends = (packet.source, packet.destination, int(packet.protocol), packet.port)
                return ConnectionVerdict(False, DroppedPacket(time.time(), packet.egress, number, *ends))
        return ConnectionVerdict(True)


def is_loopback(ip: str) -> bool:
    """Whether an address is this machine itself, as the unspecified addresses (0.0.0.0, ::) are.

    >>> is_loopback("127.0.0.53"), is_loopback("203.0.113.10")
    (True, False)
    """
    address = ipaddress.ip_address(ip)
    return address.is_loopback or address.is_unspecified


def is_evaluated(protocol: str) -> bool:
    """Whether the evaluator decides connections of this protocol."""
    return protocol in _PROTOCOLS


_CATCH_ALLS = {(egress, number) for egress in (True, False) for number in (CATCH_ALL, CATCH_ALL_IPV6)}


def _key(entry: Entry) -> Counter:
    return entry.egress, entry.rule_number
