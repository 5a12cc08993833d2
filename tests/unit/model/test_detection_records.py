"""Replies of the detection service as values."""

from __future__ import annotations

from labkit.model.detection.records import Agent, Alert


def test_given_addresses_bare_and_with_prefix_then_each_is_there_once() -> None:
    reply = {"id": "a", "ipAddresses": {"private": ["10.0.0.10/24", "10.0.0.10", "::1/128"], "public": None}}
    agent = Agent.from_api(reply)
    assert agent.private_addresses == ("10.0.0.10", "::1")


def test_given_an_agent_off_aws_then_what_is_null_is_empty() -> None:
    agent = Agent.from_api({"id": "a", "instanceId": None, "description": None, "ipAddresses": None})
    assert agent == Agent("a", "")


def test_both_published_shapes_of_aggregates_are_read() -> None:
    as_array = [{"fieldName": "user", "value": "root"}, {"fieldName": "exe"}]
    assert Alert.from_api({"id": "a", "aggregates": as_array}).aggregates == (("user", "root"), ("exe", ""))
    assert Alert.from_api({"id": "a", "aggregates": {"user": "root"}}).aggregates == (("user", "root"),)
    assert Alert.from_api({"id": "a", "aggregates": None}).aggregates == ()


def test_the_reply_is_kept_and_takes_no_part_in_comparing_or_showing() -> None:
    reply = {"id": "a", "agentModuleHealth": {}}
    agent = Agent.from_api(reply)
    assert agent.raw == reply and agent == Agent("a", "") and "agentModuleHealth" not in repr(agent)
