"""The detection engine's state between events, in the database, so that it survives a kill of the sandbox.

The cost of an event does not depend on the size of the history: an index answers every query here, and every event
removes two outdated ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from labkit.model.detection.alerting import AlertWindow
from labkit.sandbox.detection.store.database import Database, to_json

SCHEMA = """
CREATE TABLE IF NOT EXISTS alert_growth (
    number INTEGER PRIMARY KEY, alert_id TEXT NOT NULL UNIQUE REFERENCES alert ON DELETE CASCADE,
    organization_id TEXT NOT NULL, rule_id TEXT NOT NULL, identity TEXT NOT NULL, sequence INTEGER NOT NULL,
    count INTEGER NOT NULL, expires_at INTEGER NOT NULL, last_event_at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS alert_of_identity ON alert_growth (identity);
CREATE INDEX IF NOT EXISTS alert_change ON alert_growth (organization_id, sequence);
CREATE INDEX IF NOT EXISTS alert_change_of_rule ON alert_growth (organization_id, rule_id, sequence);
CREATE TABLE IF NOT EXISTS tally (
    identity TEXT PRIMARY KEY, kept INTEGER NOT NULL, newest INTEGER NOT NULL, expires_at INTEGER NOT NULL)
    WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tally_end ON tally (expires_at);
CREATE TABLE IF NOT EXISTS kept_event (
    identity TEXT NOT NULL, happened_at INTEGER NOT NULL, event_id TEXT NOT NULL,
    PRIMARY KEY (identity, happened_at, event_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS engine_number (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS event_age ON event (created_at);
CREATE INDEX IF NOT EXISTS alert_age ON alert (created_at);
CREATE INDEX IF NOT EXISTS alert_of_event ON alert_event (event_id);
"""
MOST_EVENTS = 1000
"""Events that an alert keeps, the newest; it counts all."""

_NUMBERS = ("rules", "sequence")
DAY_MS = 86_400_000
EVENT_DAYS, ALERT_DAYS = 3, 365


@dataclass(frozen=True)
class KeptEvent:
    """A raw event to keep: its id, when it happened (milliseconds) and the whole event."""

    id: str
    organization_id: str
    happened_at: int
    body: Mapping[str, Any]


class EngineStore:
    """The engine's own state. Times are milliseconds since 1970. Call what changes it inside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def set_up(self) -> None:
        """Start counting the changes of rules and of rule sets' rules, by triggers."""
        for name in _NUMBERS:
            self._database.write("INSERT INTO engine_number VALUES (?, 0) ON CONFLICT DO NOTHING", name)
        for table in ("rule", "ruleset_rule"):
            for change in ("INSERT", "UPDATE", "DELETE"):
                self._database.write(
                    f"CREATE TRIGGER IF NOT EXISTS {table}_{change.lower()} AFTER {change} ON {table} BEGIN "
                    "UPDATE engine_number SET value = value + 1 WHERE name = 'rules'; END"
                )

    def rules_version(self) -> int:
        """A number that is different after every change of the rules."""
        return self._number("rules")

    def sequence(self) -> int:
        """The number of the last change of an alert."""
        return self._number("sequence")

    def set_sequence(self, sequence: int) -> None:
        """Note the number of the last change of an alert."""
        self._database.write("UPDATE engine_number SET value = ? WHERE name = 'sequence'", sequence)

    def _number(self, name: str) -> int:
        (row,) = self._database.rows("SELECT value FROM engine_number WHERE name = ?", name)
        return row["value"]

    def rules(self) -> list[tuple[str, dict[str, Any]]]:
        """Every rule that is in a rule set, once, with its organization; as the API shows it, without its times."""
        sql = """SELECT rule.id, rule.organization_id, rule.body, ruleset.id AS ruleset_id FROM ruleset
            JOIN ruleset_rule ON ruleset_id = ruleset.id JOIN rule ON rule.id = rule_id
            ORDER BY ruleset.created_at, ruleset.id, position"""
        found: dict[str, tuple[str, dict[str, Any]]] = {}
        for row in self._database.rows(sql):
            rule = {**orjson.loads(row["body"]), "id": row["id"], "rulesetId": row["ruleset_id"]}
            found.setdefault(row["id"], (row["organization_id"], rule))
        return list(found.values())

    # --- events ---

    def is_known(self, event_id: str) -> bool:
        """Whether an event was seen in the three days that events are kept."""
        return bool(self._database.rows("SELECT 1 FROM event WHERE id = ?", event_id))

    def keep(self, event: KeptEvent) -> None:
        """Keep a raw event."""
        row = {"id": event.id, "organization_id": event.organization_id, "created_at": event.happened_at}
        self._database.insert("event", row | {"body": to_json(event.body)})

    # --- windows ---

    def window(self, identity: str, *, counts: bool) -> AlertWindow:
        """The window of an identity's last alert; counts: with the events kept towards the threshold."""
        sql = """SELECT alert_id, expires_at, is_dismissed FROM alert_growth JOIN alert ON alert.id = alert_id
            WHERE identity = ? ORDER BY number DESC LIMIT 1"""
        last = next(iter(self._database.rows(sql, identity)), None)
        alert = ("", 0) if last is None or last["is_dismissed"] else (last["alert_id"], last["expires_at"])
        tallies = self._database.rows("SELECT kept, newest FROM tally WHERE identity = ?", identity) if counts else []
        return AlertWindow(*alert, *((tallies[0]["kept"], tallies[0]["newest"]) if tallies else (0, 0)))

    def forget_until(self, identity: str, start: int) -> int:
        """Forget the events kept for an identity that are of this time or earlier; returns how many they were."""
        return self._database.write("DELETE FROM kept_event WHERE identity = ? AND happened_at <= ?", identity, start)

    def keep_towards(self, identity: str, window: AlertWindow, event: KeptEvent, window_ms: int) -> None:
        """Count one more event towards the threshold. window: what is kept already."""
        self._database.write("INSERT INTO kept_event VALUES (?, ?, ?)", identity, event.happened_at, event.id)
        newest = max(window.newest, event.happened_at) if window.kept else event.happened_at
        sql = "REPLACE INTO tally (identity, kept, newest, expires_at) VALUES (?, ?, ?, ?)"
        self._database.write(sql, identity, window.kept + 1, newest, newest + window_ms)

    def grow(self, alert_id: str, event: KeptEvent, sequence: int) -> None:
        """Note one more event behind an alert."""
        self._database.write("INSERT INTO alert_event VALUES (?, ?)", alert_id, event.id)
        sql = """UPDATE alert_growth SET sequence = ?, count = count + 1, last_event_at = max(last_event_at, ?)
            WHERE alert_id = ?"""
        self._database.write(sql, sequence, event.happened_at, alert_id)
        (row,) = self._database.rows("SELECT count FROM alert_growth WHERE alert_id = ?", alert_id)
        if row["count"] > MOST_EVENTS and row["count"] % 100 == 0:
            old = """SELECT event_id FROM alert_event JOIN event ON event.id = event_id WHERE alert_id = ?
                ORDER BY event.created_at DESC, event_id DESC LIMIT -1 OFFSET ?"""
            sql = f"DELETE FROM alert_event WHERE alert_id = ? AND event_id IN ({old})"
            self._database.write(sql, alert_id, alert_id, MOST_EVENTS)

    def begin(self, growth: Mapping[str, Any], event: KeptEvent, kept: int) -> None:
        """Note a new alert with the event that raised it and those kept towards it, which stop being kept.

        growth: `alert_id`, `organization_id`, `rule_id`, `identity`, `sequence`, `expires_at`.
        """
        row = {**growth, "count": kept + 1, "last_event_at": event.happened_at}
        self._database.insert("alert_growth", row)
        self._database.write("INSERT INTO alert_event VALUES (?, ?)", growth["alert_id"], event.id)
        if kept:
            sql = """INSERT INTO alert_event SELECT ?, event_id FROM kept_event JOIN event ON event.id = event_id
                WHERE identity = ?"""
            self._database.write(sql, growth["alert_id"], growth["identity"])
            self._database.write("DELETE FROM kept_event WHERE identity = ?", growth["identity"])
            self._database.write("DELETE FROM tally WHERE identity = ?", growth["identity"])

    # --- what changed ---

    def changed(self, organization_id: str, after: int, rule_id: str | None, limit: int) -> list[dict[str, Any]]:
        """The alerts raised or grown after a change, each once as it is now, by `sequence`; those of a rule, or all.

        Each: `sequence`, `count` (events behind it), `eventAt` (of the last event) and `alertId`.
        """
        of_rule, values = ("", ()) if rule_id is None else ("AND rule_id = ?", (rule_id,))
        sql = f"""SELECT sequence, count, last_event_at AS eventAt, alert_id AS alertId FROM alert_growth
            WHERE organization_id = ? {of_rule} AND sequence > ? ORDER BY sequence LIMIT ?"""
        return [dict(row) for row in self._database.rows(sql, organization_id, *values, after, limit)]

    # --- what is too old ---

    def purge(self, now: int, most: int) -> int:
        """Remove up to `most` of each: events after three days, alerts after a year, events kept towards a threshold
        after their window. Returns the number of events removed."""
        in_age = "IN (SELECT id FROM {0} WHERE created_at < ? ORDER BY created_at LIMIT ?)"
        aged = f"DELETE FROM {{0}} WHERE id {in_age}"
        removed = self._database.write(aged.format("event"), now - EVENT_DAYS * DAY_MS, most)
        self._database.write(aged.format("alert"), now - ALERT_DAYS * DAY_MS, most)
        over = "IN (SELECT identity FROM tally WHERE expires_at < ? ORDER BY expires_at LIMIT ?)"
        self._database.write(f"DELETE FROM kept_event WHERE identity {over}", now, most)
        self._database.write(f"DELETE FROM tally WHERE identity {over}", now, most)
        return removed
