"""Ports that stay free until they are used: none of those that the system gives to whoever asks for any."""

from __future__ import annotations

import itertools
import os
import socket

FIRST, LAST = 20_000, 30_000
_numbers = itertools.count(os.getpid() * 1_000)  # far from those of another worker


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens; another one at each call."""
    for number in _numbers:
        port = FIRST + number % (LAST - FIRST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("the numbers never end")
