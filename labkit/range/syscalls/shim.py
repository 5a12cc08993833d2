"""Tier 2: holds a program at each connect(2), and connects it to where the keeper directs it.

Nothing it sends leaves the machine: datagrams to other machines, raw sockets, and local services that would resolve
names outside are refused. This process is the program's parent: under Yama, only a parent may read its memory.
Source: seccomp_unotify(2), linux/Documentation/admin-guide/LSM/Yama.rst.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import select
import signal
import socket
import struct
import threading
from collections.abc import Callable

from labkit.model.host.on_host import HOST_VARIABLE
from labkit.range.channel import Channel
from labkit.range.internet import DNS_PORT
from labkit.range.namespace import NOT_ENTERED, fork
from labkit.range.processes import end_all, marked
from labkit.range.syscalls import seccomp
from labkit.range.syscalls.seccomp import Call
from labkit.range.syscalls.watch import address, describe, read_memory, refusal

_HELD = ("connect", "sendto", "sendmsg", "sendmmsg", "socket")
_PR_SET_CHILD_SUBREAPER = 36
_ADD_DESCRIPTOR, _REPLACE = 0x40182103, 1  # SECCOMP_IOCTL_NOTIF_ADDFD, SECCOMP_ADDFD_FLAG_SETFD: Linux 5.9
_SYNS = 1  # an unanswered connection fails after 3 s instead of two minutes, as in tier 1
_MESSAGE_BYTES, _MOST_MESSAGES = 64, 1024  # of a struct mmsghdr; of one sendmmsg(2)
_IN_FAMILY: dict[int, str] = {  # an IPv6 socket connects to IPv4 too, and a container often has no ::1
    socket.AF_INET: "127.0.0.1",
    socket.AF_INET6: "::ffff:127.0.0.1",
}


def run(path: str, argv: list[str], environment: dict[str, str], keeper: socket.socket) -> int:
    """Run a program under the shim; returns its exit code."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # orphans of the program become ours
    ours, theirs = socket.socketpair()

    def become() -> None:
        _hand_over(theirs, lambda: seccomp.listen(*_HELD))
        os.closerange(3, 1 << 20)
        os.execve(path, argv, environment)

    child = fork(become)
    theirs.close()
    _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
    if not descriptors:
        raise OSError("the kernel refused to hold its system calls")
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTOU):
        signal.signal(number, signal.SIG_IGN)  # they are meant for the program
    signal.signal(signal.SIGTERM, lambda number, frame: os.kill(child, number))
    shim = Shim(descriptors[0], Channel(keeper))
    threading.Thread(target=shim.hold, daemon=True).start()
    ending = threading.Event()
    end = threading.Thread(target=_end_with_keeper, args=(keeper, environment[HOST_VARIABLE], ending), daemon=True)
    end.start()
    code = _exit_code(child)
    if ending.is_set():  # the program has ended; what it left running has not yet
        end.join()
    return code


def _hand_over(to: socket.socket, listen: Callable[[], int]) -> None:
    """Send the listener from a thread started before it: this thread's sendmsg(2) is held from then on."""
    listeners: list[int] = []
    there = threading.Event()

    def send() -> None:
        there.wait()
        socket.send_fds(to, [b"l"], listeners)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        listeners.append(listen())
    finally:
        there.set()
        sender.join()


def _end_with_keeper(keeper: socket.socket, token: str, ending: threading.Event) -> None:
    """End every program of the range when the keeper ends, for whatever reason; sets `ending` when that begins."""
    gone = select.poll()
    gone.register(keeper, 0)  # only the hang-up matters here
    gone.poll()
    ending.set()
    end_all(marked(token))
    os._exit(NOT_ENTERED)


def _exit_code(child: int) -> int:
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


class Shim:
    """Holds the system calls of one program and its children."""

    def __init__(self, listener: int, keeper: Channel) -> None:
        self._listener, self._keeper = listener, keeper

    def hold(self) -> None:
        """Answer each held call until no program is left."""
        for call in seccomp.calls(self._listener):
            try:
                self._answer(call)
            except (OSError, ValueError, struct.error):  # a call that cannot be examined is refused
                seccomp.answer(self._listener, call, errno.ENETUNREACH)

    def _answer(self, call: Call) -> None:
        if call.name != "connect":
            seccomp.answer(self._listener, call, _other_call(call))
            return
        connection = describe(call)
        if connection is None:
            seccomp.answer(self._listener, call, refusal(call))
            return
        self._keeper.send(connection.to_json())
        redirect = self._keeper.receive()
        if redirect is None or "errno" in redirect:  # without a keeper, every call is refused
            seccomp.answer(self._listener, call, (redirect or {"errno": errno.ENETUNREACH})["errno"])
        elif "port" in redirect:
            self._connect_instead(call, redirect["port"])
        else:
            if "dns_port" in redirect:
                _write_address(call, redirect["dns_port"])
            seccomp.answer(self._listener, call)

    def _connect_instead(self, call: Call, port: int) -> None:
        """Replace the program's socket with one that connects to a port of this machine; its own call never runs."""
        descriptor = call.arguments[0]
        with open(f"/proc/{call.pid}/fdinfo/{descriptor}") as file:
            flags = int(next(line for line in file if line.startswith("flags:")).split()[1], 8)
        ours = socket.socket(_family(call), socket.SOCK_STREAM)
        ours.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, _SYNS)
        ours.setblocking(False)
        number = ours.connect_ex((_IN_FAMILY[_family(call)], port))
        waits = not flags & os.O_NONBLOCK
        ours.setblocking(waits)
        added = (call.id, _REPLACE, ours.fileno(), descriptor, flags & os.O_CLOEXEC)
        fcntl.ioctl(self._listener, _ADD_DESCRIPTOR, struct.pack("QIIII", *added))
        if number == errno.EINPROGRESS and waits:
            threading.Thread(target=self._answer_when_known, args=(call, ours), daemon=True).start()
        else:
            seccomp.answer(self._listener, call, number)
            ours.close()

    def _answer_when_known(self, call: Call, ours: socket.socket) -> None:
        with ours:
            select.select([], [ours], [])
            seccomp.answer(self._listener, call, ours.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))


def _family(call: Call) -> int:
    """The address family that a connect(2) names."""
    return int(struct.unpack("H", read_memory(call.pid, call.arguments[1], 2))[0])


def _write_address(call: Call, port: int) -> None:
    """Overwrite the address that a resolver's socket connects to with a port of this machine.

    Replacing the socket would not work: the C library accepts an answer only from the address that it asked.
    """
    to = struct.pack(">H", port) + socket.inet_pton(socket.AF_INET, "127.0.0.1")
    if _family(call) == socket.AF_INET6:
        to = struct.pack(">HI", port, 0) + socket.inet_pton(socket.AF_INET6, "::ffff:127.0.0.1") + bytes(4)
    with open(f"/proc/{call.pid}/mem", "r+b", 0) as memory:
        memory.seek(call.arguments[1] + 2)
        memory.write(to[: call.arguments[2] - 2])


def _other_call(call: Call) -> int | None:
    """The errno that a held call other than connect(2) ends with; None lets it proceed."""
    if call.name == "socket":
        return _socket(call)
    if call.name == "sendto":
        return _send_to(call.pid, call.arguments[4], call.arguments[5])
    count = call.arguments[2] if call.name == "sendmmsg" else 1
    for number in range(min(count, _MOST_MESSAGES)):
        header = read_memory(call.pid, call.arguments[1] + number * _MESSAGE_BYTES, 12)
        if refused := _send_to(call.pid, *struct.unpack("QI", header)):
            return refused
    return None


def _socket(call: Call) -> int | None:
    family, kind = call.arguments[0], call.arguments[1] & 0xF
    if family in (socket.AF_UNIX, socket.AF_NETLINK):
        return None
    ordinary = family in (socket.AF_INET, socket.AF_INET6) and kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)
    return None if ordinary else errno.EPERM


def _send_to(pid: int, at: int, size: int) -> int | None:
    """Refuse a datagram with its own address unless it stays on this machine; a local resolver may ask outside."""
    to = address(read_memory(pid, at, min(size, 28))) if at else None
    stays = to is None or (to[1] != DNS_PORT and (to[0].startswith("127.") or to[0] == "::1"))
    return None if stays else errno.ENETUNREACH
