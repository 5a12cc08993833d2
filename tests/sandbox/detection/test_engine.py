"""Events in over HTTP, alerts out through the REST API."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
import pytest

from labkit.model.detection.alerting import KIND_OF_EVENT
from labkit.sandbox.detection import seed_data
from labkit.sandbox.detection.feed import MOST_BODY_BYTES
from labkit.sandbox.detection.timestamps import format_time
from tests.sandbox.detection.engine_fixtures import DAY, HOUR, SECOND, Clock, Watched, watching
from tests.sandbox.detection.fixtures import PRECREATED, RULES, RULESETS, items


def test_an_event_raises_an_alert_that_the_api_shows_completely(watched: Watched) -> None:
    event = watched.event()
    assert watched.send(event) == {"events": 1, "matched": 1, "raised": 1}
    (alert,) = watched.alerts()
    name = "Self Protect: Network: Outbound Connection (Connects) to WAN"
    assert alert == {
        "id": alert["id"],
        "title": f"{name}: /usr/bin/curl ran by user ubuntu connected to 203.0.113.10",
        "dataSource": "agent",
        "createdAt": format_time(watched.clock.now),
        "isDismissed": False,
        "severity": 3,
        "agentId": seed_data.LAB_AGENT_ID,
        "ruleId": seed_data.PRECREATED_RULE_ID,
        "rulesetId": seed_data.BASE_RULE_SET_ID,
        "aggregates": [
            {"fieldName": "user", "value": "ubuntu"},
            {"fieldName": "exe", "value": "/usr/bin/curl"},
            {"fieldName": "dst_ip", "value": "203.0.113.10"},
        ],
    }
    fate = {"match_state": "MATCHED", "num_matched": 1, "num_suppressed": 0}
    fate["rule_matches"] = [seed_data.PRECREATED_RULE_ID]
    stored = event | {"organization_id": seed_data.ORGANIZATION_ID, "alert_metadata": fate}
    assert watched.events_of(alert) == [stored]


def test_the_second_curl_to_an_address_adds_an_event_and_another_address_is_another_alert(watched: Watched) -> None:
    watched.send(watched.event())
    watched.clock.now += 59 * 60 * SECOND
    assert watched.send(watched.event()) == {"events": 1, "matched": 1, "joined": 1}
    assert watched.send(watched.event("198.51.100.7"), watched.event(agent_id="another")) == {
        "events": 2,
        "matched": 2,
        "raised": 2,
    }
    by_title = {(alert["aggregates"][2]["value"], alert["agentId"]): alert for alert in watched.alerts()}
    assert len(by_title) == 3
    assert len(watched.events_of(by_title["203.0.113.10", seed_data.LAB_AGENT_ID])) == 2


def test_alerts_of_one_and_the_same_millisecond_are_listed_newest_first_too(watched: Watched) -> None:
    burst = [f"198.51.100.{number}" for number in range(101, 123)]
    watched.send(*(watched.event(address) for address in burst[:11]))
    for address in burst[11:]:
        watched.send(watched.event(address))
    alerts = watched.alerts()
    assert len({alert["createdAt"] for alert in alerts}) == 1
    told = [{one["fieldName"]: one["value"] for one in alert["aggregates"]} for alert in alerts]
    assert [each["dst_ip"] for each in told] == burst[::-1]


def test_after_the_window_a_new_alert_is_raised(watched: Watched) -> None:
    watched.send(watched.event())
    watched.clock.now += HOUR - 1
    assert watched.send(watched.event())["joined"] == 1
    watched.clock.now += 1
    assert watched.send(watched.event())["raised"] == 1
    newer, older = watched.alerts()
    assert [len(watched.events_of(alert)) for alert in (newer, older)] == [1, 2]


def test_a_dismissed_alert_takes_no_more_events(watched: Watched) -> None:
    watched.send(watched.event())
    (alert,) = watched.alerts()
    watched.service.post("/v2/alerts/dismiss", {"ids": [alert["id"]], "dismissReason": "MAINTENANCE"})
    assert watched.send(watched.event())["raised"] == 1
    assert watched.send(watched.event())["joined"] == 1
    (again,) = watched.alerts()
    assert again["id"] != alert["id"] and len(watched.events_of(alert)) == 1


def test_an_event_is_counted_once_however_often_it_is_sent(watched: Watched, tmp_path: Path) -> None:
    watched.change_rule(threshold=2)
    event = watched.event()
    assert watched.send(event, event, event) == {"events": 3, "matched": 1, "kept": 1, "repeated": 2}
    watched.clock.now += DAY
    with watching(tmp_path, watched.clock) as later:
        assert later.send(event) == {"events": 1, "repeated": 1}
        assert later.alerts() == []
    silenced = watched.event(user="root")
    watched.change_rule(suppressions=['user = "root"'])
    assert watched.send(silenced, silenced) == {"events": 2, "suppressed": 1, "repeated": 1}


def test_events_without_an_id_are_events_of_their_own(watched: Watched) -> None:
    event = watched.event(_id=None, timestamp=None, organization_id=None)
    assert watched.send(event, event) == {"events": 2, "matched": 2, "raised": 1, "joined": 1}
    assert {len(one["_id"]) for one in watched.events_of(watched.alerts()[0])} == {36}


def test_events_towards_a_threshold_are_kept_even_if_the_sandbox_is_killed(tmp_path: Path) -> None:
    clock, sent = Clock(), []

    def event(watched: Watched) -> dict[str, Any]:
        sent.append(watched.event())
        return sent[-1]

    for _ in range(2):
        with watching(tmp_path, clock) as watched:
            watched.change_rule(enabled=True, threshold=3, window=60)
            assert watched.send(event(watched)) == {"events": 1, "matched": 1, "kept": 1}
            assert watched.send(watched.event("198.51.100.7"))["kept"] == 1
            clock.now += 20 * SECOND
    with watching(tmp_path, clock) as watched:
        clock.now += 19 * SECOND
        assert watched.send(event(watched))["raised"] == 1
        (alert,) = watched.alerts()
        assert [one["_id"] for one in watched.events_of(alert)] == [one["_id"] for one in sent]
    with watching(tmp_path, clock) as watched:
        assert watched.send(event(watched))["joined"] == 1


def test_events_further_apart_than_the_window_never_reach_the_threshold(watched: Watched) -> None:
    watched.change_rule(threshold=2, window=60)
    for _ in range(4):
        assert watched.send(watched.event())["kept"] == 1
        watched.clock.now += 60 * SECOND
    watched.clock.now -= 1
    assert watched.send(watched.event())["raised"] == 1
    assert len(watched.events_of(watched.alerts()[0])) == 2


def test_counting_restarts_after_the_window(watched: Watched) -> None:
    watched.change_rule(threshold=2, window=60)
    outcomes = []
    for _ in range(3):
        outcomes.append([set(watched.send(watched.event())) - {"events", "matched"} for _ in range(3)])
        watched.clock.now += 60 * SECOND
    assert outcomes == [[{"kept"}, {"raised"}, {"joined"}]] * 3


def test_rules_act_on_the_very_next_event(watched: Watched) -> None:
    def matched() -> int:
        return watched.send(watched.event()).get("matched", 0)

    assert matched() == 1
    watched.change_rule(enabled=False)
    assert matched() == 0
    watched.change_rule(enabled=True, filter='user = "root"')
    assert matched() == 0
    watched.change_rule(filter='user = "ubuntu"')
    assert matched() == 1
    made = watched.make_rule(name="Mine", filter='exe = "/usr/bin/curl"')
    watched.send(watched.event())
    assert {alert["ruleId"] for alert in watched.alerts()} == {made["id"], seed_data.PRECREATED_RULE_ID}
    watched.change_rule(suppressions=['command = "curl"'])
    watched.service.delete(f"{RULES}/{made['id']}")
    assert matched() == 0
    watched.change_rule(suppressions=[])
    kept = watched.service.get(f"{RULESETS}/{seed_data.BASE_RULE_SET_ID}").json()
    watched.service.put(f"{RULESETS}/{seed_data.BASE_RULE_SET_ID}", kept | {"ruleIds": kept["rules"][1:]})
    assert matched() == 0, "a rule in no rule set looks at nothing"
    watched.service.put(f"{RULESETS}/{seed_data.BASE_RULE_SET_ID}", kept | {"ruleIds": kept["rules"]})
    assert matched() == 1
    watched.service.delete(f"{RULESETS}/{seed_data.BASE_RULE_SET_ID}")
    assert matched() == 0


def test_editing_a_rule_leaves_its_open_alerts_as_they_are(watched: Watched) -> None:
    watched.send(watched.event())
    watched.change_rule(title="another", window=60, severityOfAlerts=1)
    watched.clock.now += HOUR - 1
    assert watched.send(watched.event())["joined"] == 1
    watched.clock.now += 1
    assert watched.send(watched.event())["raised"] == 1
    newer, older = watched.alerts()
    assert (newer["title"], newer["severity"]) == ("another", 1) and older["severity"] == 3


def test_suppressed_events_are_counted_but_raise_no_alert_and_do_not_reach_a_threshold(watched: Watched) -> None:
    watched.change_rule(threshold=2, suppressions=['user = "chef"', 'connection.dst_addr = "203.0.113.0/24"'])
    assert watched.send(watched.event(), watched.event("198.51.100.1", user="chef")) == {"events": 2, "suppressed": 2}
    assert watched.send(watched.event("198.51.100.1"))["kept"] == 1
    assert watched.alerts() == []
    assert watched.send(watched.event("198.51.100.1"))["raised"] == 1


def test_an_event_reports_how_many_rules_matched_and_how_many_suppressed_it(watched: Watched) -> None:
    for name, suppressions in (("One", ['user = "ubuntu"']), ("Two", [])):
        watched.make_rule(name=name, suppressions=suppressions)
    watched.send(watched.event())
    fates = [watched.events_of(alert)[0]["alert_metadata"] for alert in watched.alerts()]
    assert len(fates) == 2 and fates[0] == fates[1]
    assert (fates[0]["num_matched"], fates[0]["num_suppressed"]) == (2, 1)


@pytest.mark.parametrize("event_type", [*KIND_OF_EVENT, "unknown", None])
def test_a_rule_looks_only_at_events_of_its_kind(watched: Watched, event_type: str | None) -> None:
    kinds = ("Host", "CloudTrail", "ThreatIntel", "Winsec", "KubernetesAudit", "KubernetesConfig")
    made = [
        watched.make_rule(name=kind, type=kind, filter='user != "x"', aggregateFields=[], title=kind) for kind in kinds
    ]
    watched.change_rule(enabled=False)
    watched.send(watched.event(event_type=event_type))
    wanted = KIND_OF_EVENT.get(event_type or "")
    fitting = {rule["id"] for rule in made if rule["type"] == wanted}
    assert {alert["ruleId"] for alert in watched.alerts()} == fitting


def test_an_alert_of_cloudtrail_has_no_agent(watched: Watched) -> None:
    watched.make_rule(name="Trail", type="CloudTrail", filter='eventName != "x"', aggregateFields=["ip", "eventName"])
    watched.send({"event_type": "cloudtrail", "eventName": "DescribeVpcs", "ip": "198.51.100.9", "agent_id": "x"})
    (alert,) = watched.alerts()
    assert alert["dataSource"] == "cloudtrail" and "agentId" not in alert
    assert [one["value"] for one in alert["aggregates"]] == ["198.51.100.9", "DescribeVpcs"]


def test_a_file_rule_uses_its_new_paths_at_once(watched: Watched) -> None:
    rules = items(watched.service.get(RULES), "rules")
    path = next(f"{RULES}/{rule['id']}" for rule in rules if rule["type"] == "File")
    event = {"event_type": "file", "user": "chef", "command": "touch", "agent_id": seed_data.LAB_AGENT_ID}
    watched.change_rule(path, enabled=True)
    assert watched.send(event | {"filename": "/etc/passwd"}, event | {"filename": "/opt/x"})["raised"] == 1
    watched.change_rule(path, fileIntegrityPaths=[{"path": "/opt", "recursive": False}])
    assert watched.send(event | {"filename": "/etc/shadow"}, event | {"filename": "/opt/x"})["raised"] == 1
    titles = [alert["title"].rpartition(": ")[2] for alert in watched.alerts()]
    assert sorted(titles) == ["chef changed /etc/passwd with touch", "chef changed /opt/x with touch"]


def test_a_missing_value_is_undefined_in_the_alert(watched: Watched) -> None:
    watched.send(watched.event(user=None))
    assert "ran by user undefined connected" in watched.alerts()[0]["title"]
    assert watched.alerts()[0]["aggregates"][0] == {"fieldName": "user", "value": "undefined"}


def test_events_of_another_organization_meet_its_rules_not_these(watched: Watched) -> None:
    assert watched.send(watched.event(organization_id="0" * 24)) == {"events": 1}


# --- what is too old ---


def test_events_live_three_days_and_alerts_a_year(watched: Watched) -> None:
    event = watched.event()
    watched.send(event)
    (alert,) = watched.alerts()
    watched.clock.now += 3 * DAY - 1
    watched.send(watched.event("198.51.100.1"))
    assert len(watched.events_of(alert)) == 1
    watched.clock.now += 2
    assert watched.send(event) == {"events": 1, "too_old": 1}, "it cannot be known any more whether it was counted"
    assert watched.alerts()[-1] == alert and watched.events_of(alert) == []
    watched.clock.now += 365 * DAY
    watched.send(watched.event("198.51.100.2"))
    assert len(watched.alerts()) == 1


def test_a_host_with_a_fast_clock_does_not_keep_an_alert_open(watched: Watched) -> None:
    watched.send(watched.event(timestamp=watched.clock.now + 400 * DAY))
    watched.clock.now += HOUR
    assert watched.send(watched.event())["raised"] == 1


# --- over HTTP ---


def test_events_are_sent_as_an_array_or_one_per_line(watched: Watched) -> None:
    lines = [orjson.dumps(watched.event(f"203.0.113.{n}")) for n in range(3)]
    for body in (b"\n".join(lines), b"\r\n\n".join(lines) + b"\n", b" [" + b",".join(lines) + b"]"):
        response = watched.post(body)
        assert response.status_code == 200 and response.json()["events"] == 3
    assert len(watched.alerts()) == 3
    for body in (b"", b"[]", b"\n"):
        assert watched.post(body).json()["events"] == 0


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (b"7", "event 1: it is not a JSON object"),
        (b"{", "line 2"),
        (b'{"_id": 7}', "event 1: _id"),
        (b'{"_id": "' + b"x" * 200 + b'"}', "event 1: _id"),
        (b'{"event_type": ["audit"]}', "event 1: event_type"),
        (b'{"timestamp": "now"}', "event 1: timestamp"),
        (b'{"timestamp": -1}', "event 1: timestamp"),
        (b'{"timestamp": 1.5}', "event 1: timestamp"),
        (b'{"timestamp": true}', "event 1: timestamp"),
        (b'{"timestamp": 99999999999999999999}', "event 1: timestamp"),
        (b'{"event_type": "audit", "user": "\\ud800"}', "line 2"),
        (b"%DEEP%", "event 1: it is nested too deeply"),
    ],
)
def test_one_bad_event_refuses_the_whole_batch(watched: Watched, bad: bytes, said: str) -> None:
    deep = orjson.dumps(watched.event("203.0.113.99"))[:-1] + b', "args": ' + b"[" * 600 + b"]" * 600 + b"}"
    response = watched.post(orjson.dumps(watched.event()) + b"\n" + bad.replace(b"%DEEP%", deep))
    assert response.status_code == 400 and said in response.json()["errors"][0]
    assert watched.alerts() == []
    assert watched.send(watched.event())["raised"] == 1


def test_events_need_the_sandboxs_own_token(watched: Watched) -> None:
    for token in ("", "wrong"):
        assert watched.post(orjson.dumps([watched.event()]), token).status_code == 403
    assert watched.service.get("/_lab/events").status_code in (403, 405)
    assert watched.alerts() == []


def test_a_batch_that_is_too_large_gets_413(watched: Watched) -> None:
    assert watched.post(b" " * (MOST_BODY_BYTES + 1)).status_code == 413


def test_many_concurrent_senders_raise_one_alert_per_identity(watched: Watched) -> None:
    def send(number: int) -> dict[str, int]:
        return watched.engine.ingest([watched.event(f"203.0.113.{n}") for n in range(5)]).__dict__

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(send, range(16)))
    assert sum(one["raised"] for one in done) == 5 and sum(one["joined"] for one in done) == 75
    assert {len(watched.events_of(alert)) for alert in watched.alerts()} == {16}


def test_an_attackers_text_stays_text(watched: Watched) -> None:
    evil = "'); DROP TABLE alert; --<script>{{exe}}\u0000\u202e"
    watched.send(watched.event(user=evil))
    (alert,) = watched.alerts()
    assert f"ran by user {evil} connected" in alert["title"] and alert["aggregates"][0]["value"] == evil
    assert watched.service.get(PRECREATED).status_code == 200
