"""The third-party client `threatstack` from PyPI works with the service."""

from __future__ import annotations

import pytest
from threatstack import ThreatStack
from threatstack.errors import ThreatStackAPIError
from threatstack.v2.client import Client

from labkit.sandbox.detection import seed_data
from labkit.sandbox.ids import new_id
from tests.sandbox.detection.fixtures import Service, add_events
from tests.wait import PATIENCE_SECONDS


@pytest.fixture
def theirs(detection_service: Service, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(Client, "BASE_URL", detection_service.url + "/v2/")
    s = detection_service
    return ThreatStack(
        api_key=s.api_key, org_id=s.organization_id, user_id=s.user_id, api_version=2, timeout=PATIENCE_SECONDS
    )


def test_it_lists_pages_and_gets_alerts(detection_service: Service, theirs: Client) -> None:
    assert list(theirs.alerts.list()) == []
    expected = detection_service.add_alerts(230)
    assert [alert["id"] for alert in theirs.alerts.list()] == expected
    assert theirs.alerts.get(expected[0])["id"] == expected[0]
    assert theirs.alerts.get(expected[0], fields="id")["id"] == expected[0]
    assert list(theirs.alerts.list(dismissed=True)) == []
    assert list(theirs.alerts.list(severity=1)) == []
    assert len(list(theirs.alerts.list(start="2026-11-01T00:00:00.000001", end="2026-12-31", severity=3))) == 230


def test_it_gets_the_events_and_the_counts(detection_service: Service, theirs: Client) -> None:
    (alert_id,) = detection_service.add_alerts(1)
    event = {"_id": new_id(), "timestamp": 1, "connection": {"dst_addr": "203.0.113.10"}}
    add_events(detection_service.store, alert_id, event)
    assert theirs.alerts.events(alert_id) == {"events": [event]}
    assert theirs.alerts.severity_counts()["severityCounts"][2] == {"severity": 3, "count": 1}


def test_it_lists_and_gets_agents(theirs: Client) -> None:
    assert [agent["name"] for agent in theirs.agents.list()] == ["udf-host", "web-1"]
    assert [agent["name"] for agent in theirs.agents.list(status="offline")] == ["build-1"]
    assert theirs.agents.get(seed_data.LAB_AGENT_ID)["hostname"] == "ip-10-0-1-10"


def test_it_lists_and_gets_rule_sets_and_rules(theirs: Client) -> None:
    (ruleset,) = theirs.rulesets.list()
    assert theirs.rulesets.get(ruleset["id"]) == ruleset
    rules = list(theirs.rulesets.rules(ruleset_id=ruleset["id"]))
    assert [rule["id"] for rule in rules] == ruleset["rules"]
    assert theirs.rulesets.rules(ruleset_id=ruleset["id"], rule_id=seed_data.PRECREATED_RULE_ID) == rules[0]
    assert theirs.rulesets.agents_for_ruleset(seed_data.LAB_AGENT_ID) == {}, "it asks for a rule set by an agent's id"


def test_it_lists_servers_and_vulnerabilities(theirs: Client) -> None:
    assert [server["id"] for server in theirs.ec2servers.list()] == ["i-0123456789abcdef0"]
    assert list(theirs.ec2servers.list(monitored="false")) == []
    assert list(theirs.vulnerabilities.list()) == list(theirs.vulnerabilities.suppressed()) == []
    assert theirs.vulnerabilities.package("bash") == {"packages": [], "token": None}
    assert theirs.vulnerabilities.affected_servers("CVE-2014-6271") == {"servers": [], "token": None}


def test_it_asks_for_the_organization_too(theirs: Client) -> None:
    assert len(theirs.http_request("GET", "organizations/members", params={"enabledOnly": "true"})["members"]) == 3
    assert theirs.http_request("GET", "auditlogs", params={"operation": "create"}) == {"recs": [], "token": None}


def test_it_treats_404_as_nothing_and_401_as_an_error(theirs: Client) -> None:
    assert theirs.agents.get(seed_data.PRECREATED_RULE_ID) == {}
    theirs.api_key = "f" * 64
    with pytest.raises(ThreatStackAPIError, match="Authentication"):
        theirs.agents.get(seed_data.LAB_AGENT_ID)
