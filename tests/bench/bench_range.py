"""The range: entries put in force, a connection told, and what watching costs each connect(2).

Run from the repository's folder: `python -m tests.bench.bench_range`. The peer of an apply is the range's prototype: a
keeper that takes the entries from a socket and replaces its whole table; that of a connect is one that nobody watches.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labkit.model.host.records import Connection
from labkit.model.network_acl import Entry
from labkit.range.program import program_command
from labkit.range.range import Range
from tests.bench.measure import Row, at_most, best_seconds, milliseconds, table

TABLE_SIZES = (1, 10, 19, 40)
CONNECTS = """
import json, socket, sys, time
asked = []
for _ in range(int(sys.argv[2])):
    with socket.socket() as one:
        asked.append(time.time())
        one.connect_ex((sys.argv[1], 9))
        asked[-1] = (asked[-1], time.time())
    time.sleep(0.002)
print(json.dumps(asked))
"""
CLOSED_PORT = "198.51.100.7"  # of the range, where it refuses; nothing is ever asked of it outside
ROUNDS = 40


def run(scale: float = 1.0) -> list[Row]:
    """The rows; scale 1 puts each table in force 40 times and makes 500 connects."""
    events: list[tuple[float, Connection]] = []
    with tempfile.TemporaryDirectory(prefix="lk-", dir="/tmp") as folder:
        network = Range(Path(folder) / "r", lambda event: events.append((time.time(), event)))
        network.up()
        try:
            with prototype(Path(folder) / "prototype") as ask:
                rows = [_applying(network, ask, size, max(5, round(ROUNDS * scale))) for size in TABLE_SIZES]
            return [*rows, *_connecting(network, events, max(50, round(500 * scale)))]
        finally:
            network.down()


def entries(size: int) -> list[Entry]:
    """A network ACL with so many egress entries: the responder's denies, and at the end all is allowed."""
    denies = [Entry(number, True, "deny", "-1", f"203.0.113.{number}/32") for number in range(1, size)]
    return [*denies, *(Entry(100, egress, "allow", "-1", "0.0.0.0/0") for egress in (True, False))]


def _applying(network: Range, ask: socket.socket, size: int, rounds: int) -> Row:
    """Each round changes one entry, as the responder does."""
    other = [[*entries(size)[1:], Entry(99, True, "deny", "-1", f"192.0.2.{change}/32")] for change in (1, 2)]
    turn = {"ours": 0, "peer": 0}

    def ours() -> None:
        turn["ours"] += 1
        network.apply(other[turn["ours"] % 2])

    def peer() -> None:
        turn["peer"] += 1
        told = json.dumps([entry.to_aws() for entry in other[turn["peer"] % 2]])
        ask.sendall(told.encode() + b"\n")
        assert ask.recv(16) == b"done"

    mine, theirs = best_seconds(ours, peer, rounds=rounds)
    work = f"{size} egress entries put in force, against the prototype"
    return at_most(work, milliseconds(mine), milliseconds(theirs), mine / theirs, 1.2)


def _connecting(network: Range, events: list[tuple[float, Connection]], count: int) -> list[Row]:
    network.apply(entries(10))
    command = [sys.executable, "-c", CONNECTS, CLOSED_PORT, str(count)]
    asked = json.loads(_output(program_command(network.folder, command)))
    deadline = time.monotonic() + 10
    while len(told := [at for at, event in tuple(events) if event.port == 9]) < count and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    bare = json.loads(_output([sys.executable, "-c", CONNECTS, "127.0.0.1", str(count)]))
    delays = sorted(at - begun for at, (begun, _) in zip(told, asked, strict=True))
    watched, free = (statistics.median(end - begun for begun, end in times) for times in (asked, bare))
    p50, p95 = delays[count // 2], delays[count * 95 // 100]
    return [
        Row("connect(2) → its event told, p50", milliseconds(p50), milliseconds(free), p50 / free, "–", True),
        Row("connect(2) → its event told, p95", milliseconds(p95), milliseconds(free), p95 / free, "–", True),
        Row("connect(2) watched, against one on loopback that is not",
            milliseconds(watched), milliseconds(free), watched / free, "–", True),
    ]  # fmt: skip


def _output(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@contextmanager
def prototype(door: Path) -> Iterator[socket.socket]:
    """The prototype's way, in a namespace of its own: entries by a socket, the whole table anew."""
    command = [sys.executable, "-m", "tests.bench.range_prototype", str(door)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(Path.cwd())}
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        with socket.socket(socket.AF_UNIX) as ask:
            ask.connect(str(door))
            yield ask
        process.kill()


if __name__ == "__main__":
    print(table(run()))
