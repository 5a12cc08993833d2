"""Unit tests of how a student's host and the class's sandbox stay in sync."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from labkit.classroom.host import outbox
from labkit.classroom.host.following import LocationFollower
from labkit.classroom.host.outbox import Outbox
from labkit.model.errors import LabError, ServiceError, ServiceUnreachable
from labkit.model.host.location import HostLocation
from labkit.model.host.records import ProgramResult
from labkit.model.network_acl import Entry, NetworkAcl
from labkit.model.student import account_of
from labkit.sandbox.classroom.host_feed import StudentHosts, student_hosts_blueprint
from labkit.sandbox.classroom.students import StudentStore
from labkit.sandbox.detection.api.app import create_detection_app
from labkit.sandbox.detection.store.store import DetectionStore
from labkit.sandbox.detection.timestamps import now_ms
from labkit.sandbox.host.connect_events import ConnectEvents
from labkit.sandbox.host.host import SOURCE_ADDRESSES, LabHost
from labkit.sandbox.ids import Ids
from tests.sandbox.detection.fixtures import Service, errors, serving
from tests.wait import PATIENCE_SECONDS, until

PATIENCE, LONG = 2.0, 60
"""Seconds: how long the sandbox waits for a host, and how long a host lets it think."""

ACCOUNT = account_of(3)
ALLOW, DENY = Entry(100, True, "allow", "-1", "0.0.0.0/0"), Entry(1, True, "deny", "-1", "203.0.113.10/32")
ALLOW_IN = Entry(100, False, "allow", "-1", "0.0.0.0/0")
TOLD = {
    "region": "us-east-1",
    "subnet_id": "subnet-1",
    "network_acl": {"NetworkAclId": "acl-1", "VpcId": "vpc-1", "IsDefault": True, "Entries": [ALLOW.to_aws()]},
}


def place(*entries: Entry) -> HostLocation:
    return HostLocation("us-east-1", "subnet-1", NetworkAcl("acl-1", "vpc-1", True, entries))


def location_of(account: str) -> HostLocation:
    return HostLocation("us-east-1", f"subnet-of-{account}", NetworkAcl("acl-1", "vpc-1", True, ()))


# --- the class's sandbox tells ---


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


# --- the host asks ---


class Answers:
    """The class's sandbox as a host's client of it: each answer is given, or raised, in its turn; then none comes."""

    def __init__(self, *answers: Mapping[str, Any] | LabError) -> None:
        self._answers, self.asked, self.refused = list(answers), list[int | None](), list[str]()

    def host_location(self, after: int | None, wait_seconds: float, refused: str = "") -> Mapping[str, Any]:
        self.asked.append(after)
        self.refused.append(refused)
        if not self._answers:
            raise EndOfAnswersError
        answer = self._answers.pop(0)
        if isinstance(answer, LabError):
            raise answer
        return answer


class EndOfAnswersError(Exception):
    """There is no more to be told."""


AWAY = ServiceUnreachable("No answer.", "", "")


def followed(
    kept: Path, *answers: Mapping[str, Any] | LabError
) -> tuple[LocationFollower, list[HostLocation | None], list[int | None]]:
    """What became of these answers: where the host lived each time something changed, and what was asked."""
    sandbox, places = Answers(*answers), list[HostLocation | None]()
    following = LocationFollower(sandbox, kept)  # type: ignore[arg-type]
    with pytest.raises(EndOfAnswersError):
        following.follow(lambda: places.append(following.location()))
    return following, places, sandbox.asked


def test_a_repeated_reply_changes_nothing_and_the_next_request_continues_from_the_last_reply(tmp_path: Path) -> None:
    told = {"after": 5, "location": TOLD}
    _, places, asked = followed(tmp_path / "location.json", told, told, {"after": 6, "location": None})
    assert places == [place(ALLOW), None]
    assert asked == [None, 5, 5, 6]


def test_the_last_reply_stays_in_force_through_an_outage_and_a_restart(tmp_path: Path) -> None:
    followed(tmp_path / "location.json", {"after": 5, "location": TOLD})
    following, places, asked = followed(tmp_path / "location.json", AWAY)
    assert (following.location(), places, asked) == (place(ALLOW), [], [None, None])
    assert "The last known entries filter the host." in following.trouble


@pytest.mark.parametrize(
    "wrong",
    [
        {"CidrBlock": "0.0.0.0/0; flush ruleset"},
        {"Protocol": "6", "PortRange": {"From": "1; flush ruleset", "To": 2}},
        {"Protocol": "1", "IcmpTypeCode": {"Type": "1; flush ruleset", "Code": 1}},
        {"Protocol": "6; flush ruleset"},
        {"RuleAction": "allow; flush ruleset"},
        {"RuleNumber": -1},
        {"CidrBlock": None},
        {"RuleNumber": []},
    ],
)
def test_a_reply_with_an_entry_that_aws_could_not_have_is_none_and_the_next_one_counts(
    tmp_path: Path, wrong: dict[str, Any]
) -> None:
    acl = {**TOLD["network_acl"], "Entries": [ALLOW.to_aws() | wrong]}  # type: ignore[dict-item]
    answers = {"after": 5, "location": {**TOLD, "network_acl": acl}}, {"after": 6, "location": TOLD}
    _, places, asked = followed(tmp_path / "location.json", *answers)
    assert places == [place(ALLOW)]
    assert asked == [None, None, 6]


def test_a_host_without_any_reply_yet_reports_that(tmp_path: Path) -> None:
    (tmp_path / "damaged.json").write_text("{")
    for name in ("none.json", "damaged.json"):
        following, _, _ = followed(tmp_path / name, AWAY)
        assert following.location() is None
        assert "Nothing filters the host yet." in following.trouble


def test_a_reply_that_the_range_refuses_is_answered_with_the_reason_and_not_kept(tmp_path: Path) -> None:
    sandbox = Answers({"after": 5, "location": TOLD}, {"after": 6, "location": None})
    following = LocationFollower(sandbox, tmp_path / "location.json")  # type: ignore[arg-type]

    def put_in_force() -> None:
        if following.location() is not None:
            raise LabError("The range refused it.")

    with pytest.raises(EndOfAnswersError):
        following.follow(put_in_force)
    assert list(zip(sandbox.asked, sandbox.refused, strict=True)) == [
        (None, ""),
        (5, "The range refused it."),
        (6, ""),
    ]
    assert (tmp_path / "location.json").read_text() == "null"


# --- the host tells ---


class Taking:
    """The class's sandbox as the outbox sees it. away: nothing is taken. refuses: an event that never is."""

    def __init__(self, away: bool = False, refuses: int = -1) -> None:
        self.away, self._refuses, self.taken = away, refuses, list[int]()

    def send_events(self, events: Sequence[Mapping[str, Any]]) -> None:
        if self.away:
            raise AWAY
        numbers = [one["n"] for one in events]
        if self._refuses in numbers:
            raise ServiceError("Refused.", code="400")
        self.taken += numbers


@pytest.fixture
def sending() -> Iterator[Callable[[Taking], Outbox]]:
    """Gives an outbox at work."""
    working: list[tuple[Outbox, threading.Thread]] = []

    def begin(sandbox: Taking) -> Outbox:
        box = Outbox(sandbox)  # type: ignore[arg-type]
        working.append((box, threading.Thread(target=box.send)))
        working[-1][1].start()
        return box

    yield begin
    for box, thread in working:
        box.close()
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()


def test_events_wait_during_an_outage_this_is_reported_and_they_are_sent_in_order(
    sending: Callable[[Taking], Outbox],
) -> None:
    sandbox = Taking(away=True)
    box = sending(sandbox)
    for number in range(250):
        box.put({"n": number})
    until(lambda: box.trouble == "250 connections of the host are waiting to be sent.")
    sandbox.away = False
    until(lambda: len(sandbox.taken) == 250)
    assert sandbox.taken == list(range(250))
    until(lambda: not box.trouble)


def test_an_event_that_is_always_refused_does_not_block_others(sending: Callable[[Taking], Outbox]) -> None:
    sandbox = Taking(away=True, refuses=77)
    box = sending(sandbox)
    for number in range(120):
        box.put({"n": number})
    sandbox.away = False
    until(lambda: len(sandbox.taken) == 119)
    assert sandbox.taken == [number for number in range(120) if number != 77]


def test_of_too_many_events_the_oldest_are_dropped_and_counted(
    sending: Callable[[Taking], Outbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MOST_WAITING", 3)
    sandbox = Taking(away=True)
    box = sending(sandbox)
    for number in range(5):
        box.put({"n": number})
    until(lambda: box.trouble == "3 connections of the host are waiting to be sent. 2 older ones were lost.")
    sandbox.away = False
    until(lambda: len(sandbox.taken) == 3)
    assert sandbox.taken == [2, 3, 4]


# --- what a range refuses ---


def result_on(host: LabHost) -> ProgramResult:
    """The result of curl on the host."""
    *_, result = host.follow(["curl", "dadismad.com"], 1)
    assert isinstance(result, ProgramResult)
    return result


def test_an_update_that_the_range_refuses_is_reported_until_it_succeeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABKIT_RANGE_TIER", "3")
    wanted = [place(ALLOW, ALLOW_IN)]
    host = LabHost(tmp_path, ConnectEvents(Ids(), SOURCE_ADDRESSES), lambda: wanted[0], lambda event: None)
    host.start()
    apply, full = host._range.apply, LabError("The range refused these entries.", "no room.", "")

    def refuse(entries: Sequence[Entry]) -> None:
        raise full

    monkeypatch.setattr(host._range, "apply", refuse)
    wanted[0] = place(DENY, ALLOW, ALLOW_IN)
    host.refresh()
    said = (
        "The range refused entry egress 1: deny all to 203.0.113.10/32: no room. "
        "Still in force: acl-1 as before, with egress 100 and ingress 100."
    )
    assert host.status()["behind"] == said
    assert result_on(host).code == 0
    assert result_on(host).behind == said
    monkeypatch.setattr(host._range, "apply", apply)
    host.ensure()
    assert host.status()["behind"] == ""
    assert result_on(host).code == 28
    host.close()
