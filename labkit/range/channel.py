"""JSON messages between two processes of the range: one datagram each, in order; a closed end is noticed."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from typing import Any

_LONGEST = 1 << 20
_SEND_PATIENCE_SECONDS = 2


class Channel:
    """One end of a SOCK_SEQPACKET connection; several threads may send."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self._lock = threading.Lock()
        patience = struct.pack("ll", _SEND_PATIENCE_SECONDS, 0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, patience)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LONGEST)

    def send(self, message: Any, descriptors: tuple[int, ...] = (), *, wait: bool = True) -> None:
        """Send one message. Raises OSError if the other end is closed, or does not take it within 2 s (or at once)."""
        data = json.dumps(message).encode()
        with self._lock:
            socket.send_fds(self.socket, [data], descriptors, 0 if wait else socket.MSG_DONTWAIT)

    def receive(self) -> Any:
        """The next message; None once the other end is closed."""
        try:
            data = self.socket.recv(_LONGEST)
        except OSError:
            return None
        return json.loads(data) if data else None

    def close(self) -> None:
        """Close the connection. The other side notices, and so does a thread that is receiving here."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def pair() -> tuple[socket.socket, socket.socket]:
    """The two ends of a connection."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
