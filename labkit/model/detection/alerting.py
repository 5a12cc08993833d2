"""Which rules an event fires, and what it does to alerts: raise one, join one, or be kept towards a threshold.

An alert belongs to one combination of rule, agent and aggregate values. `threshold` such events within `window` raise
it; it then takes every further event until a window has passed, after which counting starts again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
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
"""By `event_type`: the kind (`type`) of rule that tests such events. No rule tests events of other types."""

Placement = Literal["joins", "raises", "kept", "late"]
"""What a matching event does: joins the open alert, raises one, is kept towards the threshold, or is too late."""


@lru_cache(maxsize=256)
def compiled(text: str) -> tuple[Filter, Predicate]:
    """A filter and its test of an event. Raises FilterError.

    The last ones are kept: who writes a rule compiles its filters, and the engine, which others wait for, finds them.
    """
    read = rule_filter.parse(text)
    return read, rule_filter.compile(read)


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule ready to test events. read_filter: None where a file rule has no filter, which is true of every event."""

    rule: Rule
    read_filter: Filter | None
    fires: Predicate
    suppressions: tuple[Predicate, ...] = ()
    values: tuple[tuple[str, TextReader], ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, rule: Rule) -> CompiledRule:
        """The rule with its filters compiled. Raises FilterError."""
        read, fires = compiled(rule.filter) if rule.filter.strip() or rule.type != "File" else (None, _always)
        suppressions = tuple(compiled(text)[1] for text in rule.suppressions)
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


def identity(compiled: CompiledRule, event: Event) -> str:
    """What makes two events belong to the same alert: rule, agent and aggregate values, as one text.

    A value that is absent differs from every text.
    """
    values = [(name, read(event)) for name, read in compiled.values]
    digest = blake2b(repr(values).encode(), digest_size=16).hexdigest()
    return f"{compiled.rule.id}-{agent_of(event)}-{digest}"


@dataclass(frozen=True, slots=True)
class AlertWindow:
    """The state of one identity when an event comes. Times are milliseconds since 1970.

    alert_id: the last alert, which takes events before `expires_at`; "" if there is none or it was dismissed.
    kept: how many events count towards the threshold, the newest at `newest`.
    """

    alert_id: str = ""
    expires_at: int = 0
    kept: int = 0
    newest: int = 0

    def takes(self, happened_at: int) -> bool:
        """Whether the last alert takes an event of that time. It also takes events that come late."""
        return self.alert_id != "" and happened_at < self.expires_at


def window_start(compiled: CompiledRule, window: AlertWindow, happened_at: int) -> int:
    """Kept events of this time or earlier no longer count: the window ends at the newest event."""
    newest = max(window.newest, happened_at) if window.kept else happened_at
    return newest - compiled.window_ms


def place(compiled: CompiledRule, window: AlertWindow, happened_at: int) -> Placement:
    """What an event that fired the rule does; `window.kept` counts the events after `window_start` only."""
    if window.takes(happened_at):
        return "joins"
    if happened_at <= window_start(compiled, window, happened_at):
        return "late"
    return "raises" if window.kept + 1 >= compiled.rule.threshold else "kept"


def _always(event: Mapping[str, Any]) -> bool:
    return True


def _on_files(rule: Rule, fires: Predicate) -> Predicate:
    """The filter with what only File rules have: the paths, the files to ignore, and the actions to monitor."""
    paths = [(one["path"].rstrip("/"), one["recursive"]) for one in rule.raw.get("fileIntegrityPaths", ())]
    ignored = tuple(rule.raw.get("ignoreFiles", ()))
    actions = frozenset(rule.raw.get("eventsToMonitor", ("ALL",)))

    def is_watched(name: str) -> bool:
        folder, _, last = name.rpartition("/")
        if any(fnmatchcase(last, glob) for glob in ignored):
            return False
        return any(path in (name, folder) or (deep and name.startswith(f"{path}/")) for path, deep in paths)

    def on_files(event: Event) -> bool:
        name, action = event.get("filename"), event.get("type")
        # No file event was ever captured: one without a `type` is taken as any action.
        if action is not None and "ALL" not in actions and action not in actions:
            return False
        return isinstance(name, str) and is_watched(name) and fires(event)

    return on_files
