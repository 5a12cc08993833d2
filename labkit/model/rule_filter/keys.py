"""The keys of events: which are known, what each reads, and which of them accept CIDR blocks.

**Source:** the surviving help pages of the retired product on filter keys, aliases and CIDR support, and audit events
captured in 2022. Any other key is read from the event under its own name.
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
    # Only audit and threat intelligence events have a connection, so the event's type need not be checked.
    "connection.addr": _ANY_EVENT,
    "connection.dst_addr": _ANY_EVENT,
    "connection.src_addr": _ANY_EVENT,
    "src_ip": frozenset({"host", "winsec"}),
    "dst_ip": frozenset({"winsec"}),
    "dstIpv6": frozenset({"winsec"}),
    "srcIpv6": frozenset({"winsec"}),
}
"""Keys on which `=` and `!=` accept a CIDR block, with the event types for which they do; empty for all."""

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
"""The keys that are read, in this order, if the event lacks the key itself."""


@dataclass(frozen=True, slots=True)
class BothEnds:
    """A key that means either end of a connection; `own` is read if an event has neither end.

    own_first: the key's own value wins, since CloudTrail events have `ip`. `connection.addr` always means both ends
    (documented).
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
"""Keys derived from another if an event lacks them: the last part of `exe`, `args` joined by spaces."""

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
"""Prefixes of keys whose members vary, so that all of them count as known."""


def is_known(key: str) -> bool:
    """Whether events are known to have this key."""
    return key in KNOWN_KEYS or key.startswith(_OPEN_OBJECTS)


def is_plain(key: str) -> bool:
    """Whether the key is read only from the top level of the event."""
    return "." not in key and key not in OTHER_NAMES and key not in EITHER_END and key not in DERIVED_KEYS


def near_known_key(key: str) -> str:
    """The known key that was probably meant, or "".

    >>> near_known_key("Event_type")
    'event_type'
    """
    by_plain = {known.lower(): known for known in KNOWN_KEYS}
    near = get_close_matches(key.lower(), by_plain, n=1, cutoff=0.75)
    return by_plain[near[0]] if near else ""


def takes_cidr_block(key: str, event: Mapping[str, Any]) -> bool:
    """Whether CIDR blocks are evaluated on this key in this event.

    Aliases do not inherit this: in an audit event `connection.dst_addr` accepts one and `dst_ip` does not. For an event
    without a type, only the key decides.
    """
    types = CIDR_KEYS.get(key)
    if types is None:
        return False
    event_type = event.get("event_type")
    return not types or event_type is None or (isinstance(event_type, str) and event_type in types)
