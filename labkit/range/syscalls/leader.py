"""Tier 2: where each connection is led, since no packets can be filtered here.

An allowed one is led to a page on this machine, a denied one to a port that answers no SYN. The program itself is held
by shim.py, which asks here and does what it is told.
"""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any

from labkit.model.network_acl import Entry
from labkit.range import internet
from labkit.range.facts import Drop
from labkit.range.packets.ruleset import Counter
from labkit.range.syscalls.watch import Facts
from labkit.range.verdict import Evaluator, is_judged, is_loopback

_LOOPBACK = "127.0.0.1"
Leading = dict[str, Any]
"""What becomes of a call: {} goes on; `port` here instead; `names`, the resolver's port here instead; `errno`."""


class CallFilter:
    """The entries in force on connections; `dropped` is told each one that an entry denied."""

    def __init__(self, dropped: Callable[[Drop], None]) -> None:
        self._dropped, self._lock, self._evaluator = dropped, threading.Lock(), Evaluator()
        pages = internet.serve_pages(0, _LOOPBACK)
        self._services = dict.fromkeys(internet.PAGE_PORTS, pages)
        self._services[internet.DRIP_PORT] = internet.serve_drips(0, _LOOPBACK)
        self._names = internet.serve_names(_LOOPBACK, 0)
        self._hole = _black_hole()

    def apply(self, entries: Sequence[Entry]) -> None:
        """Put these entries in force in place of all before, at once."""
        with self._lock:
            self._evaluator.apply(entries)

    def packets(self) -> dict[Counter, int]:
        """How many packets of connections each entry has decided since it was made."""
        with self._lock:
            return self._evaluator.packets()

    def lead(self, facts: Facts) -> Leading:
        """What becomes of a connect(2); writes into the facts whether the entries allow it."""
        ip, port, protocol = facts["ip"], facts["port"], facts["protocol"]
        if port == internet.NAME_PORT:  # whoever is asked for names, loopback too: what answers there may ask outside
            return {"names": self._names} if protocol == "udp" else {"errno": errno.ECONNREFUSED}
        if is_loopback(ip):
            return {}
        if not is_judged(protocol):
            return {"errno": errno.ENETUNREACH}
        with self._lock:
            verdict = self._evaluator.judge(ip, port, protocol)
        facts["allowed"] = verdict.allowed
        if verdict.drop:
            self._dropped(verdict.drop)
        if protocol == "udp":  # nobody here would answer; and names with several addresses are tried so, with no packet
            return {"errno": errno.ENETUNREACH}
        if not verdict.allowed:
            return {"port": self._hole[0].getsockname()[1]}
        return {"port": self._services[port]} if port in self._services else {"errno": errno.ECONNREFUSED}


def _black_hole() -> tuple[socket.socket, socket.socket]:
    """A listening port that answers no SYN, and the connection that fills its queue."""
    door = socket.create_server((_LOOPBACK, 0), backlog=0)
    return door, socket.create_connection(door.getsockname())
