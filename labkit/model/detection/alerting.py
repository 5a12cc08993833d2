"""Which rules an event fires, and what that does to alerts: raise one, join one, or be kept towards a threshold.

An alert is one combination of rule, agent and aggregate values. `threshold` events of it within `window` raise the
alert; from then until a window later it takes every further event, and after that the counting begins anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from hashlib import blake2b
from typing import Any, Literal

from labkit.model import rule_filter
from labkit.model.detection.alert_text import TextReader, text_reader
from labkit.model.detection.rule import Rule
from labkit.model.rule_filter import Filter, Predicate
from labkit.model.rule_filter.reading import Event

KIND_OF_EVENT: Mapping[str, str] = {
    **dict.fromkeys(("audit", "host", "login", "network"), "Host"),
    "file": "File",
    "cloudtrail": "CloudTrail",
    "threatintel": "ThreatIntel",
    "winsec": "Winsec",
    "kubernetesAudit": "KubernetesAudit",
    "kubernetesConfig": "KubernetesConfig",
}
"""By `event_type`: the kind of rule, its `type`, that looks at such an event. No rule looks at any other."""

Placement = Literal["joins", "raises", "kept", "late"]
"""What a matching event does: joins the open alert, raises one, is kept towards the threshold, or comes too late."""


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule ready to meet events. `read_filter` is None where a file rule has none, and is true of everything."""

    rule: Rule
    read_filter: Filter | None
    fires: Predicate
    suppressions: tuple[Predicate, ...] = ()
    values: tuple[tuple[str, TextReader], ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, rule: Rule) -> CompiledRule:
        """The rule with its filters compiled. Raises FilterError."""
        read = rule_filter.parse(rule.filter) if rule.filter.strip() or rule.type != "File" else None
        fires = rule_filter.compile(read) if read else _always
        suppressions = tuple(rule_filter.compile(rule_filter.parse(text)) for text in rule.suppressions)
        # Sorted: the same fields in another order are the same alert.
        values = tuple((name, text_reader(name)) for name in sorted(set(rule.aggregate_fields)))
        return cls(rule, read, _on_files(rule, fires) if rule.type == "File" else fires, suppressions, values)

    @property
    def window_ms(self) -> int:
        return self.rule.window_seconds * 1000

    def suppresses(self, event: Event) -> bool:
        """Whether any of the rule's suppressions is true of the event."""
        return any(suppression(event) for suppression in self.suppressions)

    def aggregates(self, event: Event) -> dict[str, str | None]:
        """The values of the rule's aggregate fields in an event, in the rule's order; None where it has none."""
        read = dict(self.values)
        return {name: read[name](event) for name in self.rule.aggregate_fields}


def agent_of(event: Event) -> str | None:
    """The agent that an event came from; events of CloudTrail have none."""
    agent_id = event.get("agent_id")
    return agent_id if isinstance(agent_id, str) and event.get("event_type") != "cloudtrail" else None


def identity(armed: CompiledRule, event: Event) -> str:
    """What makes two events belong to the same alert: rule, agent and aggregate values, as one text.

    A value that is absent differs from every text.
    """
    values = [(name, read(event)) for name, read in armed.values]
    digest = blake2b(repr(values).encode(), digest_size=16).hexdigest()
    return f"{armed.rule.id}-{agent_of(event)}-{digest}"


@dataclass(frozen=True, slots=True)
class AlertWindow:
    """How things stand for one identity when an event comes. Times are milliseconds since 1970.

    alert_id: of the alert raised last, empty for none, or if somebody dismissed it; it takes events before
    `expires_at`. kept: how many events wait for the threshold, the newest at `newest`.
    """

    alert_id: str = ""
    expires_at: int = 0
    kept: int = 0
    newest: int = 0

    def takes(self, happened_at: int) -> bool:
        """Whether the alert raised last takes an event of that time; one that is late by any measure goes there too."""
        return self.alert_id != "" and happened_at < self.expires_at


def window_start(armed: CompiledRule, standing: AlertWindow, happened_at: int) -> int:
    """Kept events of this time or before no longer count: the window ends with the newest event, and slides."""
    newest = max(standing.newest, happened_at) if standing.kept else happened_at
    return newest - armed.window_ms


def place(armed: CompiledRule, standing: AlertWindow, happened_at: int) -> Placement:
    """What an event that fired the rule does; `standing.kept` counts the events after `window_start` only."""
    if standing.takes(happened_at):
        return "joins"
    if happened_at <= window_start(armed, standing, happened_at):
        return "late"
    return "raises" if standing.kept + 1 >= armed.rule.threshold else "kept"


def _always(event: Mapping[str, Any]) -> bool:
    return True


def _on_files(rule: Rule, fires: Predicate) -> Predicate:
    """The filter and what only rules of kind File have: which files, without which, and what was done to them."""
    paths = [(one["path"].rstrip("/"), one["recursive"]) for one in rule.raw.get("fileIntegrityPaths", ())]
    ignored = tuple(rule.raw.get("ignoreFiles", ()))
    deeds = frozenset(rule.raw.get("eventsToMonitor", ("ALL",)))

    def is_watched(name: str) -> bool:
        folder, _, last = name.rpartition("/")
        if any(fnmatchcase(last, glob) for glob in ignored):
            return False
        return any(path in (name, folder) or (deep and name.startswith(f"{path}/")) for path, deep in paths)

    def on_files(event: Event) -> bool:
        name, deed = event.get("filename"), event.get("type")
        # What a file event calls the deed was never seen: one that does not say it under `type` is taken as any.
        if deed is not None and "ALL" not in deeds and deed not in deeds:
            return False
        return isinstance(name, str) and is_watched(name) and fires(event)

    return on_files
