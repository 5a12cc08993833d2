"""The feed of alerts for live views and the responder: it answers at once or on the next alert, without polling."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from labkit.model.errors import CredentialsRefused, ServiceError
from labkit.sandbox.control import TOKEN_HEADER
from labkit.sandbox.detection import seed_data
from labkit.sandbox.detection.engine import MOST_CHANGES
from labkit.sandbox.detection.timestamps import format_time
from labkit.services.detection import alert_feed
from labkit.services.detection.alert_feed import AlertFeed, NoFeed
from labkit.services.detection.api import DetectionApi
from tests.sandbox.detection.engine_fixtures import TOKEN, Clock, Watched, addresses, watching
from tests.sandbox.detection.fixtures import Service
from tests.wait import until

FEED = "/lab/feed/alerts"
LONG = 30
"""Seconds. Whoever waits is answered long before."""

SOON = LONG / 2


def ask(watched: Watched, query: str = "") -> dict[str, Any]:
    response = watched.service.get(FEED + query)
    assert response.status_code == 200
    return response.json()


def waiting(watched: Watched, number: int) -> None:
    """Come back once that many wait in the engine."""

    def there() -> bool:
        with watched.engine._news:
            return len(watched.engine._news._waiters) >= number

    until(there)


def test_the_first_request_returns_the_current_position(watched: Watched) -> None:
    assert ask(watched) == {"alerts": [], "after": 0}
    watched.send(watched.event())
    assert ask(watched) == {"alerts": [], "after": 1}


def test_newer_alerts_are_returned_at_once_each_once_in_its_current_state(watched: Watched) -> None:
    watched.send(watched.event(), watched.event("198.51.100.7"))
    watched.clock.now += 250
    watched.send(watched.event())
    reply = ask(watched, f"?after=0&wait={LONG}")
    (newer, older) = watched.alerts()
    by_id = {alert["id"]: alert for alert in (newer, older)}
    assert [one["alert"] for one in reply["alerts"]] == [by_id[one["alertId"]] for one in reply["alerts"]]
    assert [(one["alert"]["aggregates"][2]["value"], one["count"]) for one in reply["alerts"]] == [
        ("198.51.100.7", 1),
        ("203.0.113.10", 2),
    ]
    assert format_time(reply["alerts"][1]["eventAt"]) == format_time(watched.clock.now)
    assert reply["after"] == 3
    assert ask(watched, "?after=2")["alerts"] == reply["alerts"][1:]
    assert ask(watched, "?after=3") == {"alerts": [], "after": 3}


def test_a_waiting_request_is_answered_when_an_alert_arrives(watched: Watched) -> None:
    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(ask, watched, f"?after=0&wait={LONG}")
        waiting(watched, 1)
        assert not reply.done()
        watched.engine.ingest([watched.event()])
        assert [one["count"] for one in reply.result(SOON)["alerts"]] == [1]


def test_concurrent_requests_each_get_only_the_alerts_of_their_rule(watched: Watched) -> None:
    other = watched.make_rule(name="Other", filter='user = "root"')
    concerned = [f"?after=0&wait={LONG}&rule={seed_data.PRECREATED_RULE_ID}", f"?after=0&wait={LONG}"] * 10
    with ThreadPoolExecutor(len(concerned) + 2) as pool:
        replies = [pool.submit(_ask_alone, watched.service, query) for query in concerned]
        waiting(watched, len(concerned))
        others = [pool.submit(_ask_alone, watched.service, f"?after=0&wait=2&rule={other['id']}") for _ in range(2)]
        waiting(watched, len(concerned) + 2)
        watched.engine.ingest([watched.event()])
        assert [len(reply.result(SOON)["alerts"]) for reply in replies] == [1] * 20
        assert [reply.result(SOON) for reply in others] == [{"alerts": [], "after": 0}] * 2


def _ask_alone(service: Service, query: str) -> dict[str, Any]:
    alone = Service(service.url, service.store, service.user_id, service.api_key)
    reply = alone.get(FEED + query).json()
    alone.session.close()
    return reply


def test_events_without_an_alert_do_not_answer_a_request(watched: Watched) -> None:
    watched.change_rule(threshold=2)
    watched.send(watched.event(), watched.event("127.0.0.1"))
    assert ask(watched, "?after=0") == {"alerts": [], "after": 0}


def test_a_late_event_does_not_move_an_alerts_time_back(watched: Watched) -> None:
    watched.send(watched.event(), watched.event(timestamp=watched.clock.now - 5000))
    (change,) = ask(watched, "?after=0")["alerts"]
    assert (change["count"], change["eventAt"]) == (2, watched.clock.now)


def test_alerts_beyond_one_reply_come_in_the_next(watched: Watched) -> None:
    watched.engine.ingest([watched.event(address) for address in addresses(MOST_CHANGES + 7)])
    first = ask(watched, "?after=0")
    second = ask(watched, f"?after={first['after']}")
    assert (len(first["alerts"]), len(second["alerts"])) == (MOST_CHANGES, 7)
    ids = [one["alertId"] for one in first["alerts"] + second["alerts"]]
    assert len(set(ids)) == MOST_CHANGES + 7


def test_the_feed_restarts_for_a_number_from_earlier_state(watched: Watched) -> None:
    watched.send(watched.event())
    assert len(ask(watched, f"?after=500&wait={LONG}")["alerts"]) == 1


def test_the_feed_continues_after_a_restart(tmp_path: Path) -> None:
    clock = Clock()
    with watching(tmp_path, clock) as watched:
        watched.change_rule(enabled=True)
        watched.send(watched.event())
    with watching(tmp_path, clock) as watched:
        watched.send(watched.event("198.51.100.7"))
        assert [one["alert"]["aggregates"][2]["value"] for one in ask(watched, "?after=1")["alerts"]] == [
            "198.51.100.7"
        ]


def test_stopping_the_engine_answers_all_waiting_requests(watched: Watched) -> None:
    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(ask, watched, f"?after=0&wait={LONG}")
        waiting(watched, 1)
        watched.engine.close()
        assert reply.result(SOON) == {"alerts": [], "after": 0}


@pytest.mark.parametrize("query", ["?after=x", "?after=1&wait=soon", "?after="])
def test_a_bad_parameter_gets_400(watched: Watched, query: str) -> None:
    assert watched.service.get(FEED + query).status_code == 400


@pytest.mark.parametrize("wait", ["nan", "-1", "0", ""])
def test_without_wait_the_reply_comes_at_once(watched: Watched, wait: str) -> None:
    assert ask(watched, f"?after=0&wait={wait}") == {"alerts": [], "after": 0}


def test_the_feed_requires_a_signature_and_signs_its_replies_and_a_reader_may_read_it(watched: Watched) -> None:
    assert watched.session.get(watched.service.url + FEED).status_code == 401
    reader = watched.service.as_member(seed_data.OBSERVER_EMAIL)
    assert reader.get(FEED).headers["Server-Authorization"].startswith("Hawk mac=")
    reader.session.close()


def test_the_sandboxs_own_token_opens_the_same_feed(watched: Watched) -> None:
    watched.send(watched.event())
    url = f"{watched.service.url}/_lab/alerts?after=0"
    reply = watched.session.get(url, headers={TOKEN_HEADER: TOKEN})
    assert reply.json() == ask(watched, "?after=0")
    assert watched.session.get(url).status_code == 403


# --- the client ---


def test_the_client_gets_an_alert_as_soon_as_it_is_raised(watched: Watched) -> None:
    feed = AlertFeed(watched.service.api(), seed_data.PRECREATED_RULE_ID)
    assert feed() == []
    with ThreadPoolExecutor(1) as pool:
        news = pool.submit(feed)
        waiting(watched, 1)
        watched.engine.ingest([watched.event()])
        (alert,) = news.result(SOON)
    assert dict(alert.aggregates)["dst_ip"] == "203.0.113.10"


def test_the_client_returns_nothing_after_a_while(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_feed, "POLL_SECONDS", 0.05)
    feed = AlertFeed(watched.service.api())
    assert (feed(), feed()) == ([], [])


def test_the_client_reports_a_service_without_a_feed(detection_unchanged: Service) -> None:
    with pytest.raises(NoFeed, match="has no feed"):
        AlertFeed(detection_unchanged.api())()


def test_the_client_reports_a_service_with_an_unsigned_404(watched: Watched) -> None:
    with pytest.raises(NoFeed):
        AlertFeed(DetectionApi(f"{watched.service.url}/elsewhere", **watched.store.credentials()))()


def test_a_refusal_is_not_taken_for_a_missing_feed(watched: Watched) -> None:
    service = watched.service
    with pytest.raises(CredentialsRefused):
        AlertFeed(DetectionApi(service.url, service.user_id, "0" * 64, service.organization_id))()
    with pytest.raises(ServiceError, match="403"):
        AlertFeed(DetectionApi(service.url, service.user_id, service.api_key, "0" * 24))()
