"""The audit events that the lab's agent sends of the connections that the range sees."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from labkit.model.detection.event import audit_event
from labkit.model.host.records import Connection
from labkit.sandbox.aws.keys import ACCOUNT
from labkit.sandbox.detection import seed_data
from labkit.sandbox.detection.store.store import DetectionStore
from labkit.sandbox.detection.timestamps import now_ms
from labkit.sandbox.ids import Ids

_SERVER_METADATA = {"instance_id": "id", "instance_type": "instanceType", "image_id": "imageId"}


class ConnectEvents:
    """Makes the events of a host.

    source_addresses: what it connects from, the first of each family. host: the fields that every event shares, from
    `host_fields`; empty where the receiver of the events adds them.
    """

    def __init__(self, ids: Ids, source_addresses: Sequence[str], host: Mapping[str, Any] | None = None) -> None:
        self._ids, self._sources, self._host = ids, list(source_addresses), dict(host or {})
        self._numbers = itertools.count(1)

    @classmethod
    def of_agent(
        cls, store: DetectionStore, agent_id: str = seed_data.LAB_AGENT_ID, source_addresses: Sequence[str] = ()
    ) -> ConnectEvents:
        """Those of an agent's host. source_addresses: the agent's own private ones by default.

        Raises NoSuch when the agent is not in the store.
        """
        host = host_fields(store, agent_id, source_addresses)
        return cls(store.ids, host["network_metadata"][0]["private_ip_address"], host)

    def event(self, connection: Connection) -> dict[str, Any]:
        """The event as the service stores it."""
        happened_at, number = int(connection.time * 1000), next(self._numbers)
        return {
            "_id": self._ids.new("event"),
            "timestamp": happened_at,
            "event_time": happened_at,
            "_insert_time": now_ms(),
            **audit_event(connection, self._sources),
            "path": [],
            "header": {
                "id": number,
                "sequenceId": happened_at * 1_000_000 + number % 1_000_000,
                "timestamp": happened_at // 1000,
                "milliseconds": happened_at % 1000,
            },
            "parent_metadata": {"pid": connection.program.ppid},
            **self._host,
            "alert_metadata": {"rule_matches": [], "match_state": "UNMATCHED", "num_matched": 0, "num_suppressed": 0},
        }


def host_fields(
    store: DetectionStore, agent_id: str, addresses: Sequence[str] = (), account: str = ACCOUNT
) -> dict[str, Any]:
    """The fields that every event of an agent's host shares.

    addresses: the host's; by default the agent's own private ones. account: the AWS account that the host is in.
    Raises NoSuch when the agent is not in the store.
    """
    agent = store.agents.agent(seed_data.ORGANIZATION_ID, agent_id)
    servers = store.agents.servers(seed_data.ORGANIZATION_ID, monitored=True)
    server = next((one for one in servers if any(agent["id"] == agent_id for agent in one["agents"])), {})
    own = [address for address in agent["ipAddresses"]["private"] if "/" not in address]
    network = {
        "private_ip_address": list(addresses) or own,
        "public_ip_address": agent["ipAddresses"]["public"],
        "private_dns_name": [name] if (name := server.get("privateDnsName")) else [],
        "public_dns_name": [name] if (name := server.get("publicDnsName")) else [],
        "subnet_id": server.get("subnetId"),
        "vpc_id": server.get("vpcId"),
    }
    region = server.get("region")
    return {
        "agent_id": agent["id"],
        "organization_id": seed_data.ORGANIZATION_ID,
        "host_metadata": {
            "hostname": server.get("privateDnsName") or agent["hostname"],
            "server_name": agent["hostname"],
            "kernel": agent["kernel"],
            "os_version": agent["osVersion"],
            **{name: server.get(key) for name, key in _SERVER_METADATA.items()},
        },
        "provider_metadata": {
            "cloud_provider": "aws",
            "account_id": account,
            "availability_zone": f"{region}a" if region else None,
        },
        "network_metadata": [network],
        "agent_metadata": {
            "agent_id": f"{seed_data.ORGANIZATION_ID}-{agent['id']}",
            "deployment_mode": "host",
            "version": agent["version"],
        },
    }
