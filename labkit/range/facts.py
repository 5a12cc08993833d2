"""What the range tells: how far it reaches here, a program's connect(2), a dropped packet, a program's end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tier = Literal[1, 2, 3]
TIER_NAMES = {
    1: "packets: programs run in a closed network whose packets the network ACL really filters",
    2: "system calls: programs run and each connect(2) is seen, but is led to an answer on this machine",
    3: "evaluated only: no program runs; what one would meet is computed from the entries",
}


@dataclass(frozen=True)
class Reach:
    """How far the range reaches on this machine.

    why: why it is not tier 1, in words; empty in tier 1. next_step: what gives tier 1 here, in words.

    >>> print(Reach(3, "This is not Linux.", "Open the lab on Linux."))
    Range tier 3 of 3, evaluated only: no program runs; what one would meet is computed from the entries. \
This is not Linux. Open the lab on Linux.
    """

    tier: Tier
    why: str = ""
    next_step: str = ""

    def __str__(self) -> str:
        first = f"Range tier {self.tier} of 3, {TIER_NAMES[self.tier]}."
        return " ".join(sentence for sentence in (first, self.why, self.next_step) if sentence)


@dataclass(frozen=True)
class ConnectEvent:
    """A program asked the kernel for a connection; told before the kernel acts on it.

    time: seconds since 1970. tty: such as `pts0`, empty without a terminal. protocol: `tcp`, `udp`, …
    allowed: what the entries say, where the range decided it itself (tiers 2 and 3); None where packets will show.
    """

    time: float
    pid: int
    ppid: int
    session: int
    tty: str
    uid: int
    gid: int
    user: str
    exe: str
    cwd: str
    args: tuple[str, ...]
    ip: str
    port: int
    protocol: str
    allowed: bool | None = None


@dataclass(frozen=True)
class Drop:
    """A packet that an entry denied.

    rule_number: of the entry, 32767 or 32768 for `*`. port: the destination's, None where there is none.
    """

    time: float
    egress: bool
    rule_number: int
    source: str
    destination: str
    protocol: int
    port: int | None


@dataclass(frozen=True)
class Ran:
    """How a program in the range ended.

    code: its exit code, 124 after a timeout. really: False in tier 3, where none ran.
    """

    code: int
    out: str
    err: str
    seconds: float
    really: bool = True
