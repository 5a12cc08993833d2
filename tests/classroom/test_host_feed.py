"""The class's sandbox tells a student's host where it is, and waits until the host has confirmed a change."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from labkit.model.errors import LabError
from labkit.model.host.location import HostLocation
from labkit.model.network_acl import NetworkAcl
from labkit.model.student import account_of
from labkit.sandbox.classroom.host_feed import StudentHosts, student_hosts_blueprint
from labkit.sandbox.classroom.students import StudentStore
from labkit.sandbox.detection.api.app import create_detection_app
from labkit.sandbox.detection.store.store import DetectionStore
from labkit.sandbox.detection.timestamps import now_ms
from tests.sandbox.detection.fixtures import Service, errors
from tests.serving import serving
from tests.wait import until

PATIENCE, LONG = 2.0, 60
"""Seconds: how long the sandbox waits for a host, and how long a host lets it think."""

ACCOUNT = account_of(3)


def location_of(account: str) -> HostLocation:
    return HostLocation("us-east-1", f"subnet-of-{account}", NetworkAcl("acl-1", "vpc-1", True, ()))


@pytest.fixture
def hosts() -> Iterator[StudentHosts]:
    told = StudentHosts(location_of, patience_seconds=PATIENCE)
    yield told
    told.close()


def seconds_of(call: Callable[[], object]) -> float:
    began = time.monotonic()
    call()
    return time.monotonic() - began


def test_no_call_waits_for_a_host_that_never_asked(hosts: StudentHosts) -> None:
    hosts.ask(account_of(4), None, 0)
    assert seconds_of(lambda: hosts.changed(ACCOUNT)) < PATIENCE
    assert seconds_of(lambda: hosts.changed(account_of(4))) < PATIENCE


def test_a_change_is_sent_at_once_and_returns_when_the_host_confirms_it(hosts: StudentHosts) -> None:
    first, _ = hosts.ask(ACCOUNT, None, 0)
    with ThreadPoolExecutor(2) as pool:
        asking = pool.submit(hosts.ask, ACCOUNT, first, LONG)
        until(lambda: hosts._followers[ACCOUNT].present)
        changing = pool.submit(hosts.changed, ACCOUNT)
        second, told = asking.result(LONG / 2)
        assert (second, told) == (first + 1, location_of(ACCOUNT))
        assert not changing.done()
        hosts.ask(ACCOUNT, second, 0)
        changing.result(LONG / 2)
        assert hosts._followers[ACCOUNT].present


def test_a_host_that_went_away_delays_only_one_call(hosts: StudentHosts) -> None:
    number, _ = hosts.ask(ACCOUNT, None, 0)
    hosts.ask(ACCOUNT, number, 0)
    assert seconds_of(lambda: hosts.changed(ACCOUNT)) >= PATIENCE
    assert seconds_of(lambda: hosts.changed(ACCOUNT)) < PATIENCE


def test_a_change_that_the_range_of_the_host_refuses_fails_and_later_ones_do_not(hosts: StudentHosts) -> None:
    first, _ = hosts.ask(ACCOUNT, None, 0)
    with ThreadPoolExecutor(2) as pool:
        asking = pool.submit(hosts.ask, ACCOUNT, first, LONG)
        until(lambda: hosts._followers[ACCOUNT].present)
        changing = pool.submit(hosts.changed, ACCOUNT)
        second, _ = asking.result(LONG / 2)
        hosts.ask(ACCOUNT, second, 0, "The range refused it.")
        with pytest.raises(LabError, match=r"The range refused it\."):
            changing.result(LONG / 2)
        again = pool.submit(hosts.changed, ACCOUNT)
        third, _ = hosts.ask(ACCOUNT, second, LONG)
        hosts.ask(ACCOUNT, third, 0)
        again.result(LONG / 2)


def test_a_number_from_another_sandbox_is_answered_at_once_and_confirms_nothing(hosts: StudentHosts) -> None:
    for number in (1, now_ms() + 1_000_000):
        assert seconds_of(lambda number=number: hosts.ask(ACCOUNT, number, LONG)) < LONG / 2  # type: ignore[misc]
    assert not hosts._followers[ACCOUNT].present


def test_only_a_student_can_follow_the_feed_over_http(tmp_path: Path, hosts: StudentHosts) -> None:
    store = DetectionStore(tmp_path / "detection.sqlite")
    students = StudentStore(store)
    students.enrol(3, now_ms())
    calls = [student_hosts_blueprint(hosts, students.by_user)]
    with serving(create_detection_app(store, more_calls=calls)) as url:
        student = Service(url, store, **students.credentials()[3])
        instructor = Service(url, store, **store.credentials())
        told = student.get("/lab/feed/network-acl").json()
        assert told["location"] == location_of(ACCOUNT).to_json()
        student.get(f"/lab/feed/network-acl?after={told['after']}&refused=%1B%5B2J%00no%E2%80%A8room{'x' * 9000}")
        number, why = hosts._followers[ACCOUNT].refused
        assert number == told["after"] and why.startswith("[2Jnoroomxx") and len(why) == 1000
        assert errors(student.get("/lab/feed/network-acl?after=x"))[0].startswith("after must be")
        refused = instructor.get("/lab/feed/network-acl")
        assert refused.status_code == 403 and "student of a class" in errors(refused)[0]
        for one in (student, instructor):
            one.session.close()
    store.close()
