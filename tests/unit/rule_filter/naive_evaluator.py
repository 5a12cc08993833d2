"""The meaning of rule filters once more, as slowly and plainly as it can be said: the oracle of the property tests.

It is written from the tables of the language's description and uses nothing of labkit's evaluation: only its tree.
"""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from typing import Any

from labkit.model.rule_filter import And, Clause, Number, Or

CIDR = {
    "connection.addr": {"any"},
    "connection.dst_addr": {"any"},
    "connection.src_addr": {"any"},
    "src_ip": {"host", "winsec"},
    "dst_ip": {"winsec"},
    "dstIpv6": {"winsec"},
    "srcIpv6": {"winsec"},
}
ALIASES = {
    "src_ip": ["connection.src_addr"],
    "dst_ip": ["connection.dst_addr"],
    "src_port": ["connection.src_port"],
    "dst_port": ["connection.dst_port"],
    "protocol": ["connection.protocol"],
    "hostname": ["host_metadata.hostname"],
    "server": ["hostname", "host_metadata.hostname", "host_metadata.server_name"],
    "agent": ["server", "hostname", "host_metadata.hostname", "host_metadata.server_name"],
    "availability_zone": ["provider_metadata.availability_zone"],
    "cloud_provider": ["provider_metadata.cloud_provider"],
    "account_id": ["provider_metadata.account_id"],
    "public_ip_address": ["network_metadata.public_ip_address"],
}


def holds(node: Any, event: dict[str, Any]) -> bool:
    """Whether the filter below a node is true of an event."""
    if isinstance(node, And):
        return [holds(term, event) for term in node.terms].count(False) == 0
    if isinstance(node, Or):
        return [holds(term, event) for term in node.terms].count(True) > 0
    return clause_holds(node, event)


def clause_holds(clause: Clause, event: dict[str, Any]) -> bool:
    values = values_of(clause.key, event)
    wanted, operator = clause.value, clause.operator
    if wanted is None:
        return {"=": values is None, "!=": values is not None}.get(operator, False)
    if values is None:
        return False
    if operator in ("=", "!="):
        if is_cidr(wanted) and not cidr_counts(clause.key, event):
            return False
        some_equal = True in [equal(clause.key, value, wanted) for value in values]
        return some_equal if operator == "=" else not some_equal
    texts = [as_text(value) for value in values]
    wanted_text = wanted.text if isinstance(wanted, Number) else wanted
    if operator == "like":
        return any(text is not None and text.find(wanted_text) >= 0 for text in texts)
    if operator == "starts_with":
        return any(text is not None and text[: len(wanted_text)] == wanted_text for text in texts)
    return any(
        text is not None and text[len(text) - len(wanted_text) :] == wanted_text
        for text in texts
        if fits(text, wanted_text)
    )


def fits(text: str | None, wanted: str) -> bool:
    return text is not None and len(text) >= len(wanted)


def values_of(key: str, event: dict[str, Any]) -> list[Any] | None:
    """The values a key stands for, lists opened; None if the event has none."""
    if key in ("ip", "port") and at(key, event) is not None:
        return at(key, event)
    for names, parts in (
        (("ip", "connection.addr"), ("dst_addr", "src_addr", "addr")),
        (("port", "connection.port"), ("dst_port", "src_port", "port")),
    ):
        if key in names:
            ends = [at(f"connection.{part}", event) for part in parts[:2]]
            met = [value for end in ends if end is not None for value in end]
            if any(end is not None for end in ends):
                return met
            return at(f"connection.{parts[2]}", event)
    found = at(key, event)
    for other in ALIASES.get(key, []):
        if found is None:
            found = at(other, event)
    if found is None and key == "command" and isinstance(event.get("exe"), str):
        return [event["exe"].split("/")[-1]]
    if found is None and key == "arguments" and isinstance(event.get("args"), list):
        return [" ".join(str(part) for part in event["args"] if part is not None)]
    return found


def at(path: str, event: dict[str, Any]) -> list[Any] | None:
    places: list[Any] = [event]
    names = path.split(".")
    for number, name in enumerate(names):
        places = [place[name] for place in places if isinstance(place, dict) and place.get(name) is not None]
        if number < len(names) - 1:
            places = opened(places)
    if not places:
        return None
    return opened(places)


def opened(values: list[Any]) -> list[Any]:
    out: list[Any] = []
    for value in values:
        out += opened(value) if isinstance(value, list) else [] if value is None else [value]
    return out


def is_cidr(wanted: Any) -> bool:
    if not isinstance(wanted, str) or not re.fullmatch(r"[^/]+/[0-9]+", wanted):
        return False
    try:
        ip_network(wanted, strict=False)
    except ValueError:
        return False
    return True


def cidr_counts(key: str, event: dict[str, Any]) -> bool:
    types = CIDR.get(key, set())
    return "any" in types or (bool(types) and event.get("event_type") in [None, *types])


def address(text: Any) -> Any:
    try:
        found = ip_address(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def equal(key: str, value: Any, wanted: Any) -> bool:
    if is_cidr(wanted):
        met = address(value)
        first, length = wanted.split("/")
        if str(ip_address(first)).startswith("::ffff:") and int(length) >= 96:
            first, length = str(address(first)), str(int(length) - 96)
        return met is not None and met in ip_network(f"{first}/{length}", strict=False)
    if key in (*CIDR, "ip") and isinstance(wanted, str) and address(wanted) is not None:
        return address(value) == address(wanted)
    text = wanted.text if isinstance(wanted, Number) else wanted
    if isinstance(value, bool):
        return {True: "true", False: "false"}[value] == text
    if isinstance(value, (int, float)):
        return is_number(wanted) and float(text) == value
    if isinstance(wanted, Number) and is_integer(text) and is_integer(value):
        return int(text) == int(value)
    return isinstance(value, str) and value == text


def is_integer(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"-?[0-9]+", value) is not None


def is_number(wanted: Any) -> bool:
    text = wanted.text if isinstance(wanted, Number) else wanted
    return re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text) is not None


def as_text(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return None if isinstance(value, dict) else str(value)
