"""Alerts and the events that contributed to them, in the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import orjson

from labkit.sandbox.detection.store.database import After, Database, Page, Row, Selection, to_json
from labkit.sandbox.detection.timestamps import format_time

SCHEMA = """
CREATE TABLE IF NOT EXISTS alert (
    id TEXT PRIMARY KEY, organization_id TEXT NOT NULL, created_at INTEGER NOT NULL, is_dismissed INTEGER NOT NULL,
    title TEXT NOT NULL, severity INTEGER NOT NULL, data_source TEXT NOT NULL, aggregates TEXT NOT NULL,
    agent_id TEXT, rule_id TEXT NOT NULL, ruleset_id TEXT NOT NULL,
    dismissed_at INTEGER, dismiss_reason TEXT, dismiss_reason_text TEXT, dismissed_by TEXT);
CREATE INDEX IF NOT EXISTS alert_page ON alert (organization_id, is_dismissed, created_at DESC, id DESC);
CREATE TABLE IF NOT EXISTS event (
    id TEXT PRIMARY KEY, organization_id TEXT NOT NULL, created_at INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS alert_event (
    alert_id TEXT NOT NULL REFERENCES alert ON DELETE CASCADE,
    event_id TEXT NOT NULL REFERENCES event ON DELETE CASCADE,
    PRIMARY KEY (alert_id, event_id)) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class NewAlert:
    """An alert about to be kept. `created_at` is milliseconds since 1970; `agent_id` is None for CloudTrail;
    `aggregates` the rule's aggregate fields with their values, in the rule's order. id: made where none is given."""

    organization_id: str
    title: str
    severity: int
    rule_id: str
    ruleset_id: str
    created_at: int
    agent_id: str | None = None
    aggregates: Mapping[str, str] = field(default_factory=dict)
    data_source: str = "agent"
    id: str = ""


@dataclass(frozen=True)
class Dismissal:
    """Why alerts are dismissed, by whom (a user id) and when (milliseconds)."""

    reason: str
    text: str | None
    by: str
    at: int


class AlertStore:
    """Alerts, events and which event contributed to which alert. An alert is dismissed, never deleted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def insert_alert(self, alert: NewAlert) -> str:
        """Keep an alert; returns its id."""
        alert = replace(alert, id=alert.id or self._database.ids.new("alert"))
        aggregates = [{"fieldName": name, "value": value} for name, value in alert.aggregates.items()]
        self._database.insert("alert", asdict(alert) | {"aggregates": to_json(aggregates), "is_dismissed": 0})
        return alert.id

    def page(self, organization_id: str, selection: Selection, after: After | None, limit: int) -> Page:
        """A page of alerts, newest first."""
        return self._database.page("alert", _alert, selection.of(organization_id), after, limit)

    def alert(self, organization_id: str, alert_id: str) -> dict[str, Any]:
        """One alert. Raises NoSuch."""
        sql = "SELECT * FROM alert WHERE organization_id = ? AND id = ?"
        return _alert(self._database.row("alert", alert_id, sql, organization_id, alert_id))

    def events(
        self, organization_id: str, alert_id: str, after: After | None, limit: int
    ) -> tuple[list[orjson.Fragment], After | None]:
        """A page of the raw events that contributed to an alert, oldest first, and its last row if there are more.

        They stay JSON as it is stored: reading and writing megabytes would make others wait. Raises NoSuch.
        """
        sql = """SELECT body, created_at, event_id FROM alert_event JOIN event ON event.id = event_id
            WHERE alert_id = ? AND (created_at, event_id) > (?, ?) ORDER BY created_at, event_id LIMIT ?"""
        rows = self._database.rows(sql, alert_id, *(after or (-1, "")), limit + 1)
        self.alert(organization_id, alert_id)
        last = rows[limit - 1] if len(rows) > limit else None
        rest = (last["created_at"], last["event_id"]) if last is not None else None
        return [orjson.Fragment(row["body"]) for row in rows[:limit]], rest

    def severity_counts(self, organization_id: str, selection: Selection) -> dict[int, int]:
        """How many of the selected alerts are of each severity, 1 to 3."""
        where, values = selection.of(organization_id).where()
        sql = f"SELECT severity, count(*) AS number FROM alert WHERE {where} GROUP BY severity"
        rows = self._database.rows(sql, *values)
        return {1: 0, 2: 0, 3: 0} | {row["severity"]: row["number"] for row in rows}

    def selected_ids(self, organization_id: str, selection: Selection) -> list[str]:
        """The ids of the selected alerts."""
        where, values = selection.of(organization_id).where()
        return [row["id"] for row in self._database.rows(f"SELECT id FROM alert WHERE {where}", *values)]

    def origins(self, organization_id: str, alert_ids: Iterable[str]) -> list[tuple[str, str | None, str | None]]:
        """Where alerts come from: id, the rule's name (None when the rule is gone), agent. Unknown ids are left out."""
        sql = """SELECT alert.id, agent_id, body FROM alert LEFT JOIN rule ON rule.id = rule_id
            WHERE alert.organization_id = ? AND alert.id = ?"""
        found = [row for one in alert_ids for row in self._database.rows(sql, organization_id, one)]
        names = [orjson.loads(row["body"])["name"] if row["body"] else None for row in found]
        return [(row["id"], name, row["agent_id"]) for row, name in zip(found, names, strict=True)]

    def dismiss(self, organization_id: str, alert_ids: Iterable[str], why: Dismissal) -> int:
        """Dismiss the active ones among these alerts; returns their number. Unknown ids are skipped."""
        sql = """UPDATE alert SET is_dismissed = 1, dismissed_at = ?, dismiss_reason = ?, dismiss_reason_text = ?,
            dismissed_by = ? WHERE is_dismissed = 0 AND organization_id = ? AND id = ?"""
        values = why.at, why.reason, why.text, why.by, organization_id
        with self._database.transaction():
            return sum(self._database.write(sql, *values, one) for one in alert_ids)


def _alert(row: Row) -> dict[str, Any]:
    """An alert as the API shows it; fields that do not apply are absent."""
    shown = {
        "id": row["id"],
        "title": row["title"],
        "dataSource": row["data_source"],
        "createdAt": format_time(row["created_at"]),
        "isDismissed": bool(row["is_dismissed"]),
        "dismissedAt": format_time(row["dismissed_at"]) if row["is_dismissed"] else None,
        "dismissReason": row["dismiss_reason"],
        "dismissReasonText": row["dismiss_reason_text"],
        "dismissedBy": row["dismissed_by"],
        "severity": row["severity"],
        "agentId": row["agent_id"],
        "ruleId": row["rule_id"],
        "rulesetId": row["ruleset_id"],
        "aggregates": orjson.loads(row["aggregates"]),
    }
    return {name: value for name, value in shown.items() if value is not None}
