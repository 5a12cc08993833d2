"""A packet as a network ACL sees it: entering or leaving a subnet."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import cached_property

from labkit.model.errors import InvalidInput
from labkit.model.network_acl.entry import ICMP, ICMPV6, TCP, UDP, protocol_name
from labkit.model.network_acl.validation import protocol_number, whole_number
from labkit.model.pasted import clean

_NEVER_FILTERED = (ipaddress.ip_network("169.254.0.0/16"), ipaddress.ip_network("10.0.0.2/32"))
"""The link-local addresses (instance metadata, time service) and the resolver of the lab's VPC, which is at its base
address plus two. No network ACL filters them.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html"""

_INSIDE = {4: "10.0.0.10", 6: "2001:db8:1234::10"}  # an instance of the lab's VPC; entries ignore this side


@dataclass(frozen=True)
class Packet:
    """Make one with `Packet.outbound` or `Packet.inbound`.

    protocol: a number as text. port: the destination port, tcp and udp only. icmp: (type, code), icmp and icmpv6 only.
    """

    egress: bool
    source: str
    destination: str
    protocol: str
    port: int | None = None
    icmp: tuple[int, int] | None = None

    @classmethod
    def outbound(
        cls,
        destination: str,
        protocol: str | int = "tcp",
        port: int | str | None = None,
        *,
        icmp: tuple[int, int] | None = None,
        source: str = "",
    ) -> Packet:
        """A packet that leaves a subnet. Raises InvalidInput.

        >>> print(Packet.outbound("203.0.113.9", "tcp", 443))
        tcp (6) 443 to 203.0.113.9
        """
        return _packet(True, _address(destination, "destination"), source, protocol, port, icmp)

    @classmethod
    def inbound(
        cls,
        source: str,
        protocol: str | int = "tcp",
        port: int | str | None = None,
        *,
        icmp: tuple[int, int] | None = None,
        destination: str = "",
    ) -> Packet:
        """A packet that enters a subnet. Raises InvalidInput.

        >>> print(Packet.inbound("203.0.113.9", "icmp"))
        icmp (1) type 8, code 0 from 203.0.113.9
        """
        return _packet(False, _address(source, "source"), destination, protocol, port, icmp)

    @property
    def far(self) -> str:
        """The address outside the subnet, which entries are compared with."""
        return self.destination if self.egress else self.source

    @cached_property
    def far_address(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
        return ipaddress.ip_address(self.far)

    @property
    def ipv6(self) -> bool:
        return self.far_address.version == 6

    @property
    def is_never_filtered(self) -> bool:
        return any(self.far_address in network for network in _NEVER_FILTERED)

    @property
    def protocol_name(self) -> str:
        return protocol_name(self.protocol)

    def __str__(self) -> str:
        words = [self.protocol_name]
        if self.port is not None:
            words.append(str(self.port))
        if self.icmp is not None:
            words.append(f"type {self.icmp[0]}, code {self.icmp[1]}")
        return " ".join([*words, "to" if self.egress else "from", self.far])


def _packet(
    egress: bool, far: str, near: str, protocol: str | int, port: int | str | None, icmp: tuple[int, int] | None
) -> Packet:
    version = ipaddress.ip_address(far).version
    near = _address(near or _INSIDE[version], "source" if egress else "destination")
    if ipaddress.ip_address(near).version != version:
        raise InvalidInput(
            f"A packet cannot go between {near} and {far}.",
            "One is an IPv4 address, the other an IPv6 address.",
            "Use two IPv4 or two IPv6 addresses.",
            field="destination",
        )
    number = protocol_number(protocol)
    if number == ICMP and version == 6:
        number = ICMPV6
    source, destination = (near, far) if egress else (far, near)
    return Packet(egress, source, destination, number, _port(number, port), _icmp(number, icmp))


def _port(protocol: str, port: int | str | None) -> int | None:
    """The port of a tcp or udp packet, from a number or text; None for other protocols."""
    if protocol not in (TCP, UDP):
        return None
    number = whole_number(clean(port).value if isinstance(port, str) else port)
    if number is None or not 0 <= number <= 65535:
        raise InvalidInput(
            f"Port {port} was refused." if port is not None else "No port was given.",
            "A tcp or udp packet has a destination port from 0 to 65535.",
            "Enter one, for example 443.",
            field="port",
        )
    return number


def _icmp(protocol: str, icmp: tuple[int, int] | None) -> tuple[int, int] | None:
    """The type and code of an ICMP packet, by default an echo request; None for other protocols."""
    if protocol not in (ICMP, ICMPV6):
        return None
    if icmp is not None and not all(0 <= part <= 255 for part in icmp):
        raise InvalidInput(
            f"ICMP type {icmp[0]} with code {icmp[1]} was refused.",
            "A packet has a type and a code from 0 to 255.",
            "Enter both, for example (8, 0) for a ping.",
            field="icmp",
        )
    return icmp or ((8, 0) if protocol == ICMP else (128, 0))


def _address(text: str, field: str) -> str:
    try:
        return str(ipaddress.ip_address(clean(text).value))
    except ValueError:
        raise InvalidInput(
            f"'{text}' is not an IP address.",
            "A packet goes between two addresses, IPv4 or IPv6, without a prefix length.",
            "Write it as 203.0.113.9 or 2001:db8::9.",
            field=field,
        ) from None
