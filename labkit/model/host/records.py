"""What is recorded of the lab's host: connections asked for, packets dropped, denies in force, programs run.

These are named tuples because tier 2 imports this module in front of every program: dataclasses load too slowly.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Program(NamedTuple):
    """A running program. tty: such as `pts0`, "" without a terminal. Text may hold bytes that are not UTF-8."""

    pid: int
    ppid: int
    session: int
    tty: str
    uid: int
    gid: int
    user: str
    group: str
    exe: str
    cwd: str
    args: tuple[str, ...]


class Connection(NamedTuple):
    """A program asked the kernel for a connection; recorded before the kernel acts on it.

    time: seconds since 1970. protocol: `tcp`, `udp`, … allowed: what the entries say, where the range decides it
    itself (tiers 2 and 3); None where packets decide.
    """

    time: float
    ip: str
    port: int
    protocol: str
    program: Program
    allowed: bool | None = None

    def to_json(self) -> dict[str, Any]:
        """The record as JSON carries it, between the range's processes and to the lab's kernel."""
        return {**self._asdict(), "program": self.program._asdict()}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Connection:
        """The inverse of `to_json`."""
        program = record["program"]
        return cls(**{**record, "program": Program(**{**program, "args": tuple(program["args"])})})


class DroppedPacket(NamedTuple):
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

    @property
    def remote(self) -> str:
        """The address outside the subnet."""
        return self.destination if self.egress else self.source


class DenyInForce(NamedTuple):
    """A deny entry for one address that came into force while the host ran. Times are seconds since 1970.

    connected: when a program last asked for a connection to that address before; None if none is known.
    """

    time: float
    rule_number: int
    address: str
    connected: float | None

    @property
    def sentence(self) -> str:
        """What happened, in a line.

        >>> DenyInForce(9.5, 1, "203.0.113.10", 9.477).sentence
        'Entry 1 was written, 23 ms after a program connected: it denies 203.0.113.10.'
        """
        after = ""
        if self.connected is not None:
            seconds = self.time - self.connected
            took = f"{seconds * 1000:.0f} ms" if seconds < 10 else f"{seconds:.0f} s"
            after = f", {took} after a program connected"
        return f"Entry {self.rule_number} was written{after}: it denies {self.address}."


class ProgramOutput(NamedTuple):
    """What a program on the host has just written; both are "" after a while of silence."""

    out: str = ""
    err: str = ""


class ProgramResult(NamedTuple):
    """How a program on the host ended.

    code: its exit code, 124 if it was ended at its time limit. ran: False in tier 3, where no program runs. behind: why
    the entries in force may not be those that AWS has; "" when they are. timed_out: whether the limit ended it. cut:
    whether it wrote more than was kept.
    """

    code: int
    out: str
    err: str
    seconds: float
    ran: bool = True
    behind: str = ""
    timed_out: bool = False
    cut: bool = False
