"""The detection engine: events in, alerts out, and clients that wait for alerts are notified.

A rule acts on the first event after it was written. Only events that fire a rule are kept: nothing in the API shows the
others. The cost of an event does not depend on how many came before.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from labkit.model.detection.alert_text import UNDEFINED, fill_title
from labkit.model.detection.alerting import (
    KIND_OF_EVENT,
    AlertWindow,
    CompiledRule,
    agent_of,
    identity,
    place,
    window_start,
)
from labkit.sandbox.detection import seed_data
from labkit.sandbox.detection.rulebook import Rulebook, Rulebooks
from labkit.sandbox.detection.store.alerts import NewAlert
from labkit.sandbox.detection.store.database import NoSuch, to_json
from labkit.sandbox.detection.store.engine import DAY_MS, EVENT_DAYS, KeptEvent
from labkit.sandbox.detection.store.store import DetectionStore
from labkit.sandbox.detection.timestamps import now_ms

MOST_CHANGES = 100
"""The most alerts in one answer of the feed."""

MOST_EVENT_BYTES = 32_000
"""In the JSON of an event that fires a rule; the agent's events have about 3,000."""

LONGEST_VALUE = 1000
"""Characters of an alert's title, and of the value of an aggregate field."""

_LONGEST_ID = 128
_LARGEST_TIME = 2**53

log = logging.getLogger(__name__)


class EventRefused(ValueError):
    """Something that is not a valid event; `position` counts from 0."""

    def __init__(self, position: int, fault: str) -> None:
        super().__init__(f"event {position}: {fault}")
        self.position = position


@dataclass
class Ingested:
    """What happened to some events.

    events: how many there were. repeated: seen before. too_old: older than the three days that events are kept.
    matched, suppressed: fired a rule that did not, or did, suppress them. raised: new alerts. joined: events added to
    an open alert. kept: events that count towards a threshold.
    """

    events: int = 0
    repeated: int = 0
    too_old: int = 0
    matched: int = 0
    suppressed: int = 0
    raised: int = 0
    joined: int = 0
    kept: int = 0


@dataclass(frozen=True)
class Changes:
    """Alerts that are new or have grown, and the number to pass as `after` next time."""

    alerts: tuple[Mapping[str, Any], ...]
    after: int


class Engine:
    """Tests events against the rules of a store and raises alerts in it. Safe to share between threads.

    clock: this moment in milliseconds since 1970. student_of: the number of the student that each agent belongs to;
    empty without a class.
    """

    def __init__(
        self, store: DetectionStore, clock: Callable[[], int] = now_ms, student_of: Mapping[str, int] | None = None
    ) -> None:
        self._store, self._clock, self._student_of = store, clock, student_of or {}
        self._rules = Rulebooks(store, frozenset(self._student_of.values()))
        self._news = threading.Condition()
        self._latest: dict[tuple[str, str | None], int] = {}
        self._closed = False

    def ingest(self, events: Iterable[Mapping[str, Any]], most_fired: int | None = None) -> Ingested:
        """Process events: all of them or, if one is refused, none. Their alerts exist when this returns.

        Fills in `_id`, `timestamp` and `organization_id` where missing. most_fired: how often several events may fire
        rules together, since all others wait meanwhile. Raises EventRefused.
        """
        with self._store.transaction():
            batch = _Batch(self._store, self._rules.current(), self._student_of, self._clock(), most_fired)
            try:
                for event in events:
                    batch.take(event)
            except (RecursionError, orjson.JSONEncodeError) as fault:
                raise EventRefused(batch.result.events - 1, "it is nested too deeply, or is not JSON") from fault
            batch.finish()
        self._notify(batch.latest)
        return batch.result

    def changes(
        self, organization_id: str, after: int | None = None, rule_id: str | None = None, wait_seconds: float = 0.0
    ) -> Changes:
        """The alerts that changed after a number. If there are none yet, waits for one, at most `wait_seconds`.

        Without `after`: no alerts, and the number to begin with. A number larger than the last one, from another
        database, counts as 0.
        """
        last = self._store.engine.sequence()
        if after is None:
            return Changes((), last)
        after = after if 0 <= after <= last else 0
        found = self._changed(organization_id, after, rule_id)
        if found.alerts or wait_seconds <= 0:
            return found
        with self._news:
            latest, key = self._latest, (organization_id, rule_id)
            self._news.wait_for(lambda: self._closed or latest.get(key, 0) > after, wait_seconds)
            if self._closed:  # and the store with it
                return found
        return self._changed(organization_id, after, rule_id)

    def _changed(self, organization_id: str, after: int, rule_id: str | None) -> Changes:
        rows = self._store.engine.changed(organization_id, after, rule_id, MOST_CHANGES)
        alerts = []
        for row in rows:
            try:
                alert = self._store.alerts.alert(organization_id, row["alertId"])
            except NoSuch:  # removed between the two queries, being a year old
                continue
            alerts.append({**row, "alert": alert})
        return Changes(tuple(alerts), rows[-1]["sequence"] if rows else after)

    def close(self) -> None:
        """Release everybody who waits."""
        with self._news:
            self._closed = True
            self._news.notify_all()

    def _notify(self, latest: Mapping[tuple[str, str | None], int]) -> None:
        if latest:
            with self._news:
                self._latest |= {key: max(number, self._latest.get(key, 0)) for key, number in latest.items()}
                self._news.notify_all()


Verdict = tuple[CompiledRule, bool]
"""A rule that an event fired, and whether one of its suppressions silenced it."""


class _Batch:
    """Some events being processed in one transaction. `latest`: the last change, by organization and rule."""

    def __init__(
        self,
        store: DetectionStore,
        rules: Rulebook,
        student_of: Mapping[str, int],
        now: int,
        most_fired: int | None = None,
    ) -> None:
        self._store, self._rules, self._student_of, self._now = store, rules, student_of, now
        self._most_fired, self._fired = most_fired, 0
        self._sequence = self._first = store.engine.sequence()
        self.result = Ingested()
        self.latest: dict[tuple[str, str | None], int] = {}

    def take(self, event: Mapping[str, Any]) -> None:
        """Process one event."""
        result = self.result
        _check(event, result.events)
        result.events += 1
        organization_id = event.get("organization_id") or seed_data.ORGANIZATION_ID
        kind = organization_id, KIND_OF_EVENT.get(event.get("event_type") or "", "")
        rules = self._rules.rules_for(kind, self._student_of.get(event.get("agent_id") or ""))
        fired = rules.fired(event) if rules is not None else ()
        if not fired:
            return
        happened_at = event.get("timestamp", self._now)
        if happened_at <= self._now - EVENT_DAYS * DAY_MS:
            # Its id may have been forgotten, so it could be counted twice.
            result.too_old += 1
            return
        event_id = event.get("_id") or self._store.ids.new("event")
        if self._store.engine.is_known(event_id):
            result.repeated += 1
            return
        self._fired += len(fired)
        if self._most_fired is not None and self._fired > self._most_fired and result.events > 1:
            raise EventRefused(result.events - 1, f"these events fire rules more than {self._most_fired} times")
        verdicts = [(rule, rule.suppresses(event)) for rule in fired]
        named = {**event, "_id": event_id, "timestamp": happened_at, "organization_id": organization_id}
        named["alert_metadata"] = _alert_metadata(verdicts)
        if len(to_json(named)) > MOST_EVENT_BYTES:
            raise EventRefused(result.events - 1, f"it has more than {MOST_EVENT_BYTES} characters")
        # A host's clock that is ahead must not keep an alert open, or an event for ever.
        self._place_all(KeptEvent(event_id, organization_id, min(happened_at, self._now), named), verdicts)

    def _place_all(self, event: KeptEvent, verdicts: list[Verdict]) -> None:
        self._store.engine.keep(event)
        silenced = all(is_suppressed for _, is_suppressed in verdicts)
        self.result.suppressed += silenced
        self.result.matched += not silenced
        for rule, is_suppressed in verdicts:
            if not is_suppressed:
                self._place(rule, event)

    def _place(self, compiled: CompiledRule, event: KeptEvent) -> None:
        """Add the event to the rule's open alert, raise one, or keep the event towards the threshold."""
        engine, name = self._store.engine, identity(compiled, event.body)
        counts = compiled.rule.threshold > 1
        window = engine.window(name, counts=counts)
        if counts and not window.takes(event.happened_at):
            forgotten = engine.forget_until(name, window_start(compiled, window, event.happened_at))
            window = AlertWindow(window.alert_id, window.expires_at, window.kept - forgotten, window.newest)
        match place(compiled, window, event.happened_at):
            case "joins":
                engine.grow(window.alert_id, event, self._next_sequence(compiled, event))
                self.result.joined += 1
            case "raises":
                self._raise(compiled, event, name, window)
            case "kept":
                engine.keep_towards(name, window, event, compiled.window_ms)
                self.result.kept += 1

    def _raise(self, compiled: CompiledRule, event: KeptEvent, name: str, window: AlertWindow) -> None:
        rule, values = compiled.rule, compiled.aggregates(event.body)
        alert = NewAlert(
            event.organization_id,
            fill_title(rule.title, event.body)[:LONGEST_VALUE],
            rule.severity,
            rule.id,
            rule.ruleset_id,
            self._now,
            agent_id=agent_of(event.body),
            aggregates={name: UNDEFINED if value is None else value[:LONGEST_VALUE] for name, value in values.items()},
            data_source="cloudtrail" if rule.type == "CloudTrail" else "agent",
        )
        alert_id = self._store.alerts.insert_alert(alert)
        growth: dict[str, str | int] = {"alert_id": alert_id, "organization_id": event.organization_id}
        growth |= {"rule_id": rule.id, "identity": name, "expires_at": event.happened_at + compiled.window_ms}
        growth["sequence"] = self._next_sequence(compiled, event)
        self._store.engine.begin(growth, event, window.kept)
        self.result.raised += 1

    def _next_sequence(self, compiled: CompiledRule, event: KeptEvent) -> int:
        self._sequence += 1
        self.latest[event.organization_id, None] = self.latest[event.organization_id, compiled.rule.id] = self._sequence
        return self._sequence

    def finish(self) -> None:
        """Save the sequence number, and remove up to two outdated events for each that came."""
        if self._sequence != self._first:
            self._store.engine.set_sequence(self._sequence)
        self._store.engine.purge(self._now, 2 * self.result.events)


def _alert_metadata(verdicts: list[Verdict]) -> dict[str, Any]:
    """The event's field about its matches. Sandbox: of the states only UNMATCHED was seen on the real service."""
    matches = [compiled.rule.id for compiled, is_suppressed in verdicts if not is_suppressed]
    return {
        "rule_matches": matches,
        "match_state": "MATCHED" if matches else "SUPPRESSED",
        "num_matched": len(matches),
        "num_suppressed": len(verdicts) - len(matches),
    }


def _check(event: Any, position: int) -> None:
    """Raise EventRefused for an invalid event. The fields that only filters read may have any type."""
    if not isinstance(event, Mapping):
        raise EventRefused(position, "it is not a JSON object")
    for key in ("_id", "event_type", "agent_id", "organization_id"):
        value = event.get(key)
        if value is not None and not (isinstance(value, str) and len(value) <= _LONGEST_ID):
            raise EventRefused(position, f"{key} must be a string of at most {_LONGEST_ID} characters")
    moment = event.get("timestamp", 0)
    if type(moment) is not int or not 0 <= moment <= _LARGEST_TIME:
        raise EventRefused(position, "timestamp must be milliseconds since 1970, a whole number")
