"""A class in the detection service: all read everything, and each changes rules with their number and has a host."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from labkit.model.detection.criteria import wanted_criteria
from labkit.model.detection.event import connect_event
from labkit.model.detection.rule import Rule
from labkit.model.student import host_of, rule_name
from labkit.sandbox.classroom.classroom import Classroom
from labkit.sandbox.classroom.host_feed import StudentHosts
from labkit.sandbox.classroom.rights import ClassPermissions
from labkit.sandbox.classroom.roster import Roster
from labkit.sandbox.classroom.settings import ClassSettings
from labkit.sandbox.classroom.students import StudentStore
from labkit.sandbox.detection import seed_data
from labkit.sandbox.detection.api.app import create_detection_app
from labkit.sandbox.detection.api.rate_limit import RateLimit
from labkit.sandbox.detection.engine import Engine
from labkit.sandbox.detection.store.store import DetectionStore
from labkit.sandbox.detection.timestamps import now_ms
from tests.sandbox.detection.fixtures import PRECREATED, RULES, RULESETS, Service, errors, items
from tests.serving import serving

SIZE = 80
Students = Callable[[int], Service]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DetectionStore]:
    store = DetectionStore(tmp_path / "detection.sqlite")
    yield store
    store.close()


@pytest.fixture
def classroom(store: DetectionStore, tmp_path: Path) -> Classroom:
    return Classroom(tmp_path, store.ids, store, ClassSettings(SIZE))


@pytest.fixture
def engine(store: DetectionStore, classroom: Classroom) -> Engine:
    return Engine(store, student_of=classroom.students.by_agent)


@pytest.fixture
def student(store: DetectionStore, classroom: Classroom, engine: Engine) -> Iterator[Students]:
    """The service to the student with a number."""
    calls = classroom.detection_calls(engine, StudentHosts(lambda account: None))
    with serving(create_detection_app(store, RateLimit(1000), engine, classroom.limits, calls)) as url:
        credentials, made = classroom.students.credentials(), dict[int, Service]()
        yield lambda number: made.setdefault(number, Service(url, store, **credentials[number]))
        for one in made.values():
            one.session.close()


@pytest.fixture
def instructor(store: DetectionStore, student: Students) -> Service:
    """The service to who is no student: the user of the sandbox's own lab."""
    return Service(student(1).url, store, **store.credentials())


def rule_of(number: int, **changes: Any) -> dict[str, Any]:
    """The body of the rule that the lab's text asks of a student, enabled."""
    wanted = wanted_criteria(number)
    rule = wanted.apply_to(Rule("", "", "", (), "", enabled=True))
    return rule.to_api() | changes


def made(service: Service, body: dict[str, Any]) -> str:
    """The path of a rule that was created."""
    response = service.post(RULES, body)
    assert response.status_code == 200, response.text
    return f"{RULES}/{response.json()['id']}"


def refused(response: requests.Response, *words: str) -> None:
    """A 403 in the service's own form, signed like every reply."""
    assert response.status_code == 403
    assert "Server-Authorization" in response.headers
    (said,) = errors(response)
    assert all(word in said for word in words), said


def send(service: Service, *events: dict[str, Any]) -> dict[str, int]:
    response = service.post("/lab/events", list(events))
    assert response.status_code == 200, response.text
    return {name: number for name, number in response.json().items() if number}


def alerts(service: Service) -> list[dict[str, Any]]:
    return items(service.get("/v2/alerts?status=active"), "alerts")


def everything(service: Service) -> list[Any]:
    """What of the organization a change could change."""
    rulesets = items(service.get(RULESETS), "rulesets")
    return [rulesets, *(service.get(f"{RULESETS}/{one['id']}/rules").json() for one in rulesets), alerts(service)]


def test_a_student_creates_changes_tags_and_deletes_a_rule_with_their_number(student: Students) -> None:
    seven = student(7)
    path = made(seven, rule_of(7))
    assert seven.put(path, rule_of(7, window=60)).json()["window"] == 60
    tags = {"inclusion": [{"source": "ec2", "key": "a", "value": "b"}], "exclusion": []}
    assert seven.post(f"/v2/rules/{path.rpartition('/')[2]}/tags", tags).json() == tags
    assert seven.delete(path).status_code == 200


def test_the_101st_rule_of_a_student_is_refused_however_many_are_sent_at_once_and_no_others(student: Students) -> None:
    student(7), student(8), made(student(1), rule_of(1))
    for number in range(95):
        made(student(7), rule_of(7, name=f"Student7: {number}"))
    with ThreadPoolExecutor(4) as at_once:
        statuses = list(at_once.map(lambda _: student(7).post(RULES, rule_of(7)).status_code, range(10)))
    assert sorted(statuses) == [200] * 5 + [400] * 5
    (said,) = errors(student(7).post(RULES, rule_of(7)))
    assert "student 7 has 100 rules already: delete one first" in said
    made(student(8), rule_of(8))


@pytest.mark.parametrize("number", [1, 70, 77, 8])
def test_a_student_changes_no_rule_of_another_however_alike_the_numbers_are(student: Students, number: int) -> None:
    theirs = made(student(number), rule_of(number))
    seven, before = student(7), everything(student(number))
    refused(seven.put(theirs, rule_of(number, enabled=False)), "student 7", "'Student7:'")
    refused(seven.put(theirs, rule_of(7)), f"Student{number}:")
    refused(seven.delete(theirs), f"Student{number}:")
    refused(seven.post(f"/v2/rules/{theirs.rpartition('/')[2]}/tags", {"inclusion": [], "exclusion": []}))
    refused(seven.post(RULES, rule_of(number)), f"Student{number}:")
    assert everything(student(number)) == before


@pytest.mark.parametrize("name", ["mine", "Student7 mine", "Self Protect: Student7: and Student8: ours", rule_name(8)])
def test_a_rule_is_neither_created_nor_renamed_without_its_students_number(student: Students, name: str) -> None:
    path = made(student(7), rule_of(7))
    refused(student(7).post(RULES, rule_of(7, name=name)), "whose names contain 'Student7:'")
    refused(student(7).put(path, rule_of(7, name=name)), "whose names contain 'Student7:'")
    assert student(7).get(path).json()["name"] == rule_name(7)


def test_shared_rules_can_be_read_and_not_changed(student: Students) -> None:
    seven, before = student(7), everything(student(7))
    refused(seven.put(PRECREATED, seven.get(PRECREATED).json() | {"enabled": True}))
    refused(seven.delete(PRECREATED))
    refused(seven.post(RULESETS, {"name": "mine", "ruleIds": []}), "student 7")
    refused(seven.put(f"{RULESETS}/{seed_data.BASE_RULE_SET_ID}", {"name": "mine"}))
    refused(seven.delete(f"{RULESETS}/{seed_data.BASE_RULE_SET_ID}"))
    member = {"userId": seven.store.people.find_user(seed_data.GUEST_EMAIL).id, "role": "owner"}
    refused(seven.post("/v2/organizations/members", member))
    assert everything(seven) == before
    assert student(8).get(made(seven, rule_of(7))).json()["name"] == rule_name(7)


def test_the_instructor_changes_everything(student: Students, instructor: Service) -> None:
    path = made(student(7), rule_of(7))
    assert instructor.put(path, rule_of(7, name="taken over")).status_code == 200
    assert instructor.post(RULESETS, {"name": "more", "ruleIds": []}).status_code == 200


def test_each_student_has_a_host_and_only_that_hosts_events_fire_their_rule(student: Students) -> None:
    for number in (7, 8):
        made(student(number), rule_of(number))
    assert send(student(7), connect_event("203.0.113.10")) == {"events": 1, "matched": 1, "raised": 1}
    (alert,) = alerts(student(8))
    assert alert["title"].startswith(rule_name(7))
    agent = student(8).get(f"/v2/agents/{alert['agentId']}").json()
    assert (agent["name"], agent["status"]) == (host_of(7), "online")


def test_a_rule_without_a_number_sees_every_students_host(student: Students, instructor: Service) -> None:
    made(instructor, rule_of(7, name="Everybody's", filter='command = "touch"', aggregateFields=["filename"]))
    touched = {"event_type": "audit", "command": "touch", "filename": "/tmp/x"}
    for number in (7, 8):
        assert send(student(number), touched)["raised"] == 1
    assert len({alert["agentId"] for alert in alerts(student(7))}) == 2


def test_an_event_belongs_to_its_senders_host_whatever_it_claims(student: Students, classroom: Classroom) -> None:
    made(student(8), rule_of(8))
    agent_id = classroom.students.agent_id(8)
    forged = connect_event("203.0.113.10") | {"agent_id": agent_id, "organization_id": "another"}
    assert send(student(7), forged) == {"events": 1}
    assert alerts(student(8)) == []


def test_events_of_the_instructors_host_fire_no_students_rule_but_the_instructors_own(
    student: Students, instructor: Service, engine: Engine
) -> None:
    made(student(7), rule_of(7))
    made(instructor, rule_of(SIZE + 1))
    event = connect_event("203.0.113.10") | {"agent_id": seed_data.LAB_AGENT_ID}
    assert engine.ingest([event]).raised == 1
    (alert,) = alerts(instructor)
    assert alert["title"].startswith(rule_name(SIZE + 1))


def test_events_of_a_students_host_do_not_fire_the_instructors_own_rule(
    student: Students, instructor: Service, engine: Engine
) -> None:
    made(instructor, rule_of(SIZE + 1))
    assert send(student(7), connect_event("203.0.113.10")) == {"events": 1}
    assert alerts(instructor) == []


def test_only_students_may_send_events_and_a_malformed_one_is_refused(student: Students, instructor: Service) -> None:
    refused(instructor.post("/lab/events", [connect_event("203.0.113.10")]), "student of a class")
    assert errors(student(7).post("/lab/events", ["no event"])) == ["event 0: it is not a JSON object"]
    assert errors(student(7).post("/lab/events", b'{"a": 1}\n{"b"'))[0].startswith("line 2")


def test_a_student_dismisses_alerts_of_their_own_rule_and_no_other(student: Students) -> None:
    for number in (7, 8):
        made(student(number), rule_of(number))
        send(student(number), connect_event("203.0.113.10"))
    by_title = {alert["title"].split(":")[1].strip(): alert for alert in alerts(student(7))}
    mine, theirs = by_title["Student7"]["id"], by_title["Student8"]["id"]
    why = {"dismissReason": "MAINTENANCE"}
    refused(student(7).post("/v2/alerts/dismiss", {"ids": [mine, theirs], **why}), theirs, "nothing was dismissed")
    span = {"from": "2020-01-01T00:00:00.000Z", "until": "2099-01-01T00:00:00.000Z"}
    refused(student(7).post("/v2/alerts/dismiss", {**span, "severity": by_title["Student7"]["severity"], **why}))
    assert len(alerts(student(7))) == 2
    only_mine = {**span, "ruleID": by_title["Student7"]["ruleId"], **why}
    assert student(7).post("/v2/alerts/dismiss", only_mine).json() == {"dismissed": 1}
    assert [alert["id"] for alert in alerts(student(7))] == [theirs]


def test_an_alert_without_a_rule_is_dismissed_by_the_student_of_its_host(student: Students) -> None:
    path = made(student(7), rule_of(7))
    send(student(7), connect_event("203.0.113.10"))
    student(7).delete(path)
    (alert,) = alerts(student(7))
    body = {"ids": [alert["id"]], "dismissReason": "MAINTENANCE"}
    refused(student(8).post("/v2/alerts/dismiss", body))
    assert student(7).post("/v2/alerts/dismiss", body).json() == {"dismissed": 1}


def test_one_students_endless_loop_does_not_use_up_the_others_requests(
    store: DetectionStore, classroom: Classroom
) -> None:
    credentials = classroom.students.credentials()
    with serving(create_detection_app(store, RateLimit(3), limits=classroom.limits)) as url:
        seven, eight = (Service(url, store, **credentials[number]) for number in (7, 8))
        statuses = [seven.get(RULESETS).status_code for _ in range(5)]
        assert statuses == [200, 200, 200, 429, 429]
        assert eight.get(RULESETS).status_code == 200


def test_students_seen_are_recorded_and_a_forged_request_is_not(store: DetectionStore, classroom: Classroom) -> None:
    roster = Roster(dict.fromkeys(range(1, SIZE + 1)), clock=lambda: 1_790_000_000_000)  # type: ignore[arg-type]
    students = classroom.students
    credentials = students.credentials()
    with serving(create_detection_app(store, limits=ClassPermissions(students, roster))) as url:
        Service(url, store, **credentials[7] | {"api_key": credentials[8]["api_key"]}).get(RULESETS)
        assert roster.last_seen(7) is None
        Service(url, store, **credentials[7]).get(RULESETS)
    assert roster.last_seen(7) == 1_790_000_000_000
    assert roster.last_seen(8) is None
    assert students.last_authenticated()[7] is not None


def test_a_growing_class_keeps_its_students_and_a_reloaded_class_is_the_same(tmp_path: Path) -> None:
    first = DetectionStore(tmp_path / "detection.sqlite")
    students = StudentStore(first)
    students.enrol(3, now_ms())
    before = students.credentials()
    students.enrol(5, now_ms())
    after = students.credentials()
    first.close()
    again = DetectionStore(tmp_path / "detection.sqlite")
    assert before == {number: after[number] for number in (1, 2, 3)}
    students = StudentStore(again)
    assert students.credentials() == after
    assert len({one["api_key"] for one in after.values()}) == 5
    assert sorted(students.by_agent.values()) == [1, 2, 3, 4, 5]
    with pytest.raises(KeyError):
        students.agent_id(6)
    again.close()


def test_everybody_sees_every_agent(student: Students) -> None:
    names = {agent["name"] for agent in items(student(7).get("/v2/agents?status=online"), "agents")}
    assert {host_of(number) for number in range(1, SIZE + 1)} < names


def test_what_one_request_makes_others_wait_for_is_bounded(student: Students) -> None:
    def events(count: int, batch: int = 0) -> list[dict[str, Any]]:
        return [{**connect_event("203.0.113.10"), "arguments": f"{batch} {number}"} for number in range(count)]

    def said(*sent: dict[str, Any]) -> str:
        response = student(7).post("/lab/events", list(sent))
        assert response.status_code == 400
        return errors(response)[0]

    rules = [rule_of(7, name=f"Student7: {number}", aggregateFields=["arguments"]) for number in range(6)]
    ids = [made(student(7), rule).rpartition("/")[2] for rule in rules]
    assert "at most 100 events at once" in said(*events(101))
    assert "fire rules more than 500 times" in said(*events(100))
    assert alerts(student(7)) == []
    for batch in range(12):
        assert send(student(7), *events(50, batch))["raised"] == 300
    span = {"from": "2020-01-01", "until": "2100-01-01", "ruleID": ids[0], "dismissReason": "BUSINESS_OP"}
    for dismissed in (600, 0):
        assert student(7).post("/v2/alerts/dismiss", span).json() == {"dismissed": dismissed}
