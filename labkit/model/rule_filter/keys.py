"""The keys of events: which are known, what each reads, and which of them take CIDR blocks.

**Source:** the retired product's help pages on filter keys, aliases and CIDR support, as far as they survive; what an
event holds, from captured audit events of 2022. A key outside these tables is read from the event as it is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

EVENT_TYPES = (
    "audit",
    "file",
    "host",
    "login",
    "cloudtrail",
    "network",
    "threatintel",
    "winsec",
    "kubernetesAudit",
    "kubernetesConfig",
)

_ANY_EVENT: frozenset[str] = frozenset()
CIDR_KEYS: Mapping[str, frozenset[str]] = {
    # Only audit and threat intelligence events have a connection, so these need no look at the event's type.
    "connection.addr": _ANY_EVENT,
    "connection.dst_addr": _ANY_EVENT,
    "connection.src_addr": _ANY_EVENT,
    "src_ip": frozenset({"host", "winsec"}),
    "dst_ip": frozenset({"winsec"}),
    "dstIpv6": frozenset({"winsec"}),
    "srcIpv6": frozenset({"winsec"}),
}
"""Keys on which `=` and `!=` take a CIDR block, and the event types on which they do; empty for all."""

ADDRESS_KEYS = frozenset(CIDR_KEYS) | {"ip"}

OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "src_ip": ("connection.src_addr",),
    "dst_ip": ("connection.dst_addr",),
    "src_port": ("connection.src_port",),
    "dst_port": ("connection.dst_port",),
    "protocol": ("connection.protocol",),
    "hostname": ("host_metadata.hostname",),
    "server": ("hostname", "host_metadata.hostname", "host_metadata.server_name"),
    "agent": ("server", "hostname", "host_metadata.hostname", "host_metadata.server_name"),
    "account_id": ("provider_metadata.account_id",),
    "availability_zone": ("provider_metadata.availability_zone",),
    "cloud_provider": ("provider_metadata.cloud_provider",),
    "public_ip_address": ("network_metadata.public_ip_address",),
}
"""Where a key is looked up when the event has none of that name, in this order."""


@dataclass(frozen=True, slots=True)
class BothEnds:
    """A key that means either end of a connection; `own` is read when an event names neither end.

    own_first: CloudTrail events have an `ip` of their own. `connection.addr` is always both ends [documented].
    """

    ends: tuple[str, str]
    own: str
    own_first: bool


_ADDRESSES = ("connection.dst_addr", "connection.src_addr")
_PORTS = ("connection.dst_port", "connection.src_port")
EITHER_END: Mapping[str, BothEnds] = {
    "ip": BothEnds(_ADDRESSES, "connection.addr", own_first=True),
    "connection.addr": BothEnds(_ADDRESSES, "connection.addr", own_first=False),
    "port": BothEnds(_PORTS, "connection.port", own_first=True),
    "connection.port": BothEnds(_PORTS, "connection.port", own_first=False),
}

DERIVED_KEYS = frozenset({"command", "arguments"})
"""Keys made from another where an event lacks them: the last part of `exe`, `args` joined by spaces."""

_AUDIT = """event_type syscall type exe command cwd args arguments pid ppid uid gid user group auid auser session tty
    exit success path protocol domain timestamp event_time _insert_time agent_id organization_id _id hostname server
    agent account_id availability_zone cloud_provider public_ip_address parent_metadata.exe parent_metadata.pid
    containerId containerImage filename src_ip dst_ip ip src_port dst_port port"""
_CONNECTION = """connection.addr connection.dst_addr connection.src_addr connection.port connection.dst_port
    connection.src_port connection.protocol"""
_OTHERS = """sigid groups level comment log location src_user dst_user threatintel_source threatintel_reason
    threatintel_type eventName eventSource awsRegion region accountId userType errorCode mfaUsed win_event_id sid
    sam_account dns_host dstIpv6 srcIpv6"""
KNOWN_KEYS = tuple(f"{_AUDIT} {_CONNECTION} {_OTHERS}".split())

_OPEN_OBJECTS = (
    "host_metadata.",
    "provider_metadata.",
    "network_metadata.",
    "agent_metadata.",
    "parent_metadata.",
    "alert_metadata.",
    "header.",
    "target_",
)
"""Beginnings of keys whose members are known to vary, so that none of them is called unknown."""


def is_known(key: str) -> bool:
    """True if the key is one an event is known to have."""
    return key in KNOWN_KEYS or key.startswith(_OPEN_OBJECTS)


def is_plain(key: str) -> bool:
    """True if the key is read from the top of the event and nowhere else."""
    return "." not in key and key not in OTHER_NAMES and key not in EITHER_END and key not in DERIVED_KEYS


def near_known_key(key: str) -> str:
    """The known key that was probably meant, or an empty string.

    >>> near_known_key("Event_type")
    'event_type'
    """
    by_plain = {known.lower(): known for known in KNOWN_KEYS}
    near = get_close_matches(key.lower(), by_plain, n=1, cutoff=0.75)
    return by_plain[near[0]] if near else ""


def takes_cidr_block(key: str, event: Mapping[str, Any]) -> bool:
    """True if a CIDR block is evaluated on this key, as it is written, in this event.

    An alias does not inherit it: `dst_ip` in an audit event does not take one, `connection.dst_addr` does. An event
    that does not say its type is judged by the key alone.
    """
    types = CIDR_KEYS.get(key)
    if types is None:
        return False
    event_type = event.get("event_type")
    return not types or event_type is None or (isinstance(event_type, str) and event_type in types)
