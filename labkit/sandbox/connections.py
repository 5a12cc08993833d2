"""The open connections of the sandbox: a request must arrive within its deadline, and each client has a share."""

from __future__ import annotations

import io
import ipaddress
import math
import socket
import threading
import time
from contextlib import suppress
from http.client import LineTooLong
from typing import Any

IDLE_SECONDS = 90.0
"""How long an idle connection is kept; also the time limit for a reply to be taken."""

ARRIVAL_SECONDS = 20.0
"""How long all of a request may take to arrive, header and body, however its bytes are spread; also a handshake."""

MOST_HEADER_BYTES = 80_000
"""Of a request line, which may have 64 kB, and all headers. Python's own limit is 6.5 MB, and it keeps them while they
arrive: a hundred connections took 3 GB."""

MOST_OF_A_CLIENT = 1024
"""Connections that one address may have open. A class behind one address has a few for each student; beyond the limit
the connection that has waited for its client longest is closed, so a client that leaves them open harms itself only."""


class ClientConnection(io.RawIOBase):
    """Reads one connection until a deadline. since: when it began to wait for its present request.

    waits: whether the client has to send something now. most: bytes that may still come.
    """

    def __init__(self, link: socket.socket) -> None:
        self.link = link
        self.since = time.monotonic()
        self.waits = True
        self.most = math.inf
        self._deadline = self.since + ARRIVAL_SECONDS

    def expect(self, seconds: float) -> None:
        """Let what is read from now on arrive within so many seconds."""
        self.since = time.monotonic()
        self._deadline = self.since + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Raises TimeoutError when the deadline is over, LineTooLong after `most` bytes."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the request did not arrive in time")
        if self.most <= 0:
            raise LineTooLong("header")
        self.link.settimeout(left)
        self.waits = True
        try:
            size = self.link.recv_into(buffer)
            self.most -= size
            return size
        finally:
            self.waits = False
            self.link.settimeout(IDLE_SECONDS)

    def end(self) -> None:
        """Wake up the thread that reads, with nothing left to read."""
        with suppress(OSError):  # it ended meanwhile
            self.link.shutdown(socket.SHUT_RDWR)


class Connections:
    """All open connections, by client. most: of one client."""

    def __init__(self, most: int = MOST_OF_A_CLIENT) -> None:
        self._most = most
        self._of: dict[str, set[ClientConnection]] = {}
        self._lock = threading.Lock()

    def opened(self, address: str, connection: ClientConnection) -> None:
        """Add a connection; beyond the client's share, close the one that has waited longest."""
        with self._lock:
            own = self._of.setdefault(_client(address), set())
            own.add(connection)
            if len(own) <= self._most:
                return
            longest = min((each for each in own if each.waits), key=lambda each: each.since, default=connection)
            own.discard(longest)
        longest.end()

    def closed(self, address: str, connection: ClientConnection) -> None:
        """Forget a connection."""
        client = _client(address)
        with self._lock:
            own = self._of.get(client, set())
            own.discard(connection)
            if not own:
                self._of.pop(client, None)


def _client(address: str) -> str:
    """Who has an address: with IPv6 a machine has a whole /64.

    >>> _client("192.0.2.7"), _client("2001:db8::a:1")
    ('192.0.2.7', '2001:db8::/64')
    """
    if ":" not in address:
        return address
    return str(ipaddress.ip_network((address.partition("%")[0], 64), strict=False))
