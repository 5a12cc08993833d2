"""The host names of the range, and the DNS replies for them.

dadismad.com has an IPv4 address only: curl would prefer an IPv6 one, and a deny of the IPv4 address would then change
nothing. six.dadismad.com is there to show that.
"""

from __future__ import annotations

import socket
import struct

HOST, GATEWAY, RESOLVER, METADATA = "10.0.1.10", "10.0.1.1", "10.0.0.2", "169.254.169.254"
HOST_IPV6, GATEWAY_IPV6 = "2001:db8:1234:1a01::10", "2001:db8:1234:1a01::1"

NAMES: dict[str, tuple[str, ...]] = {
    "dadismad.com": ("203.0.113.10",),
    "six.dadismad.com": ("203.0.113.66", "2001:db8:bad::10"),
    "example.com": ("198.51.100.7",),
    "updates.example.org": ("192.0.2.20", "2001:db8:900d::20"),
    "mirror.example.net": ("198.51.100.80",),
    "time.example.org": ("192.0.2.123",),
}

_A, _AAAA = 1, 28
_ANSWERED, _NO_SUCH_NAME = 0x8580, 0x8583
_TTL_SECONDS = 5


def addresses(name: str) -> tuple[str, ...]:
    """The addresses of a name, none if it does not exist; case and a final dot are ignored.

    >>> addresses("Dadismad.com."), addresses("nobody.example")
    (('203.0.113.10',), ())
    """
    return NAMES.get(name.lower().rstrip("."), ())


def answer(query: bytes) -> bytes:
    """The reply to a DNS query: A and AAAA of the names above, else NXDOMAIN. Source: RFC 1035, section 4.

    Raises ValueError if it is not a query.
    """
    name, end = _question(query)
    kind = struct.unpack_from(">H", query, end)[0]
    found = addresses(name)
    family = {_A: socket.AF_INET, _AAAA: socket.AF_INET6}.get(kind)
    data = [_packed(family, address) for address in found if (":" in address) == (family == socket.AF_INET6)]
    records = b"".join(struct.pack(">HHHIH", 0xC00C, kind, 1, _TTL_SECONDS, len(one)) + one for one in data if one)
    flags = _ANSWERED if found else _NO_SUCH_NAME
    head = query[:2] + struct.pack(">HHHHH", flags, 1, len(data) if family else 0, 0, 0)
    return head + query[12 : end + 4] + (records if family else b"")


def _packed(family: socket.AddressFamily | None, address: str) -> bytes:
    return socket.inet_pton(family, address) if family else b""


def _question(query: bytes) -> tuple[str, int]:
    """The name asked for, and the offset of its type."""
    labels, at = [], 12
    while at < len(query) and query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode("ascii", "replace"))
        at += 1 + query[at]
    if len(query) < at + 5:
        raise ValueError("not a DNS query")
    return ".".join(labels), at + 1
