"""What one student of a class can cost another: student 5's calls while student 4, or who has no key, attacks.

Run from the repository's folder: `python -m tests.bench.bench_neighbour`. Student 5 looks at their network ACL, adds
and removes an entry, sends an event that raises an alert, and lists alerts; each attack runs in a process of its own.
"""

from __future__ import annotations

import multiprocessing
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from typing import Any, NamedTuple

import requests

from labkit.model.detection.event import connect_event
from labkit.model.detection.rule import Rule
from labkit.model.errors import LabError
from labkit.model.student import rule_name
from labkit.sandbox.detection.seed_data import BASE_RULE_SET_ID, PRECREATED_RULE_ID
from labkit.sandbox.ids import new_id
from labkit.services.detection.api import DetectionApi
from tests.bench.bench_class import class_sandbox
from tests.bench.class_student import Aws, Seat, WrongAnswer
from tests.bench.measure import Row, at_most, milliseconds, table

ROUNDS, THREADS = 15, 8
WORST_SECONDS = 1.0
CLAUSE = 'dst_ip = "203.0.113.10" or '


class Student(NamedTuple):
    """A student's place and keys of both services; can be sent to another process."""

    seat: Seat
    detection: dict[str, str]

    @property
    def api(self) -> DetectionApi:
        return DetectionApi(f"http://{self.seat.host}:{self.seat.port}", **self.detection)


def run() -> list[Row]:
    """Two rows for each attack: the median against that of a quiet class, and the longest call."""
    with class_sandbox(5) as (seats, control, _):
        keys = {one["number"]: one["detection"] for one in control("/_lab/class/keys")["students"]}
        four, five = (Student(seat, keys[seat.number]) for seat in seats[3:5])
        work = Work(five)
        quiet = statistics.median(work.seconds())
        return [row for attack in ATTACKS for row in _rows(attack, four, work, quiet)]


def _rows(attack: Callable[[Student], Any], four: Student, work: Work, quiet: float) -> Iterator[Row]:
    with _running(attack, four):
        seconds = work.seconds()
    name, median, worst = (attack.__doc__ or "").rstrip("."), statistics.median(seconds), max(seconds)
    yield at_most(f"median while: {name}", milliseconds(median), milliseconds(quiet), median / quiet, 3)
    yield at_most(f"longest while: {name}", milliseconds(worst), "1 s", worst / WORST_SECONDS, 1)


class Work:
    """What student 5 does again and again."""

    def __init__(self, student: Student) -> None:
        self._aws, self._api, self._numbers = Aws(student.seat), student.api, count()
        text = self._aws.call("DescribeNetworkAcls")
        self._acl = text.partition("<networkAclId>")[2].partition("<")[0]
        _own_rule(self._api, student.seat.number)

    def seconds(self) -> list[float]:
        """Each call's seconds, of some rounds."""
        taken: list[float] = []
        for _ in range(ROUNDS):
            for call in (self._look, self._add, self._remove, self._send, self._list):
                start = time.perf_counter()
                call()
                taken.append(time.perf_counter() - start)
        return taken

    def _look(self) -> None:
        self._aws.call("DescribeNetworkAcls", NetworkAclId_1=self._acl)

    def _add(self) -> None:
        entry = {"NetworkAclId": self._acl, "Egress": "true", "Protocol": "-1", "RuleAction": "deny"}
        self._aws.call("CreateNetworkAclEntry", RuleNumber=7, CidrBlock="203.0.113.7/32", **entry)

    def _remove(self) -> None:
        self._aws.call("DeleteNetworkAclEntry", RuleNumber=7, NetworkAclId=self._acl, Egress="true")

    def _send(self) -> None:
        self._api.send_events([_event(next(self._numbers))])

    def _list(self) -> None:
        next(iter(self._api.alerts()), None)


def _own_rule(api: DetectionApi, number: int, **changes: Any) -> Rule:
    """A student's rule, enabled."""
    body = api.rule(BASE_RULE_SET_ID, PRECREATED_RULE_ID).raw | {"enabled": True, "name": rule_name(number)} | changes
    return api.create_rule(BASE_RULE_SET_ID, Rule.from_api(body))


def _event(number: int, **changes: Any) -> dict[str, Any]:
    address = f"203.0.{number // 250 % 250}.{number % 250 + 1}"
    return {**connect_event(address), "_id": new_id(), "timestamp": int(time.time() * 1000), **changes}


# ---- attacks: each runs until its process is ended ----


def half_sent(four: Student) -> None:
    """300 requests without a key stop after their first byte."""
    with ExitStack() as stack:
        while True:
            links = [
                stack.enter_context(socket.create_connection((four.seat.host, four.seat.port))) for _ in range(300)
            ]
            for link in links:
                link.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\nA")
            time.sleep(5)


def unsigned(four: Student) -> None:
    """unsigned requests of 0.8 MB."""
    body = "Action=DescribeVpcs" + "".join(f"&Filter.{n}.Name={'x' * 30}" for n in range(16_000))
    _together(lambda: requests.post(f"http://{four.seat.host}:{four.seat.port}", body, timeout=60))


def many_parameters(four: Student) -> None:
    """signed requests with 240 filters."""
    filters = {f"Filter_{n}_Name": "vpc-id" for n in range(1, 241)}
    _with_aws(four, lambda aws: aws.call("DescribeVpcs", **filters))


def large_reads(four: Student) -> None:
    """network ACLs of a full VPC are read."""
    aws = Aws(four.seat)
    vpc_id = aws.call("CreateVpc", CidrBlock="10.0.0.0/16").partition("<vpcId>")[2].partition("<")[0]
    with suppress(WrongAnswer):
        while True:
            aws.call("CreateNetworkAcl", VpcId=vpc_id)
    _with_aws(four, lambda aws: aws.call("DescribeNetworkAcls"))


def vpcs_come_and_go(four: Student) -> None:
    """VPCs are created and deleted."""

    def once(aws: Aws) -> None:
        vpc_id = aws.call("CreateVpc", CidrBlock="10.0.0.0/16").partition("<vpcId>")[2].partition("<")[0]
        aws.call("DeleteVpc", VpcId=vpc_id)

    _with_aws(four, once)


def refused_calls(four: Student) -> None:
    """calls that the policy or the parameters refuse."""
    _with_aws(four, lambda aws: (aws.call("DescribeInstanceTypes"), aws.call("DeleteVpc", VpcId="vpc-00000000")))


def large_rules(four: Student) -> None:
    """a rule with 10,000 characters changes, with an event after each change."""
    api = four.api
    rule = _own_rule(api, 4)
    for number in count():
        text = CLAUSE * 350 + f'user = "{number}"'
        api.update_rule(Rule.from_api({**rule.raw, "filter": text}))
        api.send_events([_event(number)])


def flood_of_alerts(four: Student) -> None:
    """every event of a flood raises an alert."""
    api, numbers = four.api, count()
    _own_rule(api, 4, aggregateFields=["arguments"])
    _together(lambda: api.send_events([_event(0, arguments=str(next(numbers))) for _ in range(50)]))


def many_rules(four: Student) -> None:
    """100 rules fire on each event of large requests."""
    api = four.api
    for number in range(100):
        _own_rule(api, 4, name=f"Student4: {number}", aggregateFields=["arguments"])
    _together(lambda: [api.send_events([_event(0) for _ in range(size)]) for size in (5, 100)])


def large_alert(four: Student) -> None:
    """the events of a full alert are read."""
    api = four.api
    _own_rule(api, 4, aggregateFields=["exe"])
    for _ in range(20):
        api.send_events([_event(0, arguments="x" * 10_000) for _ in range(50)])
    largest = next(iter(api.alerts()))
    _together(lambda: api.alert_events(largest.id))


ATTACKS = (
    half_sent, unsigned, many_parameters, large_reads, vpcs_come_and_go, refused_calls, large_rules, flood_of_alerts,
    large_alert, many_rules,
)  # fmt: skip


def _with_aws(four: Student, call: Callable[[Aws], Any]) -> None:
    """Repeat a call in several threads, each with a connection of its own."""

    def again(aws: Aws) -> None:
        while True:
            with suppress(WrongAnswer):
                call(aws)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(again, [Aws(four.seat) for _ in range(THREADS)]))


def _together(call: Callable[[], Any]) -> None:
    def again(_: int) -> None:
        while True:
            with suppress(requests.RequestException, LabError):
                call()

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(again, range(THREADS)))


@contextmanager
def _running(attack: Callable[[Student], Any], four: Student) -> Iterator[None]:
    process = multiprocessing.get_context("spawn").Process(target=attack, args=(four,), daemon=True)
    process.start()
    time.sleep(4)  # by then it is under way: a measurement, not a test
    try:
        yield
    finally:
        process.kill()
        process.join()


if __name__ == "__main__":
    print(table(run()))
