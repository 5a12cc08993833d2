"""A connect event as the original service showed it, changes of it, and what a filter answers to an event."""

from __future__ import annotations

from typing import Any

from labkit.model import rule_filter
from tests.unit.rule_filter.naive_evaluator import holds

CONNECT: dict[str, Any] = {
    "_id": "a4c1d1d0-c97d-11f0-8c2f-0242ac110002",
    "event_type": "audit",
    "syscall": "connect",
    "type": "connect",
    "timestamp": 1795560012345,
    "event_time": 1795560012345,
    "agent_id": "1f6ad2be-b7c1-11f0-9f53-0242ac110002",
    "exe": "/usr/bin/curl",
    "args": ["curl", "dadismad.com"],
    "cwd": "/home/ubuntu",
    "pid": 6315,
    "uid": 1000,
    "user": "ubuntu",
    "group": "ubuntu",
    "session": 3,
    "tty": "pts0",
    "exit": "0",
    "success": True,
    "path": [],
    "connection": {
        "addr": "203.0.113.10",
        "dst_addr": "203.0.113.10",
        "dst_port": 80,
        "src_addr": "10.0.0.10",
        "src_port": 43512,
        "port": 80,
        "protocol": "tcp",
    },
    "host_metadata": {"hostname": "ip-10-0-0-10.ec2.internal", "server_name": "ip-10-0-0-10"},
    "provider_metadata": {"cloud_provider": "aws", "account_id": "123456789012", "availability_zone": "us-east-1a"},
    "network_metadata": [{"public_ip_address": ["198.51.100.7"], "vpc_id": "vpc-0123456789abcdef0"}],
    "parent_metadata": {"exe": "/usr/bin/bash", "pid": 6171},
}

LOCAL_LOG: dict[str, Any] = {
    "event_type": "host",
    "sigid": 5902,
    "group": ["syslog", "authentication_failed"],
    "src_ip": "192.168.1.1",
}


def connect(address: str | None = None, **changes: Any) -> dict[str, Any]:
    """The connect event, to another address if one is given, with other values of keys; None takes a key away."""
    ends = CONNECT["connection"] if address is None else CONNECT["connection"] | {"addr": address, "dst_addr": address}
    event = CONNECT | {"connection": ends} | changes
    return {key: value for key, value in event.items() if value is not None}


def true_of(text: str, event: dict[str, Any]) -> bool:
    """The compiled filter's answer, after seeing that the explanation and the naive reading give the same."""
    read = rule_filter.parse(text)
    answer = rule_filter.compile(read)(event)
    assert rule_filter.explain(read, event).verdict is answer
    assert holds(read.tree, event) is answer
    return answer
