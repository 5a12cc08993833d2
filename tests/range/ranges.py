"""Entries and helpers that the tests of the range share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from labkit.model.host.records import Connection
from labkit.model.network_acl import Entry
from labkit.range import processes
from labkit.range.range import Range
from tests.wait import until

ROOT = Path(__file__).parents[2]
DADISMAD = "203.0.113.10"
ALLOW_ALL = tuple(
    Entry(number, egress, "allow", "-1", block)
    for egress in (True, False)
    for number, block in ((100, "0.0.0.0/0"), (101, "::/0"))
)
DENY_DADISMAD = Entry(1, True, "deny", "-1", f"{DADISMAD}/32")


class Recorder(list[Connection]):
    """Keeps every connection told."""

    def __call__(self, event: Connection) -> None:
        self.append(event)

    def to(self, ip: str) -> list[Connection]:
        """Those to an address, over TCP."""
        return [event for event in tuple(self) if event.ip == ip and event.protocol == "tcp"]

    def wait_for(self, count: int, ip: str) -> list[Connection]:
        """Those to an address, when there are so many."""
        until(lambda: len(self.to(ip)) >= count)
        return self.to(ip)


def keeper_pid(network: Range) -> int:
    """The process that owns a range that is up."""
    assert network._keeper is not None
    return network._keeper.pid


def pids(ours: Callable[[int], bool]) -> list[int]:
    """The processes that are ours, the dead left out: pid 1 does not always bury them at once."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if int(name) != os.getpid() and ours(int(name)) and not is_dead(int(name)):
                found.append(int(name))
        except OSError:
            continue
    return found


def is_dead(pid: int) -> bool:
    """Whether a process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def marked(token: str) -> list[int]:
    """The processes of a range, by its token."""
    return pids(processes.marked(token))


def python(*arguments: str, **options: object) -> subprocess.Popen[str]:
    """A script of this folder in a process of its own, as text."""
    script = [sys.executable, str(Path(__file__).with_name(arguments[0])), *arguments[1:]]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(script, stdout=subprocess.PIPE, text=True, env=environment, **options)  # type: ignore[call-overload]
