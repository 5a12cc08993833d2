"""A connect(2) that the range saw, as the audit event that the lab's agent would send of it."""

from __future__ import annotations

import grp
import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from labkit.sandbox.aws.keys import ACCOUNT
from labkit.sandbox.detection import seed_data
from labkit.sandbox.detection.store.store import DetectionStore
from labkit.sandbox.detection.timestamps import now_ms
from labkit.sandbox.ids import Ids

NO_LOGIN = 4294967295
"""What the kernel's audit has for the login user and session of a program that no login began."""

_TIMED_OUT = "-110"
_SERVER_METADATA = {"instance_id": "id", "instance_type": "instanceType", "image_id": "imageId"}


class ConnectFacts(Protocol):
    """What the range knows of a program that asks for a connection. `time`: seconds since 1970. tty: such as `pts0`,
    empty without a terminal. allowed: the verdict where the range gave it itself, else None."""

    @property
    def time(self) -> float: ...
    @property
    def pid(self) -> int: ...
    @property
    def ppid(self) -> int: ...
    @property
    def session(self) -> int: ...
    @property
    def tty(self) -> str: ...
    @property
    def uid(self) -> int: ...
    @property
    def gid(self) -> int: ...
    @property
    def user(self) -> str: ...
    @property
    def exe(self) -> str: ...
    @property
    def cwd(self) -> str: ...
    @property
    def args(self) -> Sequence[str]: ...
    @property
    def ip(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def protocol(self) -> str: ...
    @property
    def allowed(self) -> bool | None: ...


class ConnectEvents:
    """Makes the events of a host. source_addresses: what it connects from, the first of each family. host: what is the
    same in every event, as `host_fields` has it; empty where whoever takes the events in knows the host."""

    def __init__(self, ids: Ids, source_addresses: Sequence[str], host: Mapping[str, Any] | None = None) -> None:
        self._ids, self._sources, self._host = ids, list(source_addresses), dict(host or {})
        self._numbers = itertools.count(1)

    @classmethod
    def of_agent(
        cls, store: DetectionStore, agent_id: str = seed_data.LAB_AGENT_ID, source_addresses: Sequence[str] = ()
    ) -> ConnectEvents:
        """Those of an agent's host, which connects from the agent's own private addresses unless told. Raises NoSuch
        when the agent is not in the store."""
        host = host_fields(store, agent_id, source_addresses)
        return cls(store.ids, host["network_metadata"][0]["private_ip_address"], host)

    def event(self, facts: ConnectFacts) -> dict[str, Any]:
        """The event, in the shape of the v2 REST API. Text that is not UTF-8 is made so."""
        happened_at, number = int(facts.time * 1000), next(self._numbers)
        refused = facts.allowed is False
        return {
            "_id": self._ids.new("event"),
            "event_type": "audit",
            "syscall": "connect",
            "type": "connect",
            "timestamp": happened_at,
            "event_time": happened_at,
            "_insert_time": now_ms(),
            **_program(facts),
            "exit": _TIMED_OUT if refused else "0",
            "success": not refused,
            "path": [],
            "connection": self._connection(facts),
            "header": {
                "id": number,
                "sequenceId": happened_at * 1_000_000 + number % 1_000_000,
                "timestamp": happened_at // 1000,
                "milliseconds": happened_at % 1000,
            },
            "parent_metadata": {"pid": facts.ppid},
            **self._host,
            "alert_metadata": {"rule_matches": [], "match_state": "UNMATCHED", "num_matched": 0, "num_suppressed": 0},
        }

    def _connection(self, facts: ConnectFacts) -> dict[str, Any]:
        """Both ends, as far as they are known before the kernel acts: it has not chosen a source port yet."""
        ends: dict[str, Any] = {"addr": facts.ip, "dst_addr": facts.ip, "dst_port": facts.port, "port": facts.port}
        source = next((one for one in self._sources if (":" in one) == (":" in facts.ip)), None)
        return ends | ({"src_addr": source} if source else {}) | {"protocol": facts.protocol}


def _program(facts: ConnectFacts) -> dict[str, Any]:
    """Who asked. A program at a terminal belongs to a login, and that of the lab is its own user's."""
    exe, user, args = _utf8(facts.exe), _utf8(facts.user), [_utf8(argument) for argument in facts.args]
    at_terminal = {"auid": facts.uid, "auser": user, "session": facts.session, "tty": _utf8(facts.tty)}
    return {
        "exe": exe,
        "command": exe.rpartition("/")[2],
        "args": args,
        "arguments": " ".join(args),
        "cwd": _utf8(facts.cwd),
        "pid": facts.pid,
        "ppid": facts.ppid,
        "uid": facts.uid,
        "gid": facts.gid,
        "user": user,
        "group": _group(facts.gid),
        **(at_terminal if facts.tty else {"auid": NO_LOGIN, "session": NO_LOGIN}),
    }


def _utf8(text: str) -> str:
    """The text as JSON can carry it: a file name may hold any bytes."""
    return text.encode("utf-8", "replace").decode()


def _group(gid: int) -> str:
    try:
        return _utf8(grp.getgrgid(gid).gr_name)
    except KeyError:
        return str(gid)


def host_fields(
    store: DetectionStore, agent_id: str, addresses: Sequence[str] = (), account: str = ACCOUNT
) -> dict[str, Any]:
    """What is the same in every event of an agent's host. addresses: the host's; the agent's own private ones unless
    told. account: the AWS account that it is in. Raises NoSuch when the agent is not in the store."""
    agent = store.agents.agent(seed_data.ORGANIZATION_ID, agent_id)
    servers = store.agents.servers(seed_data.ORGANIZATION_ID, monitored=True)
    server = next((one for one in servers if agent_id in one["agents"]), {})
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
