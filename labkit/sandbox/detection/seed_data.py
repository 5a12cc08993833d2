"""The data that the detection service starts with: the lab's organization, its people, rules and hosts.

The filters and suppressions are copied exactly from published ones; the rules around them are the lab's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labkit.model.detection.criteria import AGGREGATE_FIELDS, DESCRIPTION, FILTER, TITLE_ENDING
from labkit.model.detection.rule import BASE_RULE_SET, PRECREATED_RULE
from labkit.model.vpc import HOST_ADDRESS, HOST_NAME

ORGANIZATION_ID = "64b7e0c2a1f3d95e8c0b7a11"
ORGANIZATION_NAME = "F5 - Agility Labs"
BASE_RULE_SET_ID = "3d5a1c30-b7c1-11f0-9f53-0242ac110002"
PRECREATED_RULE_ID = "448889bf-eb81-11ec-b41e-1734e5d9feb0"
LAB_AGENT_ID = "1f6ad2be-b7c1-11f0-9f53-0242ac110002"
OFFLINE_AGENT_ID = "2a90e6d4-b7c1-11f0-9f53-0242ac110002"

STUDENT_EMAIL = "student@agility.example"
OBSERVER_EMAIL = "observer@agility.example"
GUEST_EMAIL = "guest@agility.example"
PEOPLE = (
    ("Instructor", "instructor@agility.example", True, "owner"),
    ("Student", STUDENT_EMAIL, True, "user"),
    ("Observer", OBSERVER_EMAIL, True, "reader"),
    ("Former Student", "former@agility.example", False, "user"),
    # A user without membership, whom `POST organizations/members` can add.
    ("Guest", GUEST_EMAIL, True, None),
)
"""Display name, email, enabled, role. User ids and API keys are generated at the first start."""

RULE_SET = {"name": BASE_RULE_SET, "description": "The rules that every host starts with", "ruleIds": []}


def _rule(name: str, title: str, filter: str, description: str, *fields: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "type": "Host",
        "title": f"{name}: {title}",
        "severityOfAlerts": 3,
        "alertDescription": description,
        "aggregateFields": list(fields),
        "filter": filter,
        "window": 86400,
        "threshold": 1,
        "suppressions": [],
        "enabled": False,
    } | more


PRECREATED = _rule(PRECREATED_RULE, "", FILTER, DESCRIPTION, *AGGREGATE_FIELDS, window=3600) | {
    "title": PRECREATED_RULE + TITLE_ENDING
}

_PRIVATE_ADDRESSES = (
    '(ip starts_with "10." OR ip starts_with "192.168." or ip starts_with "172.16." or ip starts_with "172.17." or '
    'ip starts_with "172.18." or ip starts_with "172.19." or ip starts_with "172.20." or ip starts_with "172.21." or '
    'ip starts_with "172.22." or ip starts_with "172.23." or ip starts_with "172.24." or ip starts_with "172.25." or '
    'ip starts_with "172.26." or ip starts_with "172.27." or ip starts_with "172.28." or ip starts_with "172.29." or '
    'ip starts_with "172.30." or ip starts_with "172.31." or ip starts_with "fd" or ip starts_with "::ffff:10." OR '
    'ip starts_with "::ffff:192.168." or ip starts_with "::ffff:172.16." or ip starts_with "::ffff:172.17." or '
    'ip starts_with "::ffff:172.18." or ip starts_with "::ffff:172.19." or ip starts_with "::ffff:172.20." or '
    'ip starts_with "::ffff:172.21." or ip starts_with "::ffff:172.22." or ip starts_with "::ffff:172.23." or '
    'ip starts_with "::ffff:172.24." or ip starts_with "::ffff:172.25." or ip starts_with "::ffff:172.26." or '
    'ip starts_with "::ffff:172.27." or ip starts_with "::ffff:172.28." or ip starts_with "::ffff:172.29." or '
    'ip starts_with "::ffff:172.30." or ip starts_with "::ffff:172.31." or ip starts_with "fd")'
)
_SYSCTL_READS = (
    '(user = "root" and exe like "/sbin/sysctl" and arguments like "sysctl -n") and (arguments like '
    '"net.ipv4.tcp_keepalive_intvl" or arguments like "vm.dirty_background_ratio" or arguments like "vm.dirty_ratio" '
    'or arguments like "vm.swappiness" or arguments like "vm.dirty_expire_centisecs" or arguments like '
    '"net.ipv4.tcp_keepalive_time" or arguments like "net.ipv4.tcp_keepalive_probes" or arguments like '
    '"net.ipv4.ip_local_port_range" or arguments like "net.ipv4.tcp_fin_timeout" or arguments like '
    '"net.ipv4.tcp_tw_reuse" or arguments like "net.ipv4.ip_default_ttl")'
)

OTHER_RULES: tuple[dict[str, Any], ...] = (
    _rule(
        "User: Privilege Escalations",
        "{{user}} ran {{arguments}}",
        '(command = "sudo" or command = "su") and user != "root" and type = "start" and syscall = "execve" '
        "and tty != null",
        "A user at a terminal switched to another user's rights.",
        *("user", "arguments"),
        enabled=True,
    ),
    _rule(
        "User: Sudo by Others",
        "{{user}} ran {{exe}}",
        "command = 'sudo'",
        "A user who is not on the list of permitted users ran sudo.",
        *("user", "exe"),
        severityOfAlerts=2,
        suppressions=["user = 'alice' OR user = 'bob'"],
    ),
    _rule(
        "Users : Login Failures",
        "{{user}} from {{src_ip}}",
        'group = "authentication-failed" or group = "invalid_login" OR group = "authentication_failed" '
        'or group like "fail"',
        "A login was refused.",
        *("user", "src_ip"),
        enabled=True,
    ),
    _rule(
        "Exploit: Kernel Module Activity",
        "{{user}} ran {{arguments}}",
        'type = "start" and (command = "insmod" OR command = "rmmod") and arguments != null',
        "A kernel module was loaded or removed.",
        *("user", "arguments"),
        severityOfAlerts=1,
        suppressions=['arguments like "uprobes"'],
        enabled=True,
    ),
    _rule(
        "Docker: User Commands",
        "{{user}} ran {{command}} in a container",
        'containerId != null and type = "start" and syscall = "execve" and  tty starts_with "pts"',
        "A user runs commands inside a container.",
        *("user", "command"),
    ),
    _rule(
        "Host: New User Added",
        "{{hostname}}",
        'event_type = "host" and sigid = "5902"',
        "An account was added to a host.",
        "hostname",
        enabled=True,
    ),
    _rule(
        "Host: Kernel Parameters",
        "{{user}} ran {{arguments}}",
        'command = "sysctl"',
        "A program that does not usually do so read or set kernel parameters.",
        *("user", "arguments"),
        suppressions=[
            _SYSCTL_READS,
            'cwd starts_with "/opt/rapid7" or cwd starts_with "/home/insightvm" or user starts_with "insightvm"',
        ],
    ),
    _rule(
        "Host: File Touched",
        "{{user}} touched {{filename}}",
        'event_type = "audit" and command = "touch"',
        "The command touch was run, which is a harmless way to get an alert.",
        *("user", "filename"),
        window=3600,
        suppressions=["user = 'root' AND command = 'ps'"],
    ),
    _rule(
        "Network: One Machine",
        "{{exe}} talked with {{src_ip}}",
        'src_ip = "192.168.1.1/32"',
        "Traffic from one watched machine.",
        *("exe", "src_ip"),
    ),
    _rule(
        "Network: Everything but One Machine",
        "{{exe}} talked with {{ip}}",
        'connection.addr != "192.168.1.1/32"',
        "Traffic with any machine except the expected one.",
        *("exe", "ip"),
        severityOfAlerts=2,
    ),
    _rule(
        "Threat Intelligence: Outbound Connection (Connects) to WAN",
        "{{ip}}: {{threatintel_reason}}",
        'type ="connect" and event_type="threatintel"',
        "A program connected to an address with a bad reputation.",
        *("ip", "threatintel_reason"),
        type="ThreatIntel",
        severityOfAlerts=1,
        suppressions=["port = 0", _PRIVATE_ADDRESSES],
    ),
    _rule(
        "File: Configuration File Changes",
        "{{user}} changed {{filename}} with {{command}}",
        'event_type = "file"',
        "A configuration file of the host was changed.",
        *("user", "filename", "command"),
        type="File",
        fileIntegrityPaths=[{"path": "/etc", "recursive": True}],
        ignoreFiles=["*swp", "*~"],
        eventsToMonitor=["modify", "delete", "create"],
    ),
)


def _agent(identifier: str, name: str, address: str, status: str = "online", **more: Any) -> dict[str, Any]:
    return {
        "id": identifier,
        "instanceId": None,
        "status": status,
        "version": "2.5.0",
        "name": name,
        "description": "",
        "hostname": f"ip-{address.replace('.', '-')}",
        "ipAddresses": {"private": [f"{address}/24", address], "link_local": [], "public": []},
        "tags": [],
        "agentType": "investigate",
        "osVersion": "ubuntu-20.04",
        "kernel": "5.15.0-1040-aws",
        "agentModuleHealth": None,
    } | more


_LAB_PUBLIC_ADDRESS = "198.51.100.7"
_AGENT_SERVICES = (
    "auditReader", "processTracer", "networkTracer", "dnsTracer", "fileIntegrity", "loginReader",
    "hostEvents", "containerTracer", "userTracker", "processSandbox", "eventSender", "updater",
)  # fmt: skip
"""Sandbox: the original agent also has twelve services; only the names dnsTracer, networkTracer and processSandbox
are known, the others are invented."""


def host_agent(identifier: str, name: str) -> dict[str, Any]:
    """The healthy agent of a lab's host: of the sandbox's, or of a student's in a class."""
    return _agent(
        identifier,
        name,
        HOST_ADDRESS,
        instanceId="i-0123456789abcdef0",
        ipAddresses={
            "private": [f"{HOST_ADDRESS}/24", HOST_ADDRESS],
            "link_local": [],
            "public": [_LAB_PUBLIC_ADDRESS],
        },
        agentModuleHealth={"isHealthy": True, **dict.fromkeys(_AGENT_SERVICES, "HEALTHY")},
    )


AGENTS = (
    host_agent(LAB_AGENT_ID, HOST_NAME),
    _agent("251c7f90-b7c1-11f0-9f53-0242ac110002", "web-1", "10.0.0.23", agentType="monitor", version="2.4.1"),
    _agent(OFFLINE_AGENT_ID, "build-1", "10.0.0.31", "offline", version="2.3.2", osVersion="ubuntu-18.04"),
)

SERVERS: tuple[Mapping[str, Any], ...] = (
    {
        "id": "i-0123456789abcdef0",
        "kernelId": None,
        "instanceType": "t3a.medium",
        "privateDnsName": f"ip-{HOST_ADDRESS.replace('.', '-')}.ec2.internal",
        "privateIpAddress": HOST_ADDRESS,
        "groups": [],
        "subnetId": "subnet-0123456789abcdef0",
        "keyName": None,
        "region": "us-east-1",
        "launchTime": "2026-11-02T08:00:00.000Z",
        "imageId": "ami-0123456789abcdef0",
        "architecture": "x86_64",
        "publicDnsName": "",
        "publicIpAddress": _LAB_PUBLIC_ADDRESS,
        "vpcId": "vpc-0123456789abcdef0",
        "awsProfile": None,
        "monitored": True,
        "tags": [],
        "state": "running",
        "stateCode": 16,
        "agents": [LAB_AGENT_ID],
    },
)
