"""Events in the proportions a Linux server makes them, always the same ones.

Shape as in captured audit events. Two in five are program starts, one in four a connect; of the connects some go to
the machine itself, some to unix sockets (no address), the rest to a few thousand addresses, few of them often.
"""

from __future__ import annotations

import random
from typing import Any

Event = dict[str, Any]

_KINDS = {"execve": 40, "connect": 25, "other": 11, "accept": 5, "file": 8, "login": 4, "host": 4, "cloudtrail": 3}
_PROGRAMS = ("/usr/bin/curl", "/usr/bin/python3.10", "/usr/sbin/sshd", "/usr/bin/sudo", "/usr/bin/ps", "/bin/bash")
_USERS = ("root", "ubuntu", "www-data", "chef", "postgres")
_METADATA: Event = {
    "host_metadata": {
        "hostname": "ip-10-0-0-10.ec2.internal",
        "server_name": "ip-10-0-0-10",
        "kernel": "5.15.0-1040-aws",
        "os_version": "ubuntu-20.04",
        "instance_id": "i-0123456789abcdef0",
        "instance_type": "t3a.medium",
        "image_id": "ami-0123456789abcdef0",
    },
    "provider_metadata": {"cloud_provider": "aws", "account_id": "123456789012", "availability_zone": "us-east-1a"},
    "network_metadata": [
        {
            "private_ip_address": ["10.0.0.10"],
            "public_ip_address": ["198.51.100.7"],
            "private_dns_name": ["ip-10-0-0-10.ec2.internal"],
            "public_dns_name": [],
            "subnet_id": "subnet-0123456789abcdef0",
            "vpc_id": "vpc-0123456789abcdef0",
            "network_interface": "eni-0123456789abcdef0",
        }
    ],
    "agent_metadata": {"agent_id": "64b7e0c2a1f3d95e8c0b7a11-1f6ad2bf", "deployment_mode": "host", "version": "2.5.0"},
}
_ENDS = {"loopback": 15, "none": 10, "link_local": 8, "private": 25, "public": 42}


def events(count: int, seed: int = 3) -> list[Event]:
    """That many events; the same seed gives the same."""
    chance = random.Random(seed)
    public = [f"{chance.randrange(11, 126)}.{_octets(chance)}" for _ in range(2000)]
    kinds = chance.choices(list(_KINDS), list(_KINDS.values()), k=count)
    return [_event(kind, number, chance, public) for number, kind in enumerate(kinds)]


def _octets(chance: random.Random) -> str:
    return ".".join(str(chance.randrange(1, 255)) for _ in range(3))


def _event(kind: str, number: int, chance: random.Random, public: list[str]) -> Event:
    common = {"_id": f"{number:08x}-c97d-11f0-8c2f-0242ac110002", "timestamp": 1795560012345 + number}
    common |= {"agent_id": f"1f6ad2be-b7c1-11f0-9f53-0242ac1100{chance.randrange(10, 30)}"}
    if kind == "file":
        return common | {"event_type": "file", "filename": f"/etc/conf.d/{number % 97}", "user": chance.choice(_USERS)}
    if kind == "login":
        return common | {"event_type": "login", "user": chance.choice(_USERS), "src_ip": chance.choice(public)}
    if kind == "host":
        return common | {"event_type": "host", "sigid": 5900 + number % 20, "group": ["syslog", "sshd"], "level": 5}
    if kind == "cloudtrail":
        return common | {"event_type": "cloudtrail", "eventName": "DescribeVpcs", "ip": chance.choice(public)}
    return common | _audit(kind, number, chance, public)


def _audit(kind: str, number: int, chance: random.Random, public: list[str]) -> Event:
    syscall = chance.choice(("setuid", "ptrace", "adjtimex", "openat")) if kind == "other" else kind
    exe, user = chance.choice(_PROGRAMS), chance.choice(_USERS)
    command = exe.rpartition("/")[2]
    args = [command, f"--{number % 50}", "example.com"]
    event: Event = {
        "event_type": "audit",
        "syscall": syscall,
        "type": "start" if kind == "execve" else syscall,
        "event_time": 1795560012345 + number,
        "_insert_time": 1795560014100 + number,
        "organization_id": "64b7e0c2a1f3d95e8c0b7a11",
        "exe": exe,
        "command": command,
        "args": args,
        "arguments": " ".join(args),
        "cwd": "/home/ubuntu",
        "pid": 6000 + number % 3000,
        "ppid": 6171,
        "uid": 0 if user == "root" else 1000,
        "gid": 1000,
        "user": user,
        "group": user,
        "auid": 1000,
        "auser": "ubuntu",
        "session": 3,
        "exit": "0",
        "success": True,
        "path": [],
        "header": {
            "id": 3162035 + number,
            "sequenceId": 427161847792120600,
            "timestamp": 1795560012,
            "milliseconds": 345,
        },
        **_METADATA,
        "parent_metadata": {"exe": "/usr/bin/bash", "pid": 6171, "timestamp": 1795559000000},
        "alert_metadata": {"rule_matches": [], "match_state": "UNMATCHED", "num_matched": 0, "num_suppressed": 0},
    }
    if chance.random() < 0.6:
        event["tty"] = "pts0"
    if kind in ("connect", "accept"):
        event["connection"] = _connection(chance, public)
    return event


def _connection(chance: random.Random, public: list[str]) -> Event:
    end = chance.choices(list(_ENDS), list(_ENDS.values()))[0]
    if end == "none":
        return {"protocol": "unix"}
    address = {
        "loopback": chance.choice(("127.0.0.1", "127.0.0.53", "::1")),
        "link_local": "169.254.169.254",
        "private": f"10.{chance.randrange(4)}.{chance.randrange(8)}.{chance.randrange(1, 40)}",
        "public": public[int(len(public) * chance.random() ** 3)],
    }[end]
    port = chance.choice((80, 443, 53, 5432))
    ends = {"dst_addr": address, "dst_port": port, "src_addr": "10.0.0.10", "src_port": 43512}
    return {"addr": address, "port": port, "protocol": "tcp", **ends}
