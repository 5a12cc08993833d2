"""Tier 2: where each connection is redirected to, since no packets can be filtered there.

An allowed connection goes to a page on this machine, a denied one to a port that answers no SYN. shim.py holds the
program, asks this module, and does what it answers.
"""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any

from labkit.model.host.records import Connection, DroppedPacket
from labkit.model.network_acl import Entry
from labkit.range import internet
from labkit.range.evaluated.evaluator import Evaluator, is_evaluated, is_loopback
from labkit.range.packets.ruleset import Counter

_LOOPBACK = "127.0.0.1"
Redirect = dict[str, Any]
"""What happens to a call. {}: it proceeds. `port`: it connects to this port of this machine instead. `dns_port`: it
connects to the range's resolver there. `errno`: it fails with this error."""


class CallFilter:
    """Applies the entries to connections. on_drop: called with each packet that an entry denied."""

    def __init__(self, on_drop: Callable[[DroppedPacket], None]) -> None:
        self._on_drop, self._lock, self._evaluator = on_drop, threading.Lock(), Evaluator()
        pages = internet.serve_pages(0, _LOOPBACK)
        self._services = dict.fromkeys(internet.PAGE_PORTS, pages)
        self._services[internet.DRIP_PORT] = internet.serve_drips(0, _LOOPBACK)
        self._dns_port = internet.serve_dns(_LOOPBACK, 0)
        self._unanswered = _unanswered_port()

    def apply(self, entries: Sequence[Entry]) -> None:
        """Replace the entries in force, all at once."""
        with self._lock:
            self._evaluator.apply(entries)

    def packets(self) -> dict[Counter, int]:
        """How many packets each entry has decided since it was created."""
        with self._lock:
            return self._evaluator.packets()

    def redirect(self, connection: Connection) -> tuple[Redirect, bool | None]:
        """What happens to a connect(2), and whether the entries allow it; None where they do not apply."""
        ip, port, protocol = connection.ip, connection.port, connection.protocol
        if port == internet.DNS_PORT:  # loopback too: a resolver there may ask the real internet
            return ({"dns_port": self._dns_port} if protocol == "udp" else {"errno": errno.ECONNREFUSED}), None
        if is_loopback(ip):
            return {}, None
        if not is_evaluated(protocol):
            return {"errno": errno.ENETUNREACH}, None
        with self._lock:
            verdict = self._evaluator.evaluate(ip, port, protocol)
        if verdict.drop:
            self._on_drop(verdict.drop)
        if protocol == "udp":  # no service uses it; the C library compares several addresses of a name this way
            return {"errno": errno.ENETUNREACH}, verdict.allowed
        if not verdict.allowed:
            return {"port": self._unanswered[0].getsockname()[1]}, False
        return ({"port": self._services[port]} if port in self._services else {"errno": errno.ECONNREFUSED}), True


def _unanswered_port() -> tuple[socket.socket, socket.socket]:
    """A listening port that answers no SYN, and the connection that fills its queue."""
    listener = socket.create_server((_LOOPBACK, 0), backlog=0)
    return listener, socket.create_connection(listener.getsockname())
