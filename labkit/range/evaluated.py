"""Tier 3: no program runs; what one would meet is computed from its command line and the entries."""

from __future__ import annotations

import os
import pwd
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from labkit.range.facts import ConnectEvent, Ran
from labkit.range.internet import PAGE_PORTS
from labkit.range.names import addresses

ANSWERED, NO_SUCH_NAME, REFUSED, TIMED_OUT = 0, 6, 7, 28
_SENTENCE = "No program ran: the range is at tier 3, evaluated only. {}"
_HOST_LIKE = re.compile(r"[\w-]+(\.[\w-]+)+\.?(:\d+)?(/\S*)?$|\[[0-9a-fA-F:]+\](:\d+)?(/\S*)?$")
_PORTS = {"": 80, "http": 80, "https": 443}


@dataclass(frozen=True)
class Aim:
    """What a command line asks to reach."""

    host: str
    addresses: tuple[str, ...]
    port: int


def aim(argv: Sequence[str]) -> Aim | None:
    """The first host that a command line names; None if it names none.

    >>> aim(["curl", "-s", "https://dadismad.com/"])
    Aim(host='dadismad.com', addresses=('203.0.113.10',), port=443)
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
        return Aim(host, (host,) if is_address else addresses(host), port)
    return None


def event(argv: Sequence[str], target: Aim) -> ConnectEvent:
    """The connect(2) that the program would have made; its process is this one, since it has none."""
    uid = os.getuid()
    ip = sorted(target.addresses, key=lambda address: ":" not in address)[0]  # programs try IPv6 first
    user = next((entry.pw_name for entry in pwd.getpwall() if entry.pw_uid == uid), str(uid))
    process = (os.getpid(), os.getppid(), os.getsid(0), "", uid, os.getgid(), user)
    return ConnectEvent(time.time(), *process, argv[0], os.getcwd(), tuple(argv), ip, target.port, "tcp")


def outcome(target: Aim | None, allowed: bool) -> Ran:
    """What curl would have ended with."""
    if target is None:
        return Ran(ANSWERED, "", _SENTENCE.format("It names no host, so no connection was asked for."), 0.0, False)
    if not target.addresses:
        return Ran(NO_SUCH_NAME, "", _SENTENCE.format(f"There is no host {target.host}."), 0.0, False)
    where = f"{target.host} port {target.port}"
    if not allowed:
        return Ran(TIMED_OUT, "", _SENTENCE.format(f"{where} would not have answered: an entry denies it."), 0.0, False)
    if target.port not in PAGE_PORTS:
        return Ran(REFUSED, "", _SENTENCE.format(f"{where} would have refused: no service is there."), 0.0, False)
    return Ran(ANSWERED, "", _SENTENCE.format(f"{where} would have answered: the entries allow it."), 0.0, False)
