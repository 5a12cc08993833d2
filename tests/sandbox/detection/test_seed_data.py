"""A seeded sandbox: the same ids and keys every time, in the services' own formats, but only for new state."""

from __future__ import annotations

import os
import re
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from labkit.model.detection.event import connect_event
from labkit.model.errors import LabError
from labkit.sandbox.detection import seed_data
from labkit.sandbox.ids import Ids
from labkit.services import sandbox_process
from labkit.services.detection.api import DetectionApi


def worked_through(home: Path, seed: str) -> dict[str, Any]:
    """What a new world tells by its real APIs, once somebody has made a VPC and a rule and a program has connected."""
    sandbox, _ = sandbox_process.start(home, os.getpid(), seed)
    try:
        keys = sandbox.credentials()
        api = DetectionApi(sandbox.url, **keys["detection"])
        (precreated,) = [one for one in api.rules(seed_data.BASE_RULE_SET_ID) if one.id == seed_data.PRECREATED_RULE_ID]
        mine = api.create_rule(seed_data.BASE_RULE_SET_ID, replace(precreated, name="Mine", enabled=True))
        sandbox.control("POST", "/_lab/events", {**connect_event("203.0.113.10"), "agent_id": seed_data.LAB_AGENT_ID})
        (alert,) = api.alerts()
        return {
            "keys": keys,
            "network": network(sandbox.url, keys["aws"]),
            "rules": [one.id for one in api.rules(seed_data.BASE_RULE_SET_ID)],
            "mine": mine.id,
            "alert": alert.id,
            "event": [event["_id"] for event in api.alert_events(alert.id)],
            "token": sandbox.token,
        }
    finally:
        sandbox_process.stop(home)


def network(url: str, keys: dict[str, str]) -> list[str]:
    """The ids of the VPCs and network ACLs, once one more was made."""
    named = {f"aws_{name}": value for name, value in keys.items()}
    ec2 = boto3.client("ec2", endpoint_url=url, region_name="us-east-1", **named)
    ec2.create_vpc(CidrBlock="10.0.0.0/16")
    acls = ec2.describe_network_acls()["NetworkAcls"]
    return sorted([one["VpcId"] for one in acls] + [one["NetworkAclId"] for one in acls])


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Two worlds of one seed and one of another."""
    seeds = ["a handout", "a handout", "another"]
    return [worked_through(tmp_path_factory.mktemp("seeded") / "home", seed) for seed in seeds]


def test_the_same_seed_gives_the_same_ids_and_keys_and_a_token_of_its_own(worlds: list[dict[str, Any]]) -> None:
    first, second = ({**each} for each in worlds[:2])
    assert first.pop("token") != second.pop("token")
    assert first == second


def test_another_seed_gives_other_ids_and_keys(worlds: list[dict[str, Any]]) -> None:
    first, other = worlds[0], worlds[2]
    assert not set(first["network"]) & set(other["network"])
    assert set(first["rules"]) & set(other["rules"]) == {seed_data.PRECREATED_RULE_ID}
    assert first["keys"]["detection"]["user_id"] != other["keys"]["detection"]["user_id"]
    for name in ("mine", "alert", "event"):
        assert first[name] != other[name], name
    for service, name in (("aws", "access_key_id"), ("aws", "secret_access_key"), ("detection", "api_key")):
        assert first["keys"][service][name] != other["keys"][service][name]


def test_seeded_values_have_the_same_form_as_random_ones(worlds: list[dict[str, Any]]) -> None:
    one = worlds[0]
    assert re.fullmatch("AKIA[A-Z2-7]{16}", one["keys"]["aws"]["access_key_id"])
    assert re.fullmatch("[A-Za-z0-9+/]{40}", one["keys"]["aws"]["secret_access_key"])
    assert re.fullmatch("[0-9a-f]{64}", one["keys"]["detection"]["api_key"])
    assert all(re.fullmatch("(vpc|acl)-[0-9a-f]{17}", each) for each in one["network"])
    for identifier in (one["mine"], one["alert"], *one["event"]):
        assert uuid.UUID(identifier).version == 1 and identifier.endswith("-0242ac110002")


def test_a_seed_is_refused_if_there_is_state_and_its_keys_stay(tmp_path: Path) -> None:
    home = tmp_path / "home"
    try:
        before = sandbox_process.start(home, os.getpid())[0].credentials()
        sandbox_process.stop(home)
        with pytest.raises(LabError, match="A seed needs a new home"):
            sandbox_process.start(home, os.getpid(), "a handout")
        assert sandbox_process.start(home, os.getpid())[0].credentials() == before
    finally:
        sandbox_process.stop(home)


def test_seeded_ids_rise_and_another_kind_changes_nothing() -> None:
    alone, beside = Ids("seed"), Ids("seed")
    made = [alone.new("alert") for _ in range(1000)]
    mixed = [(beside.new("alert"), beside.new("event")) for _ in range(1000)]
    assert made == sorted(set(made)) == [alert for alert, _ in mixed]
    assert len({*made, *(event for _, event in mixed)}) == 2000
