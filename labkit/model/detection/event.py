"""An audit event as the detection service records it: one program asking the kernel for a connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def connect_event(destination: str = "203.0.113.10", port: int = 80, exe: str = "/usr/bin/curl") -> Mapping[str, Any]:
    """The event of a program of user `ubuntu` that connects to this address, in the shape of the v2 REST API.

    >>> connect_event("127.0.0.1", 5432)["connection"]["dst_addr"]
    '127.0.0.1'
    """
    command = exe.rsplit("/", 1)[-1]
    return {
        "event_type": "audit",
        "syscall": "connect",
        "type": "connect",
        "exe": exe,
        "command": command,
        "args": [command, destination],
        "arguments": f"{command} {destination}",
        "cwd": "/home/ubuntu",
        "pid": 6315,
        "ppid": 6171,
        "uid": 1000,
        "user": "ubuntu",
        "group": "ubuntu",
        "auid": 1000,
        "auser": "ubuntu",
        "session": 3,
        "tty": "pts0",
        "exit": "0",
        "success": True,
        "connection": {
            "addr": destination,
            "dst_addr": destination,
            "dst_port": port,
            "src_addr": "10.0.0.10",
            "src_port": 43512,
            "port": port,
            "protocol": "tcp",
        },
    }
