"""What the detection service replies, as values: rule sets, agents and alerts; rules are in `rule`.

Times are the API's text (UTC, `2019-09-23T15:02:25.924Z`).
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

    @classmethod
    def from_api(cls, reply: Raw) -> Ruleset:
        """The rule set in a reply."""
        return cls(reply["id"], reply["name"])


@dataclass(frozen=True)
class Agent:
    """A host's agent. private_addresses: each once, without a prefix. raw: the whole reply."""

    id: str
    name: str
    version: str = ""
    private_addresses: tuple[str, ...] = ()
    raw: Raw = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def from_api(cls, reply: Raw) -> Agent:
        """The agent in a reply; its addresses come bare, with a prefix, or both."""
        addresses = (reply.get("ipAddresses") or {}).get("private")
        return cls(
            id=reply["id"],
            name=reply.get("name") or "",
            version=reply.get("version") or "",
            private_addresses=tuple(dict.fromkeys(address.split("/", 1)[0] for address in addresses or ())),
            raw=reply,
        )


@dataclass(frozen=True)
class Alert:
    """An alert. `severity` 1 is the highest; `aggregates` are the rule's aggregate fields with their values."""

    id: str
    title: str
    severity: int
    created_at: str
    rule_id: str = ""
    agent_id: str = ""
    dismissed: bool = False
    aggregates: tuple[tuple[str, str], ...] = ()

    @classmethod
    def from_api(cls, reply: Raw) -> Alert:
        """The alert in a reply."""
        return cls(
            id=reply["id"],
            title=reply.get("title") or "",
            severity=int(reply.get("severity") or 3),
            created_at=reply.get("createdAt") or "",
            rule_id=reply.get("ruleId") or "",
            agent_id=reply.get("agentId") or "",
            dismissed=bool(reply.get("isDismissed")),
            aggregates=_aggregates(reply.get("aggregates")),
        )


def _aggregates(given: Any) -> tuple[tuple[str, str], ...]:
    """Published clients disagree: an array of `{fieldName, value}`, or an object of values by name."""
    if isinstance(given, Mapping):
        return tuple((str(name), str(value)) for name, value in given.items())
    return tuple((str(one.get("fieldName", "")), str(one.get("value", ""))) for one in given or ())
