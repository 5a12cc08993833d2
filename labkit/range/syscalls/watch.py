"""Reads a held connect(2) while its program waits: which program wants which connection."""

from __future__ import annotations

import errno
import functools
import grp
import os
import pwd
import re
import socket
import struct
import time
from collections.abc import Callable

from labkit.model.host.records import Connection, Program
from labkit.range.syscalls import seccomp

_ADDRESS_BYTES = 28
_UNIX_ADDRESS_BYTES = 110
_STATUS = re.compile(rb"Tgid:\t(\d+).*?PPid:\t(\d+).*?Uid:\t(\d+).*?Gid:\t(\d+)", re.DOTALL)
_ARGUMENT_BYTES = 4096  # of the command line; an event has to fit a datagram
_PSEUDO_TERMINAL, _CONSOLE = range(136, 144), 4
_NAME_SERVICES = (
    *(
        f"{run}/{name}".encode()
        for run in ("/run", "/var/run")
        for name in ("systemd/resolve/", "nscd/", "avahi-daemon/", "dbus/system_bus_socket")
    ),
    b"/var/lib/sss/pipes/",
)


def follow(listener: int, on_connect: Callable[[Connection], None]) -> None:
    """Report each connection asked for under a listener, before the kernel acts on it; ends with the last program."""
    for call in seccomp.calls(listener):
        refused = None
        try:
            if connection := describe(call):
                on_connect(connection)
            else:
                refused = refusal(call)
        except (OSError, ValueError, struct.error):  # the program has ended
            refused = None
        seccomp.answer(listener, call, refused)
    os.close(listener)


def describe(call: seccomp.Call) -> Connection | None:
    """The connection of a connect(2); None if it is not to an IP address. Raises OSError when the caller is gone."""
    descriptor, address_at, size = call.arguments[:3]
    to = address(read_memory(call.pid, address_at, min(size, _ADDRESS_BYTES)))
    if to is None:
        return None
    return Connection(time.time(), *to, protocol(call.pid, descriptor), _program(call.pid))


def refusal(call: seccomp.Call) -> int | None:
    """The errno for a connect(2) to a local name service, which would ask the real internet; None for any other path.

    When refused, the C library asks the resolver, which is the range's own. Raises OSError.
    """
    blob = read_memory(call.pid, call.arguments[1], min(call.arguments[2], _UNIX_ADDRESS_BYTES))
    family, path = struct.unpack_from("H", blob)[0] if len(blob) >= 2 else 0, blob[2:]
    return errno.ECONNREFUSED if family == socket.AF_UNIX and path.startswith(_NAME_SERVICES) else None


def read_memory(pid: int, at: int, size: int) -> bytes:
    """Bytes of another process's memory. Raises OSError."""
    memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    try:
        return os.pread(memory, size, at)
    finally:
        os.close(memory)


def address(blob: bytes) -> tuple[str, int] | None:
    """Address and port of a `sockaddr`; None if it is of no IP family.

    An IPv4 address in an IPv6 socket is returned as IPv4, since its packets are.

    >>> address(bytes.fromhex("02000050cb00710a"))
    ('203.0.113.10', 80)
    """
    if len(blob) < 8:
        return None
    family, port = struct.unpack_from("H", blob)[0], struct.unpack_from(">H", blob, 2)[0]
    if family == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, blob[4:8]), port
    if family == socket.AF_INET6 and len(blob) >= 24:
        return socket.inet_ntop(socket.AF_INET6, blob[8:24]).removeprefix("::ffff:"), port
    return None


def protocol(pid: int, descriptor: int) -> str:
    """`tcp`, `udp`, `icmp`, …, straight from the descriptor: plain Docker refuses pidfd_getfd(2)."""
    name = os.getxattr(f"/proc/{pid}/fd/{descriptor}", "system.sockprotoname").rstrip(b"\0").decode()
    plain = name.lower().removesuffix("v6")
    return {"mptcp": "tcp", "ping": "icmp"}.get(plain, plain)


def _program(thread: int) -> Program:
    """The program that a thread belongs to: a notification names threads, and curl resolves names in one of its own."""
    found = _STATUS.search(_read(f"/proc/{thread}/status", 1024))
    if found is None:
        raise OSError(f"thread {thread} has ended")
    process, parent, uid, gid = map(int, found.groups())
    session, terminal = map(int, _read(f"/proc/{thread}/stat", 1024).rpartition(b")")[2].split()[3:5])
    arguments = _read(f"/proc/{thread}/cmdline", _ARGUMENT_BYTES).decode(errors="replace").rstrip("\0").split("\0")
    return Program(
        process,
        parent,
        session,
        _terminal(terminal),
        uid,
        gid,
        _user_name(uid),
        group_name(gid),
        os.readlink(f"/proc/{thread}/exe"),
        os.readlink(f"/proc/{thread}/cwd"),
        tuple(arguments),
    )


def _read(path: str, size: int) -> bytes:
    """The beginning of a file, in fewer calls than open() makes, since each connection pays for it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, size)
    finally:
        os.close(descriptor)


def _terminal(device: int) -> str:
    """The name of a terminal by its device number; empty for none. Source: proc(5), tty_nr.

    >>> _terminal(34819), _terminal(0)
    ('pts3', '')
    """
    major, minor = (device >> 8) & 0xFFF, (device & 0xFF) | ((device >> 12) & 0xFFF00)
    if major in _PSEUDO_TERMINAL:
        return f"pts{minor + 256 * (major - _PSEUDO_TERMINAL.start)}"
    return f"tty{minor}" if major == _CONSOLE else ""


@functools.lru_cache
def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


@functools.lru_cache
def group_name(gid: int) -> str:
    """The name of a group, else its number."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
