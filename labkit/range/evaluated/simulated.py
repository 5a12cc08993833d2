"""Tier 3: no program runs; its connection and result are derived from its command line and the entries."""

from __future__ import annotations

import os
import pwd
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from labkit.model.host.records import Connection, Program, ProgramResult
from labkit.range.dns import addresses
from labkit.range.internet import PAGE_PORTS
from labkit.range.syscalls.watch import group_name

ANSWERED, NO_SUCH_NAME, REFUSED, TIMED_OUT = 0, 6, 7, 28
_SENTENCE = "No program ran: the range is at tier 3, evaluated only. {}"
_HOST_LIKE = re.compile(r"[\w-]+(\.[\w-]+)+\.?(:\d+)?(/\S*)?$|\[[0-9a-fA-F:]+\](:\d+)?(/\S*)?$")
_PORTS = {"": 80, "http": 80, "https": 443}


@dataclass(frozen=True)
class Target:
    """The host and port that a command line names."""

    host: str
    addresses: tuple[str, ...]
    port: int


def target_of(argv: Sequence[str]) -> Target | None:
    """The first host that a command line names; None if it names none.

    >>> target_of(["curl", "-s", "https://dadismad.com/"])
    Target(host='dadismad.com', addresses=('203.0.113.10',), port=443)
    """
    for word in argv[1:]:
        scheme, _, rest = word.rpartition("://")
        if word.startswith("-") or scheme not in _PORTS or not _HOST_LIKE.match(rest):
            continue
        try:
            parts = urlsplit(f"//{rest}")
            host, port = parts.hostname or "", parts.port or _PORTS[scheme]
        except ValueError:
            continue
        is_address = host.replace(".", "").isdigit() or ":" in host
        return Target(host, (host,) if is_address else addresses(host), port)
    return None


def connection_to(target: Target, argv: Sequence[str]) -> Connection:
    """The connection that the program would have asked for, with the ids of this process: the program has none."""
    uid, gid = os.getuid(), os.getgid()
    ip = sorted(target.addresses, key=lambda address: ":" not in address)[0]  # programs try IPv6 first
    user = next((entry.pw_name for entry in pwd.getpwall() if entry.pw_uid == uid), str(uid))
    process = (os.getpid(), os.getppid(), os.getsid(0), "", uid, gid, user, group_name(gid))
    return Connection(time.time(), ip, target.port, "tcp", Program(*process, argv[0], os.getcwd(), tuple(argv)))


def result_of(target: Target | None, allowed: bool) -> ProgramResult:
    """The result that curl would have had."""
    if target is None:
        return _result(ANSWERED, "The command names no host, so it would not have connected.")
    if not target.addresses:
        return _result(NO_SUCH_NAME, f"There is no host {target.host}.")
    where = f"{target.host} port {target.port}"
    if not allowed:
        return _result(TIMED_OUT, f"{where} would not have answered: an entry denies it.")
    if target.port not in PAGE_PORTS:
        return _result(REFUSED, f"{where} would have refused: no service is there.")
    return _result(ANSWERED, f"{where} would have answered: the entries allow it.")


def _result(code: int, what: str) -> ProgramResult:
    return ProgramResult(code, "", _SENTENCE.format(what), 0.0, ran=False)
