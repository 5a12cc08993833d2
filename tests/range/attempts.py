"""Tries every way a program has of sending something, and says as JSON what came of each."""

from __future__ import annotations

import errno
import json
import socket
from collections.abc import Callable

IPV4, IPV6 = "203.0.113.10", "2001:db8:bad::10"


def outcome(attempt: Callable[[], object]) -> str:
    try:
        return str(attempt())
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, type(error).__name__)


def tcp(address: str, port: int) -> str:
    with socket.create_connection((address, port), 5) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        return connection.recv(15).decode()


def datagram(family: int, address: str, port: int, connected: bool) -> str:
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        if connected:
            sender.connect((address, port))
            sender.send(b"x" * 12)
        else:
            sender.sendto(b"x" * 12, (address, port))
        return "sent"


def message(address: str, port: int) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendmsg([b"x"], [], 0, (address, port))
        return "sent"


def raw() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sender:
        sender.sendto(b"\x08\0\xf7\xff\0\0\0\0", (IPV4, 0))
        return "sent"


def frames() -> str:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind(("eth0", 0x0800))
        return "sent"


def name_service() -> str:
    """Ask one of the local services that look names up outside; whether it is there does not matter."""
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect("/run/systemd/resolve/io.systemd.Resolve")
        return "asked"


ATTEMPTS = {
    "tcp": lambda: tcp(IPV4, 80),
    "tcp, IPv6": lambda: tcp(IPV6, 80),
    "tcp, IPv4 in an IPv6 socket": lambda: tcp(f"::ffff:{IPV4}", 80),
    "tcp, another port": lambda: tcp(IPV4, 81),
    "tcp, names": lambda: tcp("8.8.8.8", 53),
    "udp": lambda: datagram(socket.AF_INET, IPV4, 9, connected=True),
    "udp, IPv6": lambda: datagram(socket.AF_INET6, IPV6, 9, connected=True),
    "udp, names": lambda: datagram(socket.AF_INET, "8.8.8.8", 53, connected=True),
    "udp without connect": lambda: datagram(socket.AF_INET, IPV4, 9, connected=False),
    "udp without connect, IPv6": lambda: datagram(socket.AF_INET6, IPV6, 9, connected=False),
    "udp without connect, names": lambda: datagram(socket.AF_INET, "8.8.8.8", 53, connected=False),
    "udp by a message": lambda: message(IPV4, 9),
    "raw": raw,
    "frames": frames,
    "name service": name_service,
    "name": lambda: socket.gethostbyname("dadismad.com"),
    "no such name": lambda: socket.gethostbyname("nobody.example"),
}

if __name__ == "__main__":
    print(json.dumps({name: outcome(attempt) for name, attempt in ATTEMPTS.items()}))
