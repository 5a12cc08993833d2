"""Alerts, their events, counts and dismissal through the REST API."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.sandbox.detection import seed_data
from labkit.sandbox.ids import new_id
from tests.sandbox.detection.fixtures import Service, add_events, errors, items

ACTIVE = "/v2/alerts?status=active"
T0 = 1_795_000_000_000


def active(service: Service, query: str = "") -> list[dict[str, Any]]:
    return items(service.get(ACTIVE + query), "alerts")


def test_the_list_is_empty_at_first_and_has_its_token(detection_unchanged: Service) -> None:
    assert detection_unchanged.get(ACTIVE).json() == {"alerts": [], "token": None}
    assert detection_unchanged.get("/v2/alerts?status=dismissed").json() == {"alerts": [], "token": None}


@pytest.mark.parametrize("query", ["", "?status=", "?status=open", "?token="])
def test_a_status_is_required(detection_unchanged: Service, query: str) -> None:
    for noun in ("alerts", "agents"):
        response = detection_unchanged.get(f"/v2/{noun}{query}")
        assert response.status_code == 400 and "status" in errors(response)[0]


def test_newest_first_and_ties_by_id(detection_service: Service) -> None:
    ids = detection_service.add_alerts(5)
    assert [alert["id"] for alert in active(detection_service)] == ids
    same = sorted((detection_service.add_alerts(1, T0 - 1)[0] for _ in range(5)), reverse=True)
    assert [alert["id"] for alert in active(detection_service)] == ids + same


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("&severity=1", 2),
        ("&severity=2", 0),
        (f"&agentId={seed_data.LAB_AGENT_ID}", 3),
        (f"&ruleId={seed_data.PRECREATED_RULE_ID}", 5),
        (f"&rulesetId={seed_data.BASE_RULE_SET_ID}&severity=3", 3),
        (f"&ruleId={seed_data.LAB_AGENT_ID}", 0),
    ],
)
def test_alerts_are_filtered_by_severity_agent_rule_and_rule_set(
    detection_service: Service, query: str, number: int
) -> None:
    detection_service.add_alerts(2, severity=1)
    detection_service.add_alerts(3, agent_id=seed_data.LAB_AGENT_ID)
    assert len(active(detection_service, query)) == number


@pytest.mark.parametrize(
    "query", ["&severity=0", "&severity=high", "&ruleId=7", "&from=yesterday", "&until=2026-13-01"]
)
def test_a_bad_parameter_gets_400_with_its_name(detection_unchanged: Service, query: str) -> None:
    response = detection_unchanged.get(ACTIVE + query)
    assert response.status_code == 400 and errors(response)


DAY = 1_795_046_400_000  # 2026-11-19T00:00:00Z


@pytest.mark.parametrize(
    ("start", "milliseconds"),
    [
        ("2026-11-19", 0),
        ("2026-11-19T01", 3_600_000),
        ("2026-11-19T01:30", 5_400_000),
        ("2026-11-19T01:30:15", 5_415_000),
        ("2026-11-19T01:30:15Z", 5_415_000),
        ("2026-11-19T01:30:15.250Z", 5_415_250),
        ("2026-11-19T01:30:15.250999", 5_415_250),
        ("2026-11-19T01:30:15.250+00:00", 5_415_250),
        ("2026-11-19T03:30:15.250+02:00", 5_415_250),
        ("2026-11-19T03:30:15.250%2B02:00", 5_415_250),
        ("2026-11-18T20:30:15.250-05:00", 5_415_250),
    ],
)
def test_every_time_format_that_clients_send_is_accepted(
    detection_service: Service, start: str, milliseconds: int
) -> None:
    detection_service.add_alerts(1, DAY + milliseconds - 1)
    (exactly,) = detection_service.add_alerts(1, DAY + milliseconds)
    (later,) = detection_service.add_alerts(1, DAY + milliseconds + 1)
    assert [alert["id"] for alert in active(detection_service, f"&from={start}")] == [later, exactly]
    assert len(active(detection_service, f"&until={start}")) == 2
    assert [alert["id"] for alert in active(detection_service, f"&from={start}&until={start}")] == [exactly]


def test_from_later_than_until_gets_400(detection_unchanged: Service) -> None:
    response = detection_unchanged.get(ACTIVE + "&from=2026-11-20&until=2026-11-19")
    assert response.status_code == 400 and errors(response) == ["from is later than until"]


def test_the_events_of_an_alert_are_complete_and_oldest_first(detection_service: Service) -> None:
    (alert_id,) = detection_service.add_alerts(1)
    events = [
        {
            "_id": new_id(),
            "timestamp": T0 + n,
            "agent_id": seed_data.LAB_AGENT_ID,
            "connection": {"dst_addr": "203.0.113.10"},
        }
        for n in (3, 1, 2)
    ]
    add_events(detection_service.store, alert_id, *events)
    answered = detection_service.get(f"/v2/alerts/{alert_id}/events")
    assert answered.json() == {"events": [events[1], events[2], events[0]]}


@pytest.mark.parametrize("ending", ["", "/events"])
def test_an_unknown_alert_gets_404(detection_unchanged: Service, ending: str) -> None:
    assert detection_unchanged.get(f"/v2/alerts/{seed_data.LAB_AGENT_ID}{ending}").status_code == 404


def test_severities_are_counted_among_the_active_alerts(detection_service: Service) -> None:
    counts = "/v2/alerts/severity-counts"
    none = [{"severity": one, "count": 0} for one in (1, 2, 3)]
    assert detection_service.get(counts).json() == {"severityCounts": none}
    gone, *_ = detection_service.add_alerts(3, DAY, severity=1)
    detection_service.add_alerts(2, DAY + 86_400_000)
    detection_service.post("/v2/alerts/dismiss", {"ids": [gone], "dismissReason": "MAINTENANCE"})
    told = detection_service.get(counts).json()["severityCounts"]
    assert told == [{"severity": 1, "count": 2}, {"severity": 2, "count": 0}, {"severity": 3, "count": 2}]
    told = detection_service.get(counts + "?from=2026-11-20&until=2026-11-21").json()["severityCounts"]
    assert [one["count"] for one in told] == [0, 0, 2]


def test_alerts_are_dismissed_by_id(detection_service: Service) -> None:
    ids = detection_service.add_alerts(3)
    body = {"ids": ids[:2], "dismissReason": "OTHER", "dismissReasonText": "lab"}
    assert detection_service.post("/v2/alerts/dismiss", body).status_code == 200
    assert [alert["id"] for alert in active(detection_service)] == ids[2:]
    dismissed = items(detection_service.get("/v2/alerts?status=dismissed"), "alerts")
    assert [alert["id"] for alert in dismissed] == ids[:2]
    alert = detection_service.get(f"/v2/alerts/{ids[0]}").json()
    assert alert["isDismissed"] is True and alert["dismissReason"] == "OTHER" and alert["dismissReasonText"] == "lab"
    assert alert["dismissedBy"] == detection_service.user_id and alert["dismissedAt"] > alert["createdAt"][:4]


def test_alerts_are_dismissed_by_query(detection_service: Service) -> None:
    detection_service.add_alerts(2, DAY, severity=1)
    kept = detection_service.add_alerts(1, DAY, severity=2) + detection_service.add_alerts(1, DAY - 1, severity=1)
    body = {"from": "2026-11-19", "until": "2026-11-20", "severity": 1, "dismissReason": "BUSINESS_OP"}
    assert detection_service.post("/v2/alerts/dismiss", body).status_code == 200
    assert [alert["id"] for alert in active(detection_service)] == kept
    body = {"from": "2026-11-18", "until": "2026-11-20", "ruleID": seed_data.PRECREATED_RULE_ID}
    assert detection_service.post("/v2/alerts/dismiss", body | {"dismissReason": "MAINTENANCE"}).status_code == 200
    assert active(detection_service) == []


SPAN = {"from": "2026-11-19", "until": "2026-11-20"}


@pytest.mark.parametrize(
    "body",
    [
        {"ids": [seed_data.LAB_AGENT_ID]},
        {"ids": [seed_data.LAB_AGENT_ID], "dismissReason": "NONE"},
        {"ids": [seed_data.LAB_AGENT_ID], "dismissReason": "OTHER"},
        {"ids": [seed_data.LAB_AGENT_ID], "dismissReason": "OTHER", "dismissReasonText": ""},
        {"ids": [seed_data.LAB_AGENT_ID], "dismissReason": "MAINTENANCE", "dismissReasonText": "x"},
        {"ids": [], "dismissReason": "MAINTENANCE"},
        {"ids": [5], "dismissReason": "MAINTENANCE"},
        {"ids": [seed_data.LAB_AGENT_ID] * 513, "dismissReason": "MAINTENANCE"},
        {"dismissReason": "MAINTENANCE"},
        {"dismissReason": "MAINTENANCE", **SPAN},
        {"dismissReason": "MAINTENANCE", **SPAN, "ruleId": seed_data.PRECREATED_RULE_ID},
        {"dismissReason": "MAINTENANCE", **SPAN, "severity": 4},
        {"dismissReason": "MAINTENANCE", **SPAN, "severity": "1"},
        {"dismissReason": "MAINTENANCE", **SPAN, "severity": [1]},
        {"dismissReason": "MAINTENANCE", "from": "2026-11-19", "severity": 1},
        {"dismissReason": "MAINTENANCE", "from": 5, "until": 6, "severity": 1},
        {"dismissReason": "MAINTENANCE", "from": "2026-11-20", "until": "2026-11-19", "severity": 1},
    ],
)
def test_a_malformed_dismissal_gets_400(detection_service: Service, body: dict[str, Any]) -> None:
    detection_service.add_alerts(1, DAY)
    response = detection_service.post("/v2/alerts/dismiss", body)
    assert response.status_code == 400 and errors(response)
    assert len(active(detection_service)) == 1
