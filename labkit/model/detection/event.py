"""An audit event as the detection service records it: one program asking the kernel for a connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from labkit.model.host.records import Connection, Program

NO_LOGIN = 4294967295
"""What the kernel's audit has for the login user and session of a program that no login started."""

_TIMED_OUT = "-110"


def audit_event(connection: Connection, source_addresses: Sequence[str] = ()) -> dict[str, Any]:
    """The event of a connection, in the shape of the v2 REST API; text that is not UTF-8 is replaced.

    source_addresses: what the host connects from, the first of each family. The source port is left out: the kernel
    has not chosen one yet.
    """
    refused = connection.allowed is False
    ends = {
        "addr": connection.ip,
        "dst_addr": connection.ip,
        "dst_port": connection.port,
        "port": connection.port,
        "protocol": connection.protocol,
    }
    source = next((address for address in source_addresses if (":" in address) == (":" in connection.ip)), None)
    return {
        "event_type": "audit",
        "syscall": "connect",
        "type": "connect",
        **_program_fields(connection.program),
        "exit": _TIMED_OUT if refused else "0",
        "success": not refused,
        "connection": ends if source is None else ends | {"src_addr": source},
    }


def connect_event(destination: str = "203.0.113.10", port: int = 80) -> Mapping[str, Any]:
    """An example: the event of a curl of user `ubuntu` that connects to this address.

    >>> connect_event("127.0.0.1", 5432)["connection"]["dst_addr"]
    '127.0.0.1'
    """
    ids, args = (6315, 6171, 3, "pts0", 1000, 1000, "ubuntu", "ubuntu"), ("curl", destination)
    program = Program(*ids, "/usr/bin/curl", "/home/ubuntu", args)
    event = audit_event(Connection(0.0, destination, port, "tcp", program), ("10.0.0.10",))
    return event | {"connection": event["connection"] | {"src_addr": "10.0.0.10", "src_port": 43512}}


def _program_fields(program: Program) -> dict[str, Any]:
    """Who asked. A program at a terminal belongs to a login, which in the lab is its own user's."""
    exe, user, args = _utf8(program.exe), _utf8(program.user), [_utf8(argument) for argument in program.args]
    at_terminal = {"auid": program.uid, "auser": user, "session": program.session, "tty": _utf8(program.tty)}
    return {
        "exe": exe,
        "command": exe.rpartition("/")[2],
        "args": args,
        "arguments": " ".join(args),
        "cwd": _utf8(program.cwd),
        "pid": program.pid,
        "ppid": program.ppid,
        "uid": program.uid,
        "gid": program.gid,
        "user": user,
        "group": _utf8(program.group),
        **(at_terminal if program.tty else {"auid": NO_LOGIN, "session": NO_LOGIN}),
    }


def _utf8(text: str) -> str:
    """The text as JSON can carry it: a file name may hold any bytes."""
    return text.encode("utf-8", "replace").decode()
