"""The detection service's rule as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

BASE_RULE_SET = "Base Rule Set"
PRECREATED_RULE = "Self Protect: Network: Outbound Connection (Connects) to WAN"


@dataclass(frozen=True)
class Rule:
    """A rule of the detection service. `window_seconds` is the API's `window`, `severity` its `severityOfAlerts`
    (1 is the highest); times are the API's text. `raw` is the reply as it came."""

    name: str
    title: str
    alert_description: str
    aggregate_fields: tuple[str, ...]
    filter: str
    id: str = ""
    ruleset_id: str = ""
    type: str = "Host"
    severity: int = 3
    window_seconds: int = 3600
    threshold: int = 1
    suppressions: tuple[str, ...] = ()
    enabled: bool = False
    created_at: str = ""
    updated_at: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def from_api(cls, reply: Mapping[str, Any]) -> Rule:
        """The rule in a reply of the v2 REST API."""
        return cls(
            id=reply["id"],
            ruleset_id=reply.get("rulesetId", ""),
            name=reply["name"],
            type=reply.get("type", "Host"),
            title=reply["title"],
            severity=reply.get("severityOfAlerts", 3),
            alert_description=reply.get("alertDescription") or "",
            aggregate_fields=tuple(reply.get("aggregateFields") or ()),
            filter=reply.get("filter") or "",
            window_seconds=reply.get("window", 3600),
            threshold=reply.get("threshold", 1),
            suppressions=tuple(reply.get("suppressions") or ()),
            enabled=bool(reply.get("enabled")),
            created_at=reply.get("createdAt", ""),
            updated_at=reply.get("updatedAt", ""),
            raw=dict(reply),
        )

    def to_api(self) -> dict[str, Any]:
        """The body of a POST or whole-rule PUT: every field of a request, those of `raw` that we do not model too."""
        not_sent = {"id", "rulesetId", "createdAt", "updatedAt"}
        body = {key: value for key, value in self.raw.items() if key not in not_sent}
        return body | {
            "name": self.name,
            "type": self.type,
            "title": self.title,
            "severityOfAlerts": self.severity,
            "alertDescription": self.alert_description,
            "aggregateFields": list(self.aggregate_fields),
            "filter": self.filter,
            "window": self.window_seconds,
            "threshold": self.threshold,
            "suppressions": list(self.suppressions),
            "enabled": self.enabled,
        }
