"""What the detection service tells besides rules, as values: rule sets, agents, alerts, members, audit records.

Times are the API's text (UTC, `2019-09-23T15:02:25.924Z`); `raw` is the reply as it came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Raw = Mapping[str, Any]


@dataclass(frozen=True)
class Ruleset:
    """A rule set: a name for a number of rules."""

    id: str
    name: str
    description: str = ""
    rule_ids: tuple[str, ...] = ()
    raw: Raw = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def from_api(cls, reply: Raw) -> Ruleset:
        """The rule set in a reply; replies say `rules` where requests say `ruleIds`."""
        return cls(reply["id"], reply["name"], reply.get("description") or "", tuple(reply.get("rules") or ()), reply)


@dataclass(frozen=True)
class Agent:
    """A host's agent. `private_addresses` and `public_addresses` are bare addresses, each once."""

    id: str
    name: str
    hostname: str
    status: str
    version: str = ""
    instance_id: str = ""
    private_addresses: tuple[str, ...] = ()
    public_addresses: tuple[str, ...] = ()
    last_reported_at: str = ""
    raw: Raw = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def from_api(cls, reply: Raw) -> Agent:
        """The agent in a reply; its addresses come bare, with a prefix, or both."""
        addresses = reply.get("ipAddresses") or {}
        return cls(
            id=reply["id"],
            name=reply.get("name") or "",
            hostname=reply.get("hostname") or "",
            status=reply.get("status") or "",
            version=reply.get("version") or "",
            instance_id=reply.get("instanceId") or "",
            private_addresses=_bare(addresses.get("private")),
            public_addresses=_bare(addresses.get("public")),
            last_reported_at=reply.get("lastReportedAt") or "",
            raw=reply,
        )


def _bare(addresses: list[str] | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(address.split("/", 1)[0] for address in addresses or ()))


@dataclass(frozen=True)
class Alert:
    """An alert. `severity` 1 is the highest; `aggregates` are the rule's aggregate fields with their values."""

    id: str
    title: str
    severity: int
    created_at: str
    rule_id: str = ""
    ruleset_id: str = ""
    agent_id: str = ""
    dismissed: bool = False
    aggregates: tuple[tuple[str, str], ...] = ()
    raw: Raw = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def from_api(cls, reply: Raw) -> Alert:
        """The alert in a reply."""
        return cls(
            id=reply["id"],
            title=reply.get("title") or "",
            severity=int(reply.get("severity") or 3),
            created_at=reply.get("createdAt") or "",
            rule_id=reply.get("ruleId") or "",
            ruleset_id=reply.get("rulesetId") or "",
            agent_id=reply.get("agentId") or "",
            dismissed=bool(reply.get("isDismissed")),
            aggregates=_aggregates(reply.get("aggregates")),
            raw=reply,
        )


def _aggregates(given: Any) -> tuple[tuple[str, str], ...]:
    """Published clients disagree: an array of `{fieldName, value}`, or an object of values by name."""
    if isinstance(given, Mapping):
        return tuple((str(name), str(value)) for name, value in given.items())
    return tuple((str(one.get("fieldName", "")), str(one.get("value", ""))) for one in given or ())


@dataclass(frozen=True)
class Member:
    """A member of the organization; `role` is owner, user or reader."""

    id: str
    name: str
    email: str
    role: str
    enabled: bool = True
    raw: Raw = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def from_api(cls, reply: Raw) -> Member:
        """The member in a reply."""
        enabled = bool(reply.get("userEnabled", True))
        return cls(reply["id"], reply.get("displayName") or "", reply.get("email") or "", reply["role"], enabled, reply)


@dataclass(frozen=True)
class AuditRecord:
    """Something that was done in the organization; `crud` is create, read, update or delete."""

    id: str
    time: str
    user_email: str
    crud: str
    action: str
    description: str
    raw: Raw = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def from_api(cls, reply: Raw) -> AuditRecord:
        """The record in a reply."""
        return cls(
            id=reply["id"],
            time=reply.get("eventTime") or "",
            user_email=reply.get("userEmail") or "",
            crud=reply.get("crud") or "",
            action=reply.get("action") or "",
            description=reply.get("description") or "",
            raw=reply,
        )
