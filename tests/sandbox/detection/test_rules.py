"""Rule sets, rules and tags through the REST API."""

from __future__ import annotations

import re
from typing import Any

import pytest

from labkit.model.detection.criteria import FILTER
from labkit.model.detection.rule import PRECREATED_RULE
from labkit.model.rule_filter import parse
from labkit.sandbox.detection import seed_data
from tests.sandbox.detection.fixtures import PRECREATED, RULES, RULESETS, Service, errors, items

UUID_1 = r"[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def a_rule(**fields: Any) -> dict[str, Any]:
    return {
        "name": "Mine",
        "title": "{{exe}}",
        "type": "host",
        "severityOfAlerts": 2,
        "alertDescription": "What it is about.",
        "aggregateFields": ["exe"],
        "filter": 'command = "touch"',
        "window": 3600,
        "threshold": 1,
        "suppressions": [],
        "enabled": False,
    } | fields


def test_the_service_starts_with_the_base_rule_set(detection_unchanged: Service) -> None:
    (ruleset,) = items(detection_unchanged.get(RULESETS), "rulesets")
    assert set(ruleset) == {"id", "name", "description", "rules", "createdAt", "updatedAt"}
    assert ruleset["name"] == "Base Rule Set"
    assert len(ruleset["rules"]) == 13 and ruleset["rules"][0] == seed_data.PRECREATED_RULE_ID
    assert detection_unchanged.get(f"{RULESETS}/{ruleset['id']}").json() == ruleset
    assert [rule["id"] for rule in items(detection_unchanged.get(RULES), "rules")] == ruleset["rules"]


def test_the_precreated_rule_is_as_the_lab_prints_it(detection_unchanged: Service) -> None:
    rule = detection_unchanged.get(PRECREATED).json()
    assert rule["id"] == "448889bf-eb81-11ec-b41e-1734e5d9feb0" and rule["rulesetId"] == seed_data.BASE_RULE_SET_ID
    assert rule["name"] == PRECREATED_RULE and rule["filter"] == FILTER and rule["enabled"] is False
    assert rule["title"] == PRECREATED_RULE + ": {{exe}} ran by user {{user}} connected to {{dst_ip}}"
    assert rule["aggregateFields"] == ["user", "exe", "dst_ip"] and len(rule["alertDescription"]) == 287
    assert (rule["severityOfAlerts"], rule["window"], rule["threshold"]) == (3, 3600, 1)


def test_every_seeded_rule_passes_validation(detection_service: Service) -> None:
    for rule in items(detection_service.get(RULES), "rules"):
        answered = detection_service.put(f"{RULES}/{rule['id']}", rule)
        assert answered.status_code == 200, answered.text
        assert answered.json() | {"updatedAt": ""} == rule | {"updatedAt": ""}
        for text in [rule["filter"], *rule["suppressions"]]:
            assert parse(text)


def test_a_rule_is_created_with_200_and_read_back_as_sent(detection_service: Service) -> None:
    sent = a_rule(id="ignored", rulesetId="ignored", createdAt="ignored", unknown=1)
    made = detection_service.post(RULES, sent)
    assert made.status_code == 200
    rule = made.json()
    assert re.fullmatch(UUID_1, rule["id"]) and rule["rulesetId"] == seed_data.BASE_RULE_SET_ID
    assert re.fullmatch(TIME, rule["createdAt"]) and rule["createdAt"] == rule["updatedAt"]
    kept = {name: value for name, value in rule.items() if name not in {"id", "rulesetId", "createdAt", "updatedAt"}}
    assert kept == a_rule(type="Host"), "the kind in the spelling of replies, numbers as numbers"
    assert detection_service.get(f"{RULES}/{rule['id']}").json() == rule
    assert items(detection_service.get(RULES), "rules")[-1] == rule


def test_a_rule_is_enabled_by_putting_the_whole_rule(detection_service: Service) -> None:
    rule = detection_service.get(PRECREATED).json()
    answered = detection_service.put(PRECREATED, rule | {"enabled": True})
    assert answered.status_code == 200 and answered.json()["enabled"] is True
    assert answered.json()["createdAt"] == rule["createdAt"] <= answered.json()["updatedAt"]
    assert detection_service.get(PRECREATED).json() == answered.json()
    partial = detection_service.put(PRECREATED, {"enabled": False})
    assert partial.status_code == 400 and detection_service.get(PRECREATED).json()["enabled"] is True


def test_a_deleted_rule_is_gone(detection_service: Service) -> None:
    rule = detection_service.post(RULES, a_rule()).json()
    path = f"{RULES}/{rule['id']}"
    gone = detection_service.delete(path)
    assert gone.status_code == 200 and gone.json() == rule
    for response in (detection_service.get(path), detection_service.delete(path), detection_service.put(path, rule)):
        assert response.status_code == 404 and rule["id"] in errors(response)[0]
    assert len(items(detection_service.get(RULES), "rules")) == 13


def test_optional_fields_have_their_defaults(detection_service: Service) -> None:
    needed = ("name", "title", "type", "severityOfAlerts", "filter")
    rule = detection_service.post(RULES, {name: a_rule()[name] for name in needed}).json()
    assert rule["window"] == 86400 and rule["threshold"] == 1 and rule["enabled"] is False
    assert rule["aggregateFields"] == [] and rule["suppressions"] == [] and rule["alertDescription"] == ""


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 201),
        ("name", None),
        ("title", 5),
        ("type", "Planet"),
        ("type", None),
        ("severityOfAlerts", 0),
        ("severityOfAlerts", 4),
        ("severityOfAlerts", "2"),
        ("severityOfAlerts", True),
        ("alertDescription", "x" * 301),
        ("aggregateFields", ["rule_id"]),
        ("aggregateFields", ["eventName"]),
        ("aggregateFields", "exe"),
        ("filter", None),
        ("filter", " "),
        ("filter", 5),
        ("window", 0),
        ("window", 3600.5),
        ("threshold", 0),
        ("suppressions", ["user ="]),
        ("suppressions", [5]),
        ("enabled", "yes"),
    ],
)
def test_an_invalid_value_gets_400_with_the_name_of_the_field(
    detection_unchanged: Service, field: str, value: Any
) -> None:
    made = detection_unchanged.post(RULES, a_rule(**{field: value}))
    assert made.status_code == 400 and any(field in text for text in errors(made))
    put = detection_unchanged.put(PRECREATED, a_rule(type="Host") | {field: value})
    assert put.status_code == 400 and any(field in text for text in errors(put))
    assert len(items(detection_unchanged.get(RULES), "rules")) == 13


def test_an_invalid_description_gets_the_captured_message(detection_service: Service) -> None:
    words = "Validation failed: body has invalid alertDescription value.  Must be between 1 and 300 characters long."
    rule = a_rule()
    del rule["alertDescription"]
    for without in (rule, rule | {"alertDescription": ""}):
        assert errors(detection_service.put(PRECREATED, without)) == [words], "an update without one is refused"
    assert detection_service.post(RULES, rule).status_code == 200
    assert detection_service.post(RULES, a_rule(alertDescription="x" * 300)).status_code == 200


_NEEDED = {"title": "T", "severityOfAlerts": 1}
_PATHS = {"fileIntegrityPaths": [{"path": "/etc", "recursive": True}], "eventsToMonitor": ["open"]}


@pytest.mark.parametrize(
    "sent",
    [
        _NEEDED | {"type": "Host", "filter": 'user = "root"'},
        _NEEDED | {"type": "File"} | _PATHS,
        _NEEDED | {"type": "File", "filter": 'exe = "vi"', "alertDescription": "D"} | _PATHS,
    ],
)
def test_a_rule_is_put_back_and_cloned_as_it_was_read(detection_service: Service, sent: dict[str, Any]) -> None:
    made = detection_service.post(RULES, sent | {"name": "first"}).json()
    path = f"{RULES}/{made['id']}"
    read = detection_service.get(path).json()
    put = detection_service.put(path, read)
    assert put.status_code == 200 and put.json() | {"updatedAt": None} == read | {"updatedAt": None}
    clone = detection_service.post(RULES, read | {"name": "second"})
    assert clone.status_code == 200 and clone.json()["alertDescription"] == read["alertDescription"]


def test_a_rule_set_and_tags_are_put_back_as_they_were_read(detection_service: Service) -> None:
    made = detection_service.post(RULESETS, {"name": "mine"}).json()
    put = detection_service.put(f"{RULESETS}/{made['id']}", made)
    assert put.status_code == 200 and put.json() | {"updatedAt": None} == made | {"updatedAt": None}
    tags = f"/v2/rules/{seed_data.PRECREATED_RULE_ID}/tags"
    detection_service.post(tags, {"inclusion": [{"source": "ec2", "key": "k", "value": "v"}]})
    read = detection_service.get(tags).json()
    assert detection_service.post(tags, read).json() == read


def test_all_errors_are_reported_at_once(detection_unchanged: Service) -> None:
    told = errors(
        detection_unchanged.post(RULES, a_rule(name="", severityOfAlerts=9, filter="user", suppressions=["("]))
    )
    assert len(told) == 4


def test_a_bad_filter_gets_400_with_its_position_and_how_to_correct_it(detection_unchanged: Service) -> None:
    (told,) = errors(detection_unchanged.post(RULES, a_rule(filter='user == "root"')))
    assert "filter" in told and "character 6" in told and "Write = instead of ==" in told
    (told,) = errors(detection_unchanged.post(RULES, a_rule(suppressions=['user = "root"', 'user = "root'])))
    assert "suppressions[1]" in told and "character" in told


def test_a_filter_with_typographic_quotes_is_stored_with_straight_ones(detection_service: Service) -> None:
    rule = detection_service.post(RULES, a_rule(filter="user  =  “root”", suppressions=["exe = ‘/bin/ps’"])).json()
    assert rule["filter"] == 'user  =  "root"' and rule["suppressions"] == ["exe = '/bin/ps'"]


def test_the_kind_of_a_rule_cannot_change(detection_unchanged: Service) -> None:
    (told,) = errors(detection_unchanged.put(PRECREATED, a_rule(type="CloudTrail", aggregateFields=[])))
    assert "type" in told


def test_a_file_rule_has_paths_and_needs_no_filter(detection_service: Service) -> None:
    rule = a_rule(type="file", aggregateFields=["filename"], eventsToMonitor=["ALL"], ignoreFiles=["*swp"])
    del rule["filter"]
    told = errors(detection_service.post(RULES, rule))
    assert any("fileIntegrityPaths" in text for text in told)
    made = detection_service.post(RULES, rule | {"fileIntegrityPaths": [{"path": "/etc", "recursive": True}]})
    assert made.status_code == 200 and made.json()["type"] == "File" and made.json()["filter"] == ""
    assert made.json()["fileIntegrityPaths"] == [{"path": "/etc", "recursive": True}]


def test_rules_of_other_rule_sets_are_not_found_in_this_one(detection_service: Service) -> None:
    other = detection_service.post(RULESETS, {"name": "Other", "description": "", "ruleIds": []}).json()
    assert detection_service.get(f"{RULESETS}/{other['id']}/rules/{seed_data.PRECREATED_RULE_ID}").status_code == 404
    assert items(detection_service.get(f"{RULESETS}/{other['id']}/rules"), "rules") == []


@pytest.mark.parametrize("path", [f"{RULESETS}/nonsense", f"{RULES}/12", f"{RULESETS}?agentId=x", "/v2/alerts/0"])
def test_a_malformed_id_gets_400(detection_unchanged: Service, path: str) -> None:
    response = detection_unchanged.get(path)
    assert response.status_code == 400 and "UUID" in errors(response)[0]


@pytest.mark.parametrize("identifier", ["4f0c2f1e-b7c1-11f0-9f53-0242ac1100021", "64b7e0c2a1f3d95e8c0b7a11"])
def test_unusual_published_ids_are_accepted(detection_unchanged: Service, identifier: str) -> None:
    assert detection_unchanged.get(f"{RULES}/{identifier}").status_code == 404
    assert detection_unchanged.get(f"/v2/agents/{identifier}").status_code == 404


def test_a_rule_set_is_sent_with_rule_ids_and_returned_with_rules(detection_service: Service) -> None:
    wanted = {"name": "Mine", "description": "for me", "ruleIds": [seed_data.PRECREATED_RULE_ID]}
    made = detection_service.post(RULESETS, wanted)
    assert made.status_code == 200 and made.json()["rules"] == wanted["ruleIds"] and "ruleIds" not in made.json()
    path = f"{RULESETS}/{made.json()['id']}"
    (rule,) = items(detection_service.get(f"{path}/rules"), "rules")
    assert rule["rulesetId"] == made.json()["id"] and rule["id"] == seed_data.PRECREATED_RULE_ID
    put = detection_service.put(path, {"name": "Renamed", "description": "", "ruleIds": []})
    assert put.status_code == 200 and put.json()["name"] == "Renamed" and put.json()["rules"] == []
    assert detection_service.delete(path).status_code == 200
    assert detection_service.get(path).status_code == 404
    assert detection_service.get(PRECREATED).status_code == 200, "a rule that is in another set stays"


def test_a_rule_set_without_rule_ids_keeps_its_rules(detection_service: Service) -> None:
    path = f"{RULESETS}/{seed_data.BASE_RULE_SET_ID}"
    put = detection_service.put(path, {"name": "Base Rule Set", "description": "new words"})
    assert put.json()["description"] == "new words" and len(put.json()["rules"]) == 13


def test_deleting_a_rule_set_deletes_the_rules_that_are_only_there(detection_service: Service) -> None:
    other = detection_service.post(RULESETS, {"name": "Other", "description": "", "ruleIds": []}).json()
    path = f"{RULESETS}/{other['id']}"
    rule = detection_service.post(f"{path}/rules", a_rule()).json()
    assert detection_service.delete(path).status_code == 200
    again = {"name": "Again", "description": "", "ruleIds": [rule["id"]]}
    assert detection_service.post(RULESETS, again).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "Base Rule Set", "description": "", "ruleIds": []}, 409),
        ({"name": "x", "description": "", "ruleIds": ["4f0c2f1e-b7c1-11f0-9f53-0242ac110002"]}, 404),
        ({"name": "", "description": "", "ruleIds": []}, 400),
        ({"name": "x" * 201, "description": "", "ruleIds": []}, 400),
        ({"name": "x", "description": 5, "ruleIds": []}, 400),
        ({"name": "x", "description": "", "ruleIds": "all"}, 400),
    ],
)
def test_a_refused_rule_set_leaves_nothing_behind(
    detection_unchanged: Service, body: dict[str, Any], status: int
) -> None:
    response = detection_unchanged.post(RULESETS, body)
    assert response.status_code == status and errors(response)
    assert len(items(detection_unchanged.get(RULESETS), "rulesets")) == 1


def test_a_rule_set_may_keep_its_own_name(detection_service: Service) -> None:
    other = detection_service.post(RULESETS, {"name": "Other", "description": "", "ruleIds": []}).json()
    path = f"{RULESETS}/{other['id']}"
    assert detection_service.put(path, {"name": "Other", "description": "y"}).status_code == 200
    assert detection_service.put(path, {"name": "Base Rule Set", "description": "y"}).status_code == 409


def test_every_agent_has_every_rule_set(detection_unchanged: Service) -> None:
    assert len(items(detection_unchanged.get(f"{RULESETS}?agentId={seed_data.LAB_AGENT_ID}"), "rulesets")) == 1
    assert detection_unchanged.get(f"{RULESETS}?agentId={seed_data.PRECREATED_RULE_ID}").status_code == 404


def test_tags_of_a_rule(detection_service: Service) -> None:
    path = f"/v2/rules/{seed_data.PRECREATED_RULE_ID}/tags"
    none = detection_service.get(path)
    assert none.status_code == 404 and "No tags found for rule" in errors(none)[0]
    tags = {"inclusion": [{"source": "ec2", "key": "env", "value": "prod"}], "exclusion": []}
    assert detection_service.post(path, tags).json() == tags
    assert detection_service.get(path).json() == tags
    assert detection_service.post(path, {"inclusion": ["env"]}).status_code == 400
    unknown = "/v2/rules/4f0c2f1e-b7c1-11f0-9f53-0242ac110002/tags"
    assert detection_service.get(unknown).status_code == detection_service.post(unknown, tags).status_code == 404
    detection_service.delete(PRECREATED)
    assert "was not found" in errors(detection_service.get(path))[0]
