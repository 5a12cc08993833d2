"""What one caller may cost the others: the sizes of rules, events and replies."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.sandbox.detection.engine_fixtures import TOKEN, Watched
from tests.sandbox.detection.fixtures import PRECREATED, RULES, Service, errors
from tests.wait import PATIENCE_SECONDS

CLAUSE = 'dst_ip = "203.0.113.10" or '
LONG = CLAUSE * 400 + 'user = "root"'


@pytest.mark.parametrize(
    "fields",
    [
        {"filter": LONG},
        {"suppressions": [LONG]},
        {"suppressions": ['user = "root"'] * 51},
        {"suppressions": [CLAUSE * 10 + 'user = "root"'] * 40},
        {"type": "File", "fileIntegrityPaths": [{"path": "/a", "recursive": True}] * 101, "eventsToMonitor": ["ALL"]},
        {"type": "File", "fileIntegrityPaths": [{"path": "/" * 301, "recursive": True}], "eventsToMonitor": ["ALL"]},
        {"type": "Winsec", "aggregateFields": ["x" * 301]},
        {"type": "Winsec", "aggregateFields": ["x"] * 101},
        {"name": "Self Protect: Student４: mine"},
        {"name": "Self Protect: Student٤: mine"},
    ],
)
def test_a_rule_beyond_a_limit_is_refused_at_once(detection_unchanged: Service, fields: dict[str, Any]) -> None:
    body = detection_unchanged.get(PRECREATED).json() | {"name": "mine"} | fields
    start = time.process_time()
    response = detection_unchanged.post(RULES, body)
    assert response.status_code == 400, response.text
    assert all(error.startswith("Validation failed") for error in errors(response))
    assert time.process_time() - start < 1


def test_a_rule_within_the_limits_is_accepted(detection_service: Service) -> None:
    body = detection_service.get(PRECREATED).json()
    body |= {"name": "mine", "filter": CLAUSE * 300 + 'user = "root"', "suppressions": ['user = "root"'] * 50}
    response = detection_service.post(RULES, body)
    assert response.status_code == 200, response.text


def test_tags_and_reasons_have_a_limit(detection_service: Service) -> None:
    tag = {"source": "ec2", "key": "k", "value": "v"}
    path = f"/v2/rules/{PRECREATED.rpartition('/')[2]}/tags"
    for wrong in ([tag] * 51, [{**tag, "value": "v" * 301}]):
        assert detection_service.post(path, {"inclusion": wrong, "exclusion": []}).status_code == 400
    (alert_id,) = detection_service.add_alerts(1)
    reason = {"ids": [alert_id], "dismissReason": "OTHER", "dismissReasonText": "x" * 1001}
    assert detection_service.post("/v2/alerts/dismiss", reason).status_code == 400


def test_the_events_of_an_alert_come_in_pages_and_our_client_reads_them_all(watched: Watched) -> None:
    watched.change_rule(aggregateFields=["exe"])
    sent = [watched.event(timestamp=watched.clock.now + n) for n in range(250)]
    watched.send(*sent)
    (alert,) = watched.alerts()
    page = watched.service.get(f"/v2/alerts/{alert['id']}/events").json()
    assert len(page["events"]) == 100 and page["token"]
    events = watched.service.api().alert_events(alert["id"])
    assert sorted(event["_id"] for event in events) == sorted(event["_id"] for event in sent)


def test_an_alert_keeps_its_newest_thousand_events_and_counts_all(watched: Watched) -> None:
    watched.change_rule(aggregateFields=["exe"])
    start = watched.clock.now - 100_000
    for first in range(0, 1200, 300):
        watched.send(*(watched.event(timestamp=start + n) for n in range(first, first + 300)))
    (alert,) = watched.alerts()
    times = [event["timestamp"] for event in watched.service.api().alert_events(alert["id"])]
    assert times == list(range(start + 200, start + 1200))


def test_an_event_that_is_too_large_to_keep_is_refused(watched: Watched) -> None:
    for size, status in ((10_000, 200), (40_000, 400)):
        response = watched.post(f'[{{"event_type": "audit", "x": "{"y" * size}"}}]'.encode())
        assert response.status_code == 200, "it fires no rule, so it is not kept"
        event = watched.event(arguments="y" * size)
        assert watched.session.post(
            f"{watched.service.url}/_lab/events", json=[event], headers={"X-Lab-Token": TOKEN}, timeout=PATIENCE_SECONDS
        ).status_code == status  # fmt: skip


def test_long_texts_in_events_make_no_long_alerts(watched: Watched) -> None:
    watched.change_rule(title="{{arguments}} by {{user}}", aggregateFields=["arguments"])
    watched.send(watched.event(arguments="y" * 20_000))
    (alert,) = watched.alerts()
    assert len(alert["title"]) <= 1000
    assert all(len(one["value"]) <= 1000 for one in alert["aggregates"])


@pytest.mark.parametrize("after", [-1, -(10**22), 10**22, 2**63, 2**64])
def test_a_number_beyond_the_feed_begins_at_its_start(watched: Watched, after: int) -> None:
    watched.send(watched.event())
    feed = watched.service.get(f"/lab/feed/alerts?after={after}")
    assert feed.status_code == 200
    assert len(feed.json()["alerts"]) == 1
