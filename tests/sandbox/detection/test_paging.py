"""Pages: sizes, tokens, and changes between two pages."""

from __future__ import annotations

import base64
import json

import pytest

from labkit.sandbox.detection import seed_data
from labkit.sandbox.detection.store.people import NewAuditRecord
from labkit.sandbox.detection.timestamps import now_ms
from tests.sandbox.detection.fixtures import Service, all_pages, errors, items

ALERTS = "/v2/alerts?status=active"


def ids(pages: list[list[dict]]) -> list[str]:
    return [item["id"] for page in pages for item in page]


def test_a_page_has_a_hundred_alerts(detection_service: Service) -> None:
    expected = detection_service.add_alerts(250)
    pages = all_pages(detection_service, ALERTS, "alerts", lambda token: f"{ALERTS}&token={token}")
    assert [len(page) for page in pages] == [100, 100, 50] and ids(pages) == expected


def test_a_full_last_page_has_no_token(detection_service: Service) -> None:
    detection_service.add_alerts(100)
    first = detection_service.get(ALERTS).json()
    assert len(first["alerts"]) == 100 and first["token"] is None


def test_a_page_has_a_hundred_agents(detection_service: Service) -> None:
    agent = seed_data.AGENTS[0]
    with detection_service.store.transaction():
        for number in range(201):
            numbered = agent | {"id": f"{number:08x}-b7c1-11f0-9f53-0242ac110002"}
            detection_service.store.agents.insert(seed_data.ORGANIZATION_ID, numbered, number, number)
    path = "/v2/agents?status=online"
    pages = all_pages(detection_service, path, "agents", lambda token: f"{path}&token={token}")
    assert [len(page) for page in pages] == [100, 100, 3] and len(set(ids(pages))) == 203


def test_a_page_has_fifty_audit_records(detection_service: Service) -> None:
    now = now_ms()
    with detection_service.store.transaction():
        for number in range(120):
            deed = NewAuditRecord(seed_data.ORGANIZATION_ID, "u", "e", "update", "x", f"number {number}", now - number)
            detection_service.store.audit.record(deed)
    pages = all_pages(detection_service, "/v2/auditlogs", "recs", lambda token: f"/v2/auditlogs?token={token}")
    assert [len(page) for page in pages] == [50, 50, 20]
    assert [rec["description"] for page in pages for rec in page] == [f"number {n}" for n in range(120)]


@pytest.mark.parametrize(
    "following",
    [
        "/v2/alerts?token={}",
        "/v2/alerts?status=active&token={}",
        ALERTS + "&severity=1&from=2026-11-01T00:00:00.000000&until=2026-12-31&token={}",
        "/v2/alerts?status=dismissed&severity=3&token={}",
    ],
)
def test_a_token_keeps_the_query_it_belongs_to(detection_service: Service, following: str) -> None:
    expected = detection_service.add_alerts(150, severity=1)
    detection_service.add_alerts(150, severity=3)
    detection_service.add_alerts(150, 1, severity=1)
    first = ALERTS + "&severity=1&from=2026-11-01T00:00:00.000000&until=2026-12-31"
    pages = all_pages(detection_service, first, "alerts", following.format)
    assert ids(pages) == expected


def test_new_items_between_two_pages_neither_repeat_nor_hide_any(detection_service: Service) -> None:
    expected = detection_service.add_alerts(150)
    first = detection_service.get(ALERTS).json()
    detection_service.add_alerts(30, 1_796_000_000_000)
    put_aside = expected[:10]
    detection_service.post("/v2/alerts/dismiss", {"ids": put_aside, "dismissReason": "MAINTENANCE"})
    second = detection_service.get(f"{ALERTS}&token={first['token']}").json()
    assert ids([first["alerts"], second["alerts"]]) == expected and second["token"] is None


def test_alerts_of_the_same_moment_are_paged_stably(detection_service: Service) -> None:
    expected = sorted((detection_service.add_alerts(1)[0] for _ in range(130)), reverse=True)
    pages = all_pages(detection_service, ALERTS, "alerts", lambda token: f"{ALERTS}&token={token}")
    assert ids(pages) == expected


def forged(*document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "%C3%A9",
        "AAAA",
        forged(),
        forged("agents", {"status": "online"}, [1, "a"]),
        forged("alerts", {"status": "active"}),
        forged("alerts", {"status": "active"}, [1]),
        forged("alerts", {"status": "active"}, ["1", "a"]),
        forged("alerts", ["status"], [1, "a"]),
        forged("alerts", {}, [1, "a"]),
        forged("alerts", {"status": "any"}, [1, "a"]),
        forged("alerts", {"status": ["active"]}, [1, "a"]),
        forged("alerts", {"status": "active"}, [10**30, "a"]),
        forged("alerts", {"status": "active"}, [2**63, "a"]),
        forged("alerts", {"status": "active"}, [[], "a"]),
    ],
)
def test_a_token_of_another_list_gets_400(detection_unchanged: Service, token: str) -> None:
    response = detection_unchanged.get(f"{ALERTS}&token={token}")
    assert response.status_code == 400 and errors(response)


def test_a_token_does_not_work_for_another_organization(detection_service: Service) -> None:
    detection_service.add_alerts(101)
    token = detection_service.get(ALERTS).json()["token"]
    detection_service.store.people.add_organization("0" * 24, "Other")
    detection_service.store.people.add_member("0" * 24, detection_service.user_id, "user")
    detection_service.organization_id = "0" * 24
    assert items(detection_service.get(f"{ALERTS}&token={token}"), "alerts") == []
    assert items(detection_service.get("/v2/rulesets"), "rulesets") == []
    assert detection_service.get(f"/v2/agents/{seed_data.LAB_AGENT_ID}").status_code == 404
