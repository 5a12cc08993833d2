"""Agents, servers, members and the audit log through the REST API."""

from __future__ import annotations

import ipaddress

import pytest

from labkit.sandbox.detection import seed_data
from labkit.sandbox.detection.store.people import NewAuditRecord
from labkit.sandbox.detection.timestamps import now_ms
from tests.sandbox.detection.fixtures import PRECREATED, RULES, RULESETS, Service, errors, items

ONLINE, OFFLINE = "/v2/agents?status=online", "/v2/agents?status=offline"
MEMBERS = "/v2/organizations/members"


def test_the_labs_host_is_online_and_another_is_not(detection_unchanged: Service) -> None:
    online = items(detection_unchanged.get(ONLINE), "agents")
    assert [agent["name"] for agent in online] == ["udf-host", "web-1"]
    assert [agent["id"] for agent in items(detection_unchanged.get(OFFLINE), "agents")] == [seed_data.OFFLINE_AGENT_ID]
    agent = detection_unchanged.get(f"/v2/agents/{seed_data.LAB_AGENT_ID}").json()
    assert agent == online[0]
    published = "id instanceId status createdAt lastReportedAt version name description hostname ipAddresses tags"
    assert set(agent) == {*published.split(), "agentType", "osVersion", "kernel", "agentModuleHealth"}
    assert set(agent["ipAddresses"]) == {"private", "link_local", "public"}
    assert agent["ipAddresses"]["private"] == ["10.0.1.10/24", "10.0.1.10"], "bare and with prefix, as printed"
    assert all(ipaddress.ip_interface(address) for address in agent["ipAddresses"]["private"])


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("&type=monitor", 1),
        ("&type=investigate", 1),
        ("&hostname=ip-10-0-0-23", 1),
        ("&hostname=x", 0),
        ("&from=2020", 400),
    ],
)
def test_agents_are_filtered_by_type_and_host_name(detection_unchanged: Service, query: str, number: int) -> None:
    response = detection_unchanged.get(ONLINE + query)
    if number == 400:
        assert response.status_code == 400 and errors(response)
    else:
        assert len(items(response, "agents")) == number


def test_an_unknown_agent_gets_404(detection_unchanged: Service) -> None:
    assert detection_unchanged.get(f"/v2/agents/{seed_data.PRECREATED_RULE_ID}").status_code == 404


@pytest.mark.parametrize(
    ("query", "number"),
    [("", 1), ("?monitored=true&verbose=true", 1), ("?monitored=false", 0), ("?isMonitored=false", 0)],
)
def test_servers_are_those_with_an_agent(detection_unchanged: Service, query: str, number: int) -> None:
    servers = items(detection_unchanged.get("/v2/aws/ec2" + query), "servers")
    assert len(servers) == number
    assert all([agent["id"] for agent in server["agents"]] == [seed_data.LAB_AGENT_ID] for server in servers)


AGENT_KEYS = (
    "id", "instanceId", "status", "createdAt", "lastReportedAt", "version", "name", "description", "hostname",
    "ipAddresses", "tags", "agentType", "osVersion", "kernel", "agentModuleHealth",
)  # fmt: skip
SERVER_AGENT_KEYS = (
    "id", "status", "createdAt", "lastReportedAt", "version", "name", "description", "hostname", "isContainerAgent",
    "kernel", "osVersion",
)  # fmt: skip


def test_agents_have_the_fields_and_the_order_of_the_vendors_replies(detection_unchanged: Service) -> None:
    agent = detection_unchanged.get(f"/v2/agents/{seed_data.LAB_AGENT_ID}").json()
    assert tuple(agent) == AGENT_KEYS
    [server] = items(detection_unchanged.get("/v2/aws/ec2"), "servers")
    [within] = server["agents"]
    assert tuple(within) == SERVER_AGENT_KEYS
    assert within == {"isContainerAgent": False} | {name: agent[name] for name in within if name in agent}


@pytest.mark.parametrize(
    ("path", "noun"),
    [
        ("", "cves"),
        ("/suppressions", "suppressions"),
        ("/package/bash", "packages"),
        ("/CVE-2014-6271/servers", "servers"),
    ],
)
def test_lists_of_vulnerabilities_are_empty(detection_unchanged: Service, path: str, noun: str) -> None:
    assert items(detection_unchanged.get("/v2/vulnerabilities" + path), noun) == []


def test_members_are_listed_without_their_keys(detection_unchanged: Service) -> None:
    response = detection_unchanged.get(MEMBERS)
    members = items(response, "members")
    assert {member["role"] for member in members} == {"owner", "user", "reader"}
    (student,) = [member for member in members if member["id"] == detection_unchanged.user_id]
    published = {"id", "displayName", "email", "role", "ssoEnabled", "mfaEnabled", "userEnabled", "lastAuthenticatedAt"}
    assert set(student) == published
    assert abs(student["lastAuthenticatedAt"] - now_ms()) < 60_000
    assert all(type(member["lastAuthenticatedAt"]) is int for member in members), "milliseconds, 0 for never"
    assert detection_unchanged.api_key not in response.text
    enabled = items(detection_unchanged.get(MEMBERS + "?enabledOnly=true"), "members")
    assert len(enabled) == len(members) - 1


def test_a_known_user_is_added_and_removed(detection_service: Service) -> None:
    guest = detection_service.as_member(seed_data.GUEST_EMAIL)
    assert guest.get(RULESETS).status_code == 403
    added = detection_service.post(MEMBERS, {"id": guest.user_id, "role": "reader"})
    assert added.status_code == 200 and added.json()["role"] == "reader"
    assert guest.get(RULESETS).status_code == 200
    assert detection_service.delete(f"{MEMBERS}/{guest.user_id}").status_code == 204
    assert guest.get(RULESETS).status_code == 403
    assert detection_service.delete(f"{MEMBERS}/{guest.user_id}").status_code == 404
    assert detection_service.post(MEMBERS, {"id": "0" * 24, "role": "reader"}).status_code == 404
    assert detection_service.post(MEMBERS, {"id": guest.user_id, "role": "king"}).status_code == 400


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_an_invitation_is_answered_to_either_method(detection_service: Service, method: str) -> None:
    path = "/v2/organizations/invites"
    answered = detection_service.post(path, {"role": "user", "email": "new@agility.example"}, method)
    assert answered.status_code == 200
    assert answered.json() == {"sentToEmail": "new@agility.example", "role": "user", "status": "pending"}
    assert detection_service.post(path, {"role": "owner", "email": "a@b"}, method).status_code == 400
    assert detection_service.post(path, {"role": "user", "email": "nobody"}, method).status_code == 400


def test_the_audit_log_lists_changes_newest_first(detection_service: Service) -> None:
    assert detection_service.get("/v2/auditlogs").json() == {"recs": [], "token": None}
    rule = detection_service.get(PRECREATED).json()
    clone = detection_service.post(RULES, rule | {"name": "Copy"}).json()
    detection_service.put(f"{RULES}/{clone['id']}", clone | {"enabled": True})
    detection_service.delete(f"{RULES}/{clone['id']}")
    detection_service.put(f"{RULES}/{clone['id']}", clone)
    detection_service.post(RULES, {"name": ""})
    recs = items(detection_service.get("/v2/auditlogs"), "recs")
    assert [rec["description"] for rec in recs] == [
        "deleted rule Copy",
        "updated rule Copy, now enabled",
        "created rule Copy",
    ]
    assert [rec["crud"] for rec in recs] == ["delete", "update", "create"]
    for rec in recs:
        assert rec["userId"] == detection_service.user_id and rec["userEmail"] == seed_data.STUDENT_EMAIL
        assert rec["organizationId"] == seed_data.ORGANIZATION_ID and rec["context"]["ruleId"] == clone["id"]
        assert rec["result"] == "success" and rec["source"] == "api" and rec["eventTime"].endswith("Z")


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("?operation=create", 1),
        ("?operation=read", 0),
        (f"?userEmail={seed_data.STUDENT_EMAIL}", 1),
        ("?userEmail=other@agility.example", 0),
        ("?userID=" + "0" * 24, 0),
        ("?from=2020-01-01", 2),
        ("?until=2020-01-01", 0),
    ],
)
def test_the_audit_log_covers_thirty_days_by_default(detection_service: Service, query: str, number: int) -> None:
    detection_service.post(RULESETS, {"name": "Mine", "description": "", "ruleIds": []})
    long_ago = now_ms() - 31 * 86_400_000
    deed = NewAuditRecord(
        seed_data.ORGANIZATION_ID, "0" * 23 + "1", "former@agility.example", "delete", "x", "long ago", long_ago
    )
    detection_service.store.audit.record(deed)
    assert len(items(detection_service.get("/v2/auditlogs" + query), "recs")) == number
    assert detection_service.get("/v2/auditlogs?operation=look").status_code == 400
