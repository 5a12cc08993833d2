"""Dropped packets, from nft's `log group`, read from the kernel's netlink socket.

Source: linux/netfilter/nfnetlink_log.h.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator

from labkit.model.host.records import DroppedPacket

_NETLINK_NETFILTER, _ULOG = 12, 4
_CONFIG, _PACKET = (_ULOG << 8) | 1, _ULOG << 8
_REQUEST = 1
_SET_COMMAND, _SET_MODE, _SET_TIMEOUT, _SET_THRESHOLD = 1, 2, 4, 5
_BIND, _COPY_PACKET, _COPY_BYTES = 1, 2, 128
_PAYLOAD, _PREFIX = 9, 10
_TCP, _UDP = 6, 17


def open_log(group: int) -> socket.socket:
    """A socket that receives each logged packet of the group at once; needs CAP_NET_ADMIN of its namespace."""
    link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
    link.bind((0, 0))
    link.send(_message(group, _attribute(_SET_COMMAND, struct.pack("B", _BIND))))
    link.send(_message(group, _attribute(_SET_MODE, struct.pack(">IBx", _COPY_BYTES, _COPY_PACKET))))
    at_once = _attribute(_SET_TIMEOUT, struct.pack(">I", 0)) + _attribute(_SET_THRESHOLD, struct.pack(">I", 1))
    link.send(_message(group, at_once))
    return link


def follow(link: socket.socket) -> Iterator[DroppedPacket]:
    """The drops, as they happen, until the socket is closed; those too many for its buffer are missed."""
    while link.fileno() >= 0:
        try:
            data = link.recv(65536)
        except OSError:  # ENOBUFS: the kernel had to discard some
            continue
        for kind, body in _messages(data):
            if kind == _PACKET and (drop := _drop(body)):
                yield drop


def _attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("HH", 4 + len(data), kind) + data + b"\0" * (-len(data) % 4)


def _message(group: int, attributes: bytes) -> bytes:
    body = struct.pack(">BBH", 0, 0, group) + attributes
    return struct.pack("IHHII", 16 + len(body), _CONFIG, _REQUEST, 0, 0) + body


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 16 <= len(data):
        size, kind = struct.unpack_from("IH", data, at)
        yield kind, data[at + 20 : at + size]
        at += max(16, (size + 3) & ~3)


def _drop(body: bytes) -> DroppedPacket | None:
    """The drop in one message; None if it is not about an entry."""
    found, at = {}, 0
    while at + 4 <= len(body):
        size, kind = struct.unpack_from("HH", body, at)
        found[kind & 0x3FFF] = body[at + 4 : at + size]
        at += max(4, (size + 3) & ~3)
    way, _, number = found.get(_PREFIX, b"").rstrip(b"\0").decode(errors="replace").partition(" ")
    packet = found.get(_PAYLOAD, b"")
    if not number.isdigit() or len(packet) < 20:
        return None
    return DroppedPacket(time.time(), way == "egress", int(number), *_header(packet))


def _header(packet: bytes) -> tuple[str, str, int, int | None]:
    """Source, destination, protocol and destination port of an IP packet."""
    if packet[0] >> 4 == 4:
        source, destination, protocol, rest = packet[12:16], packet[16:20], packet[9], (packet[0] & 15) * 4
        family = socket.AF_INET
    else:
        source, destination, protocol, rest = packet[8:24], packet[24:40], packet[6], 40
        family = socket.AF_INET6
    port = None
    if protocol in (_TCP, _UDP) and len(packet) >= rest + 4:
        port = struct.unpack_from(">H", packet, rest + 2)[0]
    return socket.inet_ntop(family, source), socket.inet_ntop(family, destination), protocol, port
