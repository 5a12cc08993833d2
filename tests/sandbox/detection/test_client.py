"""Our client against the service."""

from __future__ import annotations

import itertools
import logging
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

import mohawk.util
import pytest

from labkit.model.detection.criteria import FILTER
from labkit.model.errors import CredentialsRefused, InvalidInput, ServiceError
from labkit.sandbox.detection import seed_data
from labkit.sandbox.detection.api.app import create_detection_app
from labkit.sandbox.ids import new_id
from labkit.services.detection.api import DetectionApi
from tests.sandbox.detection.fixtures import Service, add_events, serving

RULESET = seed_data.BASE_RULE_SET_ID


def test_it_reads_everything_that_the_lab_needs(detection_api: DetectionApi) -> None:
    detection_api.self_test()
    (ruleset,) = detection_api.rulesets()
    rules = detection_api.rules(ruleset.id)
    assert ruleset.name == "Base Rule Set" and rules[0].id == seed_data.PRECREATED_RULE_ID
    assert len(rules) == 13 and rules[0].filter == FILTER and rules[0].window_seconds == 3600
    assert detection_api.rule(ruleset.id, seed_data.PRECREATED_RULE_ID) == rules[0]
    assert [agent.name for agent in detection_api.agents()] == ["udf-host", "web-1"]
    assert [agent.name for agent in detection_api.agents("offline")] == ["build-1"]
    agent = detection_api.agent(seed_data.LAB_AGENT_ID)
    assert agent.private_addresses == ("10.0.1.10",)
    assert list(detection_api.alerts()) == [] and detection_api.severity_counts() == {1: 0, 2: 0, 3: 0}


def test_a_rule_is_created_changed_and_deleted(detection_api: DetectionApi) -> None:
    base = detection_api.rule(RULESET, seed_data.PRECREATED_RULE_ID)
    made = detection_api.create_rule(RULESET, replace(base, name="Mine – ✓", suppressions=("port = 0",)))
    assert made.id != base.id and made.name == "Mine – ✓" and made.suppressions == ("port = 0",)
    changed = detection_api.update_rule(replace(made, enabled=True))
    assert changed.enabled and detection_api.rule(RULESET, made.id) == changed
    detection_api.delete_rule(RULESET, made.id)
    with pytest.raises(ServiceError) as caught:
        detection_api.rule(RULESET, made.id)
    assert caught.value.code == "404" and made.id in caught.value.what and caught.value.next_step


def test_a_file_rule_keeps_the_fields_that_the_value_does_not_model(detection_api: DetectionApi) -> None:
    (file_rule,) = [rule for rule in detection_api.rules(RULESET) if rule.type == "File"]
    changed = detection_api.update_rule(replace(file_rule, enabled=True))
    assert changed.raw["fileIntegrityPaths"] == file_rule.raw["fileIntegrityPaths"]


def test_alerts_are_fetched_page_by_page(detection_service: Service, detection_api: DetectionApi) -> None:
    expected = detection_service.add_alerts(230, aggregates={"exe": "/usr/bin/curl"})
    first = list(itertools.islice(detection_api.alerts(), 3))
    assert [alert.id for alert in first] == expected[:3]
    assert first[0].aggregates == (("exe", "/usr/bin/curl"),) and first[0].severity == 3
    found = detection_api.alerts(ruleId=seed_data.PRECREATED_RULE_ID, from_="2026-11-01", severity=3)
    assert [alert.id for alert in found] == expected
    event = {"_id": new_id(), "timestamp": 1, "connection": {"dst_addr": "203.0.113.10"}}
    add_events(detection_service.store, expected[0], event)
    assert detection_api.alert_events(expected[0]) == (event,)
    detection_api.dismiss(expected[:200], text="lab")
    detection_api.dismiss(expected[200:201], reason="MAINTENANCE")
    assert len(list(detection_api.alerts())) == 29 and len(list(detection_api.alerts("dismissed"))) == 201
    assert detection_api.severity_counts() == {1: 0, 2: 0, 3: 29}


def test_a_bad_filter_is_refused_with_its_position_and_how_to_correct_it(detection_api: DetectionApi) -> None:
    base = detection_api.rule(RULESET, seed_data.PRECREATED_RULE_ID)
    with pytest.raises(ServiceError) as caught:
        detection_api.create_rule(RULESET, replace(base, filter='user == "root"'))
    assert caught.value.code == "400" and "character 6" in caught.value.what and "Write = " in caught.value.what


def test_an_id_cannot_lead_to_another_path(detection_api: DetectionApi) -> None:
    for identifier in ("..", "../agents", f"{RULESET}/rules", "a?b=c", ""):
        for call in (lambda one: detection_api.rule(RULESET, one), detection_api.rules, detection_api.agent):
            with pytest.raises(InvalidInput) as caught:
                call(identifier)
            assert caught.value.field == "id"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"user_id": "f" * 24}, "user id"),
        ({"api_key": "f" * 64}, "API key is not that user's"),
    ],
)
def test_an_unknown_user_and_a_wrong_key_get_different_errors(
    detection_unchanged: Service, change: dict[str, str], words: str
) -> None:
    with pytest.raises(CredentialsRefused) as caught:
        DetectionApi(detection_unchanged.url, **detection_unchanged.store.credentials() | change).self_test()
    assert words in caught.value.what and caught.value.code == "401" and caught.value.next_step


def test_another_organization_gets_403(detection_unchanged: Service) -> None:
    api = DetectionApi(
        detection_unchanged.url, **detection_unchanged.store.credentials() | {"organization_id": "0" * 24}
    )
    api.self_test()
    with pytest.raises(ServiceError) as caught:
        api.rulesets()
    assert caught.value.code == "403" and "organization" in caught.value.why


@pytest.mark.parametrize(("seconds", "word"), [(600, "ahead of"), (-600, "behind")])
def test_a_wrong_clock_is_reported_and_the_keys_are_not_blamed(
    detection_unchanged: Service, seconds: int, word: str
) -> None:
    # In one process there is one clock: the reply of a service whose clock is right is put in its place.
    app = create_detection_app(detection_unchanged.store)

    def with_another_clock(environ: dict[str, Any], start_response: Any) -> Any:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            told = f'Hawk ts="{int(time.time()) - seconds}", tsm="x", error="y"'
            return start_response("401 UNAUTHORIZED", [*headers, ("WWW-Authenticate", told)], *rest)

        return app(environ, start)

    with serving(with_another_clock) as url, pytest.raises(ServiceError) as caught:
        DetectionApi(url, **detection_unchanged.store.credentials()).self_test()
    assert not isinstance(caught.value, CredentialsRefused) and caught.value.code == "clock"
    assert f"seconds {word}" in caught.value.what and "clock" in caught.value.next_step


def test_the_services_refusal_of_an_old_request_gives_the_same_error(
    detection_unchanged: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign = mohawk.Sender.__init__

    def sign_late(self: Any, *args: Any, **kwargs: Any) -> None:
        sign(self, *args, _timestamp=int(time.time()) - 120, **kwargs)

    monkeypatch.setattr(mohawk.Sender, "__init__", sign_late)
    with pytest.raises(ServiceError) as caught:
        detection_unchanged.api().self_test()
    assert caught.value.code == "clock"


@pytest.mark.parametrize("value", ["", "  ", 'a"b', "ключ", "two words", "a\nb"])
@pytest.mark.parametrize("field", ["user_id", "api_key", "organization_id"])
def test_an_impossible_value_is_refused_before_any_call(field: str, value: str) -> None:
    given = {"user_id": "a", "api_key": "b", "organization_id": "c"} | {field: value}
    with pytest.raises(InvalidInput) as caught:
        DetectionApi("http://127.0.0.1:9", **given)
    assert caught.value.field == "TS_" + field.upper() and (not value.strip() or value not in str(caught.value))


def test_values_are_stripped_of_surrounding_spaces(detection_unchanged: Service) -> None:
    given = {name: f" {value}\n" for name, value in detection_unchanged.store.credentials().items()}
    assert DetectionApi(detection_unchanged.url + "/v2/", **given).rulesets()


def test_the_key_is_in_no_repr_error_or_log(detection_unchanged: Service, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    api, key = detection_unchanged.api(), detection_unchanged.api_key
    api.rulesets()
    with pytest.raises(ServiceError) as caught:
        api.rule(RULESET, "nonsense")
    assert key not in f"{api!r} {api._auth!r} {caught.value!r} {caught.value}"
    assert key not in caplog.text and "replay" not in caplog.text


def test_a_proxy_in_the_environment_is_not_used_for_this_machine(
    detection_unchanged: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert detection_unchanged.api().rulesets()


def test_importing_the_client_loads_nothing_heavy() -> None:
    code = (
        "import sys, labkit.services.detection.api\n"
        "print(sorted(sys.modules.keys() & {'requests', 'mohawk', 'tenacity', 'lark', 'flask', 'boto3'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
