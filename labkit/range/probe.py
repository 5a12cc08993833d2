"""Tests what this machine can do for the range, in a separate process: `start.py probe` prints JSON.

`packets` and `calls` say why a closed network and the interception of system calls do not work; "" if they do.
"""

from __future__ import annotations

import json
import os
import platform
import socket
import sys
from collections.abc import Callable

from labkit.range.namespace import find_program, fork, ip, unshare_all
from labkit.range.syscalls import seccomp

_LINK = "link set lo up\nlink add veth0 type veth peer name veth1\n"


def main(_arguments: list[str]) -> None:
    """Print the results."""
    calls = _fault_of(_watch_a_child)
    missing = [name for name in ("ip", "nft") if find_program(name) is None]
    packets = "" if missing or calls else _fault_of(_make_network)
    found = {"system": platform.system(), "calls": calls, "missing": missing, "packets": packets}
    sys.stdout.write(json.dumps(found))


def _fault_of(attempt: Callable[[], None]) -> str:
    """Run the attempt in a child, and return its error; "" if it succeeded."""
    read, write = os.pipe()

    def work() -> None:
        try:
            attempt()
        except OSError as error:
            os.write(write, str(error).encode()[:4000])
        os.write(write, b"\n")

    child = fork(work)
    os.close(write)
    with open(read, "rb") as pipe:
        output = pipe.read().decode(errors="replace")
    os.waitpid(child, 0)
    return output.strip() if output.endswith("\n") else "it ended without an error message"


def _make_network() -> None:
    """Make a namespace, a link and a ruleset, which end with this process. Raises OSError."""
    from labkit.range.packets import ruleset
    from labkit.range.packets.nft import NftError, open_nft

    unshare_all()
    ip(_LINK)
    try:
        open_nft().run(ruleset.base() + ruleset.transaction([]))
    except NftError as error:
        raise OSError(f"nft: {error}") from error


def _watch_a_child() -> None:
    """Intercept a child's connect(2), read its memory as the range does, and refuse the call. Raises OSError."""
    ours, theirs = socket.socketpair()

    def connect() -> None:
        listener = seccomp.listen("connect")
        socket.send_fds(theirs, [b"l"], [listener])
        os.close(listener)
        socket.socket(socket.AF_UNIX).connect_ex("\0labkit-nobody-listens-here")

    child = fork(connect)
    theirs.close()
    _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
    if not descriptors:
        raise OSError("seccomp user notification: refused")
    for call in seccomp.calls(descriptors[0]):
        with open(f"/proc/{call.pid}/mem", "rb", 0) as memory:
            memory.seek(call.arguments[1])
            memory.read(2)
        seccomp.answer(descriptors[0], call, 1)
    os.waitpid(child, 0)
