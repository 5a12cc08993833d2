"""Addresses that the responder never denies, each with the reason."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from labkit.model.errors import InvalidInput
from labkit.model.pasted import clean

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class SafeNetwork:
    """A network that is never denied; why: completes the sentence “it is …”."""

    network: Network
    why: str

    def __str__(self) -> str:
        return f"{self.why} ({self.network})" if self.network.num_addresses > 1 else self.why


def _kind(why: str, *networks: str) -> tuple[SafeNetwork, ...]:
    return tuple(SafeNetwork(ipaddress.ip_network(network), why) for network in networks)


_AWS_SERVICES = (
    *_kind("the instance metadata address", "169.254.169.254", "fd00:ec2::254"),
    *_kind("the resolver of every VPC", "169.254.169.253", "fd00:ec2::253"),
)
"""Source: https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html and the EC2 user guide on IMDS."""

_NEVER_PUBLIC = (
    *_kind("a private address", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
    *_kind("a loopback address", "127.0.0.0/8", "::1"),
    *_kind("a link-local address", "169.254.0.0/16", "fe80::/10"),
    *_kind("a site-local address", "fec0::/10"),
    *_kind("a multicast address", "224.0.0.0/4", "ff00::/8"),
    *_kind("the unspecified address", "0.0.0.0/8", "::"),
    *_kind("the broadcast address", "255.255.255.255"),
    *_kind("an address shared behind a carrier’s NAT", "100.64.0.0/10"),
    *_kind("an address for IETF protocols", "192.0.0.0/24", "2001::/23"),
    *_kind("an address for benchmarks", "198.18.0.0/15"),
    *_kind("a 6to4 relay", "192.88.99.0/24"),
    *_kind("a reserved address", "240.0.0.0/4"),
    *_kind("an IPv4 address translated by a network of its own", "64:ff9b:1::/48"),
    *_kind("an IPv4-compatible address", "::/96"),
    *_kind("an address that discards packets", "100::/63"),
    *_kind("a segment identifier", "5f00::/16"),
)
"""The special-purpose addresses, without those for documentation, which are this lab's internet.

Source: https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry; RFC 3879
(fec0::/10), RFC 4291, section 2.5.5.1 (::/96), RFC 7526 (192.88.99.0/24)."""

_HOSTS_SUBNET = _kind("in the subnet of the lab’s host", "2001:db8:1234:1a01::/64")
"""The IPv6 subnet of the range, with its gateway; it is in no VPC."""

_EMBEDDING = {
    ipaddress.ip_network("64:ff9b::/96"): 0,  # NAT64, RFC 6052
    ipaddress.ip_network("64:ff9b:1::/48"): 0,  # NAT64, RFC 8215
    ipaddress.ip_network("::/96"): 0,  # IPv4-compatible, RFC 4291
    ipaddress.ip_network("2002::/16"): 80,  # 6to4, RFC 3056
}
"""IPv6 networks whose addresses stand for IPv4 ones, and how many bits are behind the IPv4 address."""


def never_deny(
    vpc_cidr_blocks: Iterable[str] = (), endpoints: Mapping[str, str] | None = None, listed: Iterable[str] = ()
) -> tuple[SafeNetwork, ...]:
    """Everything that is never denied, the most specific reason first.

    vpc_cidr_blocks: the VPC's own ranges. endpoints: addresses of services in use, each with its service's name.
    listed: what the student lists as safe. Raises InvalidInput for text that is neither address nor CIDR block.

    >>> str(why_safe("10.0.0.2", never_deny(["10.0.0.0/16"])))
    'your VPC’s resolver'
    """
    blocks = [ipaddress.ip_network(block, strict=False) for block in vpc_cidr_blocks]
    resolvers = [
        SafeNetwork(ipaddress.ip_network(block[2]), "your VPC’s resolver") for block in blocks if _has_one(block)
    ]
    return (
        *_AWS_SERVICES,
        *resolvers,
        *(SafeNetwork(block, "in your VPC’s own range") for block in blocks),
        *(
            SafeNetwork(ipaddress.ip_network(address), f"where {name} answers")
            for address, name in (endpoints or {}).items()
        ),
        *(SafeNetwork(parse_safe(text), "on your list of safe addresses") for text in listed),
        *_HOSTS_SUBNET,
        *_NEVER_PUBLIC,
    )


def _has_one(block: Network) -> bool:
    return block.version == 4 and block.num_addresses > 2


def why_safe(address: str | Address, safe: Sequence[SafeNetwork]) -> SafeNetwork | None:
    """The first of the safe networks that an address is in, or one that it stands for; None if it may be denied.

    >>> str(why_safe("::ffff:127.0.0.1", never_deny()))
    'a loopback address (127.0.0.0/8)'
    >>> why_safe("203.0.113.10", never_deny()) is None
    True
    """
    found = parse_address(address) if isinstance(address, str) else address
    if found is None:
        return None
    same = (found, *_stands_for(found))
    return next((one for one in safe if any(each in one.network for each in same)), None)


def _stands_for(address: Address) -> Iterator[ipaddress.IPv4Address]:
    """The IPv4 addresses that an IPv6 address stands for.

    >>> list(map(str, _stands_for(ipaddress.ip_address("2002:a00:1::"))))
    ['10.0.0.1']
    """
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            yield address.ipv4_mapped
        for network, bits in _EMBEDDING.items():
            if address in network:
                yield ipaddress.IPv4Address(int(address) >> bits & 0xFFFFFFFF)


def parse_address(text: str) -> Address | None:
    """The address in an event's text, or None if it is not one; an IPv4 address written as IPv6 is an IPv4 address.

    >>> parse_address("::ffff:203.0.113.10"), parse_address("/run/socket")
    (IPv4Address('203.0.113.10'), None)
    """
    try:
        found = ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def parse_safe(text: str) -> Network:
    """The network that a student lists as safe, an address or a CIDR block. Raises InvalidInput.

    >>> parse_safe("203.0.113.10"), parse_safe("2001:db8::1/32")
    (IPv4Network('203.0.113.10/32'), IPv6Network('2001:db8::/32'))
    """
    try:
        return ipaddress.ip_network(clean(text).value, strict=False)
    except ValueError:
        raise InvalidInput(
            f"“{text}” is neither an address nor a CIDR block.",
            "The list of safe addresses takes addresses and CIDR blocks, IPv4 or IPv6.",
            "Write it as 203.0.113.10, 203.0.113.0/24 or 2001:db8::/32.",
            field="safe",
        ) from None
