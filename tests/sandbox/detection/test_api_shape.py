"""The rules for every call of the REST API: refusals, limits, paths, numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from labkit.sandbox.detection import seed_data
from labkit.sandbox.detection.api.rate_limit import RateLimit
from labkit.sandbox.detection.store import database
from labkit.services.detection.errors import refusal
from tests.sandbox.detection.fixtures import PRECREATED, RULES, RULESETS, Service, a_service, errors, items
from tests.wait import PATIENCE_SECONDS


@pytest.mark.parametrize("path", ["/v2/nothing", "/v2/rulesets/a/b/c/d", "/v2/", "/v2//rulesets"])
def test_an_unknown_path_gets_404_in_the_apis_format(detection_unchanged: Service, path: str) -> None:
    response = detection_unchanged.get(path)
    assert response.status_code == 404 and path in errors(response)[0]


@pytest.mark.parametrize(("method", "path"), [("PATCH", PRECREATED), ("DELETE", RULESETS), ("PUT", RULES)])
def test_unpublished_calls_do_not_exist(detection_unchanged: Service, method: str, path: str) -> None:
    response = detection_unchanged.post(path, {"enabled": True}, method)
    assert response.status_code == 405 and errors(response)


@pytest.mark.parametrize("path", [RULESETS, RULES, PRECREATED, "/v2/alerts?status=active", "/v2/aws/ec2"])
def test_a_trailing_slash_changes_nothing(detection_unchanged: Service, path: str) -> None:
    bare, _, query = path.partition("?")
    slashed = detection_unchanged.get(f"{bare}/?{query}")
    assert slashed.status_code == 200 and slashed.json() == detection_unchanged.get(path).json()


def test_unknown_parameters_are_ignored(detection_service: Service) -> None:
    detection_service.add_alerts(3)
    alerts = items(detection_service.get("/v2/alerts?status=active&severity1&fields=id&x=y"), "alerts")
    assert len(alerts) == 3


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b'"text"'])
def test_a_body_that_is_not_a_json_object_gets_400(detection_unchanged: Service, content: bytes) -> None:
    for method, path in (("POST", RULESETS), ("PUT", PRECREATED), ("POST", "/v2/alerts/dismiss")):
        response = detection_unchanged.post(path, content, method)
        assert response.status_code == 400 and "JSON" in errors(response)[0]


def test_a_huge_body_is_refused_and_the_service_continues(detection_unchanged: Service) -> None:
    response = detection_unchanged.post(RULESETS, {"name": "x" * 1_100_000})
    assert response.status_code == 413 and errors(response)
    assert detection_unchanged.get(RULESETS).status_code == 200


def test_an_internal_error_gets_500_without_details(
    detection_service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    with detection_service.store.transaction():
        detection_service.store.database.write("ALTER TABLE agent RENAME TO lost")
    response = detection_service.get("/v2/agents?status=online")
    assert response.status_code == 500 and errors(response) == ["internal error"]
    assert "no such table" in caplog.text and detection_service.api_key not in caplog.text


def test_a_full_disk_is_named(detection_service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_PRAGMAS", f"{database._PRAGMAS} PRAGMA max_page_count = 1;")
    for number in range(200):  # until the free part of the last pages is used up
        response = detection_service.post(RULESETS, {"name": f"{number}", "description": "x" * 200})
        if response.status_code != 200:
            break
    assert response.status_code == 507 and errors(response) == ["the sandbox's disk is full"]
    assert "Free some space" in refusal(response).next_step


def test_a_reader_can_read_and_not_change(detection_unchanged: Service) -> None:
    reader = detection_unchanged.as_member(seed_data.OBSERVER_EMAIL)
    rule = reader.get(PRECREATED).json()
    for response in (
        reader.put(PRECREATED, rule | {"enabled": True}),
        reader.post(RULES, rule),
        reader.delete(PRECREATED),
        reader.post("/v2/alerts/dismiss", {"ids": [], "dismissReason": "MAINTENANCE"}),
    ):
        assert response.status_code == 403 and "reader" in errors(response)[0]
    assert reader.get(PRECREATED).json() == rule


def test_too_many_requests_get_429_in_plain_text_until_the_window_ends(tmp_path: Path) -> None:
    now = 0.0
    with a_service(tmp_path, RateLimit(3, clock=lambda: now)) as service:
        left = [service.get(RULESETS).headers["x-rate-limit-remaining"] for _ in range(3)]
        assert left == ["2", "1", "0"]
        now = 20.0
        sender = service.sender("GET", RULESETS)
        refused = service.send(sender, "GET", RULESETS)
        assert refused.status_code == 429
        assert refused.headers["x-rate-limit-reset"] == "40000", "milliseconds until the window ends"
        with pytest.raises(requests.exceptions.JSONDecodeError):
            refused.json()
        sender.accept_response(
            refused.headers["Server-Authorization"],
            content=refused.content,
            content_type=refused.headers["Content-Type"],
        )
        other_user = service.as_member(seed_data.OBSERVER_EMAIL)
        assert other_user.get(RULESETS).status_code == 429, "the limit is the organization's"
        assert service.get("/help/hawk/self-test").status_code == 200
        now = 60.0
        assert service.get(RULESETS).status_code == 200


def test_unauthenticated_requests_do_not_count_towards_the_limit(tmp_path: Path) -> None:
    with a_service(tmp_path, RateLimit(1)) as service:
        for _ in range(3):
            requests.get(service.url + RULESETS, timeout=PATIENCE_SECONDS)
        assert service.get(RULESETS).status_code == 200


def test_the_default_limit_leaves_room_for_a_class(detection_unchanged: Service) -> None:
    assert int(detection_unchanged.get(RULESETS).headers["x-rate-limit-remaining"]) > 5000
