"""The whole way: event to deny entry, and connect(2) to its packets dropping.

Run from the repository's folder: `python -m tests.bench protection`. Ours is the sandbox as a process with its range,
and the responder on its feed. The peer of an entry is the least there can be, a long poll that answers and a boto3
call; that of a drop is the prototype's way: the event's line in a file that is looked at every ten milliseconds, an
entry in a moto of the same process, its description, the whole table anew.
"""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import IO, Any

import requests

from labkit.model.detection.event import connect_event
from labkit.model.network_acl import Entry
from labkit.model.response.response import own_entries
from labkit.range.program import program_command
from labkit.responder import Responder
from labkit.sandbox.detection import seed_data as sandbox_world
from labkit.sandbox.detection.timestamps import now_ms
from labkit.sandbox.ids import new_id
from labkit.services import aws, sandbox_process
from labkit.steps.session import LabSession
from tests.bench.bench_lab import environment
from tests.bench.measure import Row, at_most, milliseconds, now, table

PRESENT = (1, 10, 17)
"""Egress entries there before: 20 are allowed, `*` among them, and one is to come."""

WARM_UP, PATIENCE_SECONDS, PAUSE_SECONDS = 3, 10.0, 0.06
CONNECTS = """
import socket, sys, time
for line in sys.stdin:
    with socket.socket() as one:
        one.setblocking(False)
        began = time.clock_gettime(time.CLOCK_MONOTONIC)
        one.connect_ex((line.strip(), 80))
        print(began, flush=True)
"""


def run(scale: float = 1.0) -> list[Row]:
    """The rows; scale 1 waits for forty entries and for forty drops at each number of entries."""
    rounds = max(10, round(40 * scale))
    with tempfile.TemporaryDirectory(prefix="lk-", dir="/tmp") as folder, environment(Path(folder)), a_lab() as lab:
        return [*_entries(lab, rounds), *_drops(lab, Path(folder), rounds)]


# --- a lab at work ---


@dataclass
class Lab:
    """A lab whose responder is at work in this process. entered: when AWS had answered for each entry."""

    session: LabSession
    responder: Responder
    entered: queue.SimpleQueue[float] = field(default_factory=queue.SimpleQueue)
    _addresses: int = 0

    @property
    def network_acl_id(self) -> str:
        return self.responder.network_acl_id

    def address(self) -> str:
        """One that no alert is about yet."""
        self._addresses += 1
        return f"198.51.100.{self._addresses % 254 + 1}"

    def forget(self) -> None:
        """No alert any more, and no entry for what it was about."""
        from labkit.steps.protection import undo_alert

        undo_alert(self.session)
        self.responder.run_once()  # it has looked at all alerts again, and at these no more
        for entry in own_entries(self._entries()):
            if entry.cidr_block.startswith("198.51.100."):
                aws.delete_entry(self.session.aws.ec2, self.network_acl_id, entry.rule_number, egress=True)
        rest()

    def fill(self, present: int) -> None:
        """Let so many egress entries be there, `*` left out; the others are old ones of the responder's."""
        for number in range(len(own_entries(self._entries())) + 1, present):
            entry = Entry(number, True, "deny", "-1", f"203.0.113.{number}/32")
            aws.create_entry(self.session.aws.ec2, self.network_acl_id, entry)
        rest()
        while not self.entered.empty():
            self.entered.get()

    def _entries(self) -> tuple[Entry, ...]:
        (found,) = aws.describe_network_acls(self.session.aws.ec2, ids=[self.network_acl_id])
        return found.entries


@contextmanager
def a_lab() -> Iterator[Lab]:
    """Part 2 done, the host in its place, the responder waiting at the feed."""
    from labkit import steps
    from labkit.steps.responding import students_responder
    from labkit.steps.session import open_session

    session, at_work = open_session(), open_session()
    for _ in steps.solve(session, (*steps.named("2"), *steps.named("host_subnet"))):
        pass
    looked = threading.Event()
    responder = students_responder(at_work, lambda said: looked.set() if said.kind == "poll" else None)
    lab = Lab(session, responder)

    def answered(http_response: Any, **_: Any) -> None:
        if http_response.status_code == 200:
            lab.entered.put(now())

    at_work.aws.ec2.meta.events.register("after-call.ec2.CreateNetworkAclEntry", answered)
    stop = threading.Event()
    thread = threading.Thread(target=responder.run, args=(stop,))
    thread.start()
    assert looked.wait(PATIENCE_SECONDS)
    rest()
    try:
        yield lab
    finally:
        stop.set()
        thread.join()


def rest() -> None:
    """Let whoever was woken come to rest."""
    threading.Event().wait(PAUSE_SECONDS)


# --- event to entry ---


def _entries(lab: Lab, rounds: int) -> list[Row]:
    """From handing over an event to AWS's answer that the entry exists."""
    sandbox = sandbox_process.find(lab._session.backend.home)
    assert sandbox is not None
    with requests.Session() as session, beside("bare_long_poll") as (told, _):
        session.trust_env = False
        session.headers["X-Lab-Token"] = sandbox.token
        bare = told()

        def hand_over(url: str) -> float:
            event = {"_id": new_id(), "timestamp": now_ms(), "agent_id": sandbox_world.LAB_AGENT_ID}
            body = json.dumps([{**connect_event(lab.address()), **event}])
            began = now()
            session.post(url, data=body, timeout=PATIENCE_SECONDS).raise_for_status()
            return began

        def ours() -> float:
            began = hand_over(f"{sandbox.url}/_lab/events")
            took = lab.entered.get(timeout=PATIENCE_SECONDS) - began
            lab.forget()
            return took

        def peer() -> float:
            ended: list[float] = []
            thread = threading.Thread(target=_bare, args=(lab, bare, ended))
            thread.start()
            assert told() == "waiting"
            rest()
            began = hand_over(bare)
            thread.join()
            lab.forget()
            return ended[0] - began

        mine, theirs = taking_turns(ours, peer, rounds)
    return compared("event → deny entry", "a bare long poll and a boto3 call", mine, theirs, 2.0)


def _bare(lab: Lab, url: str, ended: list[float]) -> None:
    with requests.Session() as session:
        session.trust_env = False
        session.get(url, timeout=PATIENCE_SECONDS)
        lab._session.aws.ec2.create_network_acl_entry(
            NetworkAclId=lab.network_acl_id,
            RuleNumber=1,
            Egress=True,
            RuleAction="deny",
            Protocol="-1",
            CidrBlock=f"{lab.address()}/32",
        )
        ended.append(now())


# --- connection to drop ---


def _drops(lab: Lab, folder: Path, rounds: int) -> list[Row]:
    """From just before connect(2) to when its entry is in force."""
    host = lab._session.backend.aws.host
    assert host is not None
    rows: list[Row] = []
    with (
        beside("protection_peer", str(folder)) as (told, tell),
        connecting(host.status().folder) as connect,
        connecting(folder / "r", lambda: _filled(told, tell, 1)) as connect_there,
    ):

        def ours() -> float:
            began = connect(lab.address())
            took = lab.entered.get(timeout=PATIENCE_SECONDS) - began
            lab.forget()
            return took

        def peer() -> float:
            began = connect_there(lab.address())
            in_force, waited = map(float, told().split())
            waits.append(waited)
            rest()
            return in_force - began

        for present in PRESENT:
            waits: list[float] = []
            lab.fill(present)
            _filled(told, tell, present)
            mine, theirs = taking_turns(ours, peer, rounds)
            work = f"connect(2) → dropped, {present} entries there"
            rows += compared(work, "the prototype’s way", mine, theirs, 1.0)
            one, bare = median(mine), median(theirs) - median(waits)
            words = f"{work}, p50, against that without its wait for the event’s line"
            rows.append(Row(words, milliseconds(one), milliseconds(bare), one / bare, "–", True))
    return rows


def _filled(told: Callable[[], str], tell: Callable[[str], None], present: int) -> None:
    tell(str(present))
    assert told() == "filled"


@contextmanager
def connecting(folder: Path, ready: Callable[[], None] = lambda: None) -> Iterator[Callable[[str], float]]:
    """What connects in a range and tells when it began."""
    ready()
    with talking(program_command(folder, [sys.executable, "-c", CONNECTS])) as (told, tell):

        def connect(address: str) -> float:
            tell(address)
            return float(told())

        yield connect


# --- measuring ---


def taking_turns(ours: Callable[[], float], peer: Callable[[], float], rounds: int) -> tuple[list[float], list[float]]:
    """The seconds of each, sorted; the first few are not counted."""
    pairs = [(ours(), peer()) for _ in range(rounds + WARM_UP)][WARM_UP:]
    mine, theirs = (sorted(each) for each in zip(*pairs, strict=True))
    return mine, theirs


def compared(work: str, peer: str, mine: list[float], theirs: list[float], goal: float) -> list[Row]:
    """A row for the median, and one for the 95th of a hundred."""
    rows = []
    for name, part in (("p50", 0.5), ("p95", 0.95)):
        one, other = (seconds[int(part * (len(seconds) - 1))] for seconds in (mine, theirs))
        words = f"{work}, {name}, against {peer}"
        rows.append(at_most(words, milliseconds(one), milliseconds(other), one / other, goal))
    return rows


@contextmanager
def beside(module: str, *arguments: str) -> Iterator[tuple[Callable[[], str], Callable[[str], None]]]:
    """A module of this folder in a process of its own: what reads a line of it, and what writes one."""
    with talking([sys.executable, "-m", f"tests.bench.{module}", *arguments]) as lines:
        yield lines


@contextmanager
def talking(command: list[str]) -> Iterator[tuple[Callable[[], str], Callable[[str], None]]]:
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        keys: IO[Any] | None = process.stdin
        screen: IO[Any] | None = process.stdout
        assert keys is not None and screen is not None

        def tell(line: str) -> None:
            keys.write(f"{line}\n")
            keys.flush()

        yield lambda: screen.readline().strip(), tell
        keys.close()


if __name__ == "__main__":
    print(table(run()))
