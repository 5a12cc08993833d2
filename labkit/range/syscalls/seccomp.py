"""Seccomp user notification: the kernel holds a program's system call until another process has decided about it.

The filter survives fork and exec. Needs Linux 5.5. Imported by every program's entry, so nothing slow is imported
here. Source: seccomp_unotify(2).
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import select
import struct
from collections import namedtuple
from collections.abc import Iterator

from labkit.range.namespace import libc

_NAMES = ("arch", "seccomp", "connect", "sendto", "sendmsg", "sendmmsg", "socket")
_NUMBERS = {
    "x86_64": (0xC000003E, 317, 42, 44, 46, 307, 41),
    "aarch64": (0xC00000B7, 277, 203, 206, 211, 269, 198),
}
_IO_URING_SETUP = 425
NUMBERS = dict(zip(_NAMES, _NUMBERS.get(os.uname().machine, ()), strict=False))

Call = namedtuple("Call", "id pid name arguments")
"""A held system call. pid: of the *thread* that made it. arguments: its six registers."""

_LOAD, _IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _NOTIFY, _REFUSE = 0x7FFF0000, 0x7FC00000, 0x00050000
_NUMBER_AT, _ARCH_AT, _FIFTH_ARGUMENT_AT = 0, 4, 48
_SET_MODE_FILTER, _NEW_LISTENER, _WAIT_KILLABLE = 1, 8, 32
_PR_SET_NO_NEW_PRIVS = 38
_RECEIVE, _SEND, _CONTINUE = 0xC0502100, 0xC0182101, 1
_CALL_FORMAT, _ANSWER_FORMAT = "QIIiIQ6Q", "QqiI"


class _BpfProgram(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def listen(*names: str) -> int:
    """Hold these system calls of this thread, and of everything that it starts; returns the listener's descriptor.

    io_uring is refused, as if the kernel had none: a connect made through it would not be seen. Raises OSError.
    """
    if not NUMBERS:
        raise OSError(errno.ENOSYS, f"the system call numbers of {os.uname().machine} are not known")
    code = _filter(names)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    program = _BpfProgram(len(code) // 8, code)
    for flags in (_NEW_LISTENER | _WAIT_KILLABLE, _NEW_LISTENER):  # the first, from 5.19: no call is reported twice
        listener = libc.syscall(NUMBERS["seccomp"], _SET_MODE_FILTER, flags, ctypes.byref(program))
        if listener >= 0:
            return int(listener)
        number = ctypes.get_errno()
        if number != errno.EINVAL:
            break
    raise OSError(number, f"seccomp: {os.strerror(number)}")


def calls(listener: int) -> Iterator[Call]:
    """Each held call, until no program under the filter is left. The caller must answer each."""
    names = {number: name for name, number in NUMBERS.items()}
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    while any(what & select.POLLIN for _, what in poll.poll()):  # POLLHUP alone: no program is left
        held = bytearray(struct.calcsize(_CALL_FORMAT))
        try:
            fcntl.ioctl(listener, _RECEIVE, held)
        except OSError:  # ENOENT: the program was killed
            continue
        identity, pid, _, number, _, _, *arguments = struct.unpack(_CALL_FORMAT, held)
        yield Call(identity, pid, names.get(number, ""), tuple(arguments))


def answer(listener: int, call: Call, number: int | None = None) -> None:
    """Let the call proceed, or end it with this errno, 0 for success. Does nothing if the program has ended."""
    reply = (call.id, 0, 0, _CONTINUE) if number is None else (call.id, 0, -number, 0)
    try:
        fcntl.ioctl(listener, _SEND, struct.pack(_ANSWER_FORMAT, *reply))
    except OSError:
        return


def _filter(names: tuple[str, ...]) -> bytes:
    """The BPF program: each test is followed by the action for a match, and skips it otherwise."""
    steps = [(_LOAD, 0, 0, _ARCH_AT), (_IF_EQUAL, 1, 0, NUMBERS["arch"]), (_RETURN, 0, 0, _ALLOW)]
    steps.append((_LOAD, 0, 0, _NUMBER_AT))
    for name in names:
        if name == "sendto":
            steps += _sendto_with_address()
        else:
            steps += [(_IF_EQUAL, 0, 1, NUMBERS[name]), (_RETURN, 0, 0, _NOTIFY)]
    steps += [(_IF_EQUAL, 0, 1, _IO_URING_SETUP), (_RETURN, 0, 0, _REFUSE | errno.ENOSYS), (_RETURN, 0, 0, _ALLOW)]
    return b"".join(struct.pack("HBBI", *step) for step in steps)


def _sendto_with_address() -> list[tuple[int, int, int, int]]:
    """Hold sendto(2) only where it names an address: plain send(2) is the same call, and frequent."""
    return [
        (_IF_EQUAL, 0, 6, NUMBERS["sendto"]),
        (_LOAD, 0, 0, _FIFTH_ARGUMENT_AT),
        (_IF_EQUAL, 0, 2, 0),
        (_LOAD, 0, 0, _FIFTH_ARGUMENT_AT + 4),
        (_IF_EQUAL, 1, 0, 0),
        (_RETURN, 0, 0, _NOTIFY),
        (_RETURN, 0, 0, _ALLOW),
    ]
