"""A class at once against one sandbox: students who each make part 2's calls and entries, beside moto's own server.

Run from the repository's folder: `python -m tests.bench.bench_class`. Every answer is looked at; a wrong one ends it.
moto's own server checks no signature and keeps nothing; it tells accounts apart by a header.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import psutil

from labkit.model.student import account_of
from labkit.sandbox.classroom import settings as class_settings
from labkit.sandbox.classroom.plan import ClassOptions, plan
from tests.bench.bench_aws_sandbox import ANY_KEYS, _process, _until, client, moto_server
from tests.bench.class_student import CALLS, Seat, finds_nothing, work
from tests.bench.measure import Row, at_most, best_seconds, milliseconds, now, table

STUDENTS = (30, 200)
CLIENTS = 2
"""Processes that play the students, so that they are not what is measured."""


class Run(NamedTuple):
    """Seconds from the first call to the last reply, and every call's seconds, in order of length."""

    seconds: float
    calls: list[float]

    @property
    def words(self) -> str:
        """The whole, and what a student has to wait for a call: half of them, and at most."""
        half, longest = self.calls[len(self.calls) // 2], self.calls[-1]
        return f"{self.seconds:.1f} s (a call {milliseconds(half)}, at most {longest:.1f} s)"


def run(scale: float = 1.0) -> list[Row]:
    """The rows; scale 1 is a class of 30 and one of 200."""
    sizes = [max(3, round(students * scale)) for students in STUDENTS]
    rows = [row for students in sizes for row in _class_rows(students)]
    return [*rows, _one_call(sizes[-1])]


def _class_rows(students: int) -> Iterator[Row]:
    stock = _stock(students)
    for how, tls in (("", False), (" over TLS", True)):
        with class_sandbox(students, tls) as (seats, _, memory):
            before = memory()
            ours = _at_once(seats)
            grown = (memory() - before) / 2**20
        name = f"{students} students at once, {CALLS} calls each{how} ({grown:+.0f} MB)"
        yield at_most(name, ours.words, stock.words, ours.seconds / stock.seconds, 0.65)


def _stock(students: int) -> Run:
    with moto_server() as server:
        where = urlsplit(server.url)
        return _at_once([
            Seat(number, where.hostname or "", where.port or 0, ANY_KEYS, account_of(number))
            for number in range(1, students + 1)
        ])  # fmt: skip


@contextmanager
def class_sandbox(students: int, tls: bool = False) -> Iterator[tuple[list[Seat], Any, Any]]:
    """A class as it is served: each student's seat, its control calls, and how many bytes its process holds."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        home = Path(folder)
        served = plan(home, None, ClassOptions(size=students, tls=tls))
        assert served is not None
        class_settings.save(home, served)
        _process(stack, [sys.executable, "-m", "labkit.sandbox.server", "--home", folder])
        _until((home / "sandbox.json").exists)
        state = json.loads((home / "sandbox.json").read_text())

        def control(path: str) -> Any:
            return json.loads(urlopen(Request(state["url"] + path, headers={"X-Lab-Token": state["token"]})).read())

        _until(lambda: control("/_lab/health")["warm"])
        seats = [
            Seat(one["number"], "127.0.0.1", served.port, tuple(one["aws"].values()), certificate=served.certificate)
            for one in control("/_lab/class/keys")["students"]
        ]
        yield seats, control, lambda: psutil.Process(state["pid"]).memory_info().rss


def _at_once(seats: list[Seat]) -> Run:
    """All students begin at the same moment; when all have ended, each looks for another one's VPC and finds none."""
    shares = [seats[start::CLIENTS] for start in range(CLIENTS)]
    with ProcessPoolExecutor(CLIENTS, multiprocessing.get_context("spawn")) as pool:
        list(pool.map(_nothing, range(CLIENTS)))  # so that they are there
        start = now() + 1
        ended = [each for share in pool.map(_share, shares, [start] * CLIENTS) for each in share]
    vpcs = {number: vpc_id for number, vpc_id, _, _ in ended}
    for seat, other in zip(seats, [*seats[1:], seats[0]], strict=True):
        finds_nothing(seat, vpcs[other.number])
    return Run(max(each[2] for each in ended) - start, sorted(one for each in ended for one in each[3]))


def _share(seats: list[Seat], start: float) -> list[tuple[int, str, float, list[float]]]:
    """A client process: its students with their VPC, when they ended, and each call's seconds."""

    def one(seat: Seat) -> tuple[int, str, float, list[float]]:
        time.sleep(max(0.0, start - now()))
        vpc_id, seconds = work(seat)
        return seat.number, vpc_id, now(), seconds

    with ThreadPoolExecutor(len(seats)) as pool:
        return list(pool.map(one, seats))


def _nothing(_: int) -> None:
    """What makes a process be there."""


def _one_call(students: int) -> Row:
    """What the class board asks for: the whole class in one call, against what the accounts' own calls take."""
    with class_sandbox(students) as (seats, control, _):
        clients = [client(f"http://{seat.host}:{seat.port}", seat.keys) for seat in seats]

        def by_account() -> None:
            for ec2 in clients:
                ec2.describe_vpcs()
                ec2.describe_network_acls()
                ec2.describe_subnets()

        by_account()  # so that every account is there to be told
        ours, peer = best_seconds(lambda: control("/_lab/class"), by_account, rounds=2)
    name = f"what {students} students have, told in one call, against their accounts' own"
    return at_most(name, milliseconds(ours), milliseconds(peer), ours / peer, 0.1)


if __name__ == "__main__":
    print(table(run()))
