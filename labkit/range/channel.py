"""Messages between two processes of the range: one JSON text a datagram, in order, with an end that is noticed."""

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
        """Send one message. Raises OSError when the other end is gone, or does not take it within 2 s, or at once."""
        data = json.dumps(message).encode()
        with self._lock:
            socket.send_fds(self.socket, [data], descriptors, 0 if wait else socket.MSG_DONTWAIT)

    def receive(self) -> Any:
        """The next message; None at the end."""
        try:
            data = self.socket.recv(_LONGEST)
        except OSError:
            return None
        return json.loads(data) if data else None

    def close(self) -> None:
        """End it: the other side, and a thread that waits here, notice."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def pair() -> tuple[socket.socket, socket.socket]:
    """The two ends of a connection."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
