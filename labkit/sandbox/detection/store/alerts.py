"""Alerts and the events that contributed to them, in the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import orjson

from labkit.sandbox.detection.store.database import After, Database, NoSuch, Row, marks, to_json
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
class AlertQuery:
    """Selects alerts; None means "any". Times are milliseconds, both ends included."""

    dismissed: bool = False
    severity: int | None = None
    agent_id: str | None = None
    rule_id: str | None = None
    ruleset_id: str | None = None
    from_ms: int | None = None
    until_ms: int | None = None

    def conditions(self, organization_id: str) -> dict[str, Any]:
        """The SQL conditions and their values."""
        return {
            "organization_id = ?": organization_id,
            "is_dismissed = ?": int(self.dismissed),
            "severity = ?": self.severity,
            "agent_id = ?": self.agent_id,
            "rule_id = ?": self.rule_id,
            "ruleset_id = ?": self.ruleset_id,
            "created_at >= ?": self.from_ms,
            "created_at <= ?": self.until_ms,
        }


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

    def page(
        self, organization_id: str, query: AlertQuery, after: After | None, limit: int
    ) -> tuple[list[dict[str, Any]], After | None]:
        """A page of alerts, newest first, and where the next one starts."""
        rows, rest = self._database.newest_first("alert", query.conditions(organization_id), after, limit)
        return [_alert(row) for row in rows], rest

    def alert(self, organization_id: str, alert_id: str) -> dict[str, Any]:
        """One alert. Raises NoSuch."""
        sql = "SELECT * FROM alert WHERE organization_id = ? AND id = ?"
        rows = self._database.rows(sql, organization_id, alert_id)
        if not rows:
            raise NoSuch("alert", alert_id)
        return _alert(rows[0])

    def events(self, organization_id: str, alert_id: str) -> list[dict[str, Any]]:
        """The raw events that contributed to an alert, oldest first. Raises NoSuch."""
        sql = """SELECT body FROM alert_event JOIN event ON event.id = event_id
            WHERE alert_id = ? ORDER BY created_at, event_id"""
        rows = self._database.rows(sql, alert_id)
        self.alert(organization_id, alert_id)
        return [orjson.loads(row["body"]) for row in rows]

    def severity_counts(self, organization_id: str, from_ms: int | None, until_ms: int | None) -> dict[int, int]:
        """How many active alerts there are of each severity, 1 to 3."""
        sql = """SELECT severity, count(*) AS number FROM alert WHERE organization_id = ? AND is_dismissed = 0
            AND created_at >= coalesce(?, created_at) AND created_at <= coalesce(?, created_at) GROUP BY severity"""
        rows = self._database.rows(sql, organization_id, from_ms, until_ms)
        return {1: 0, 2: 0, 3: 0} | {row["severity"]: row["number"] for row in rows}

    def active_ids(self, organization_id: str, query: AlertQuery) -> list[str]:
        """The ids of all active alerts that match a query."""
        chosen = {sql: value for sql, value in query.conditions(organization_id).items() if value is not None}
        sql = f"SELECT id FROM alert WHERE is_dismissed = 0 AND {' AND '.join(chosen)}"
        return [row["id"] for row in self._database.rows(sql, *chosen.values())]

    def origins(self, organization_id: str, alert_ids: Iterable[str]) -> list[tuple[str, str | None, str | None]]:
        """Where alerts come from: id, the rule's name (None when the rule is gone), agent. Unknown ids are left out."""
        sql = """SELECT alert.id, agent_id, body FROM alert LEFT JOIN rule ON rule.id = rule_id
            WHERE alert.organization_id = ? AND alert.id = ?"""
        found = [row for one in alert_ids for row in self._database.rows(sql, organization_id, one)]
        names = [orjson.loads(row["body"])["name"] if row["body"] else None for row in found]
        return [(row["id"], name, row["agent_id"]) for row, name in zip(found, names, strict=True)]

    def dismiss(self, organization_id: str, alert_ids: Iterable[str], why: Dismissal) -> int:
        """Dismiss the active ones among these alerts; returns their number. Unknown ids are skipped."""
        return self._dismiss({"organization_id = ?": organization_id}, list(alert_ids), why)

    def dismiss_query(self, organization_id: str, query: AlertQuery, why: Dismissal) -> int:
        """Dismiss all active alerts that match a query; returns their number."""
        return self._dismiss(query.conditions(organization_id), None, why)

    def _dismiss(self, conditions: Mapping[str, Any], alert_ids: list[str] | None, why: Dismissal) -> int:
        chosen = {sql: value for sql, value in conditions.items() if value is not None}
        clauses = ["is_dismissed = 0", *chosen]
        if alert_ids is not None:
            clauses.append(f"id IN {marks(alert_ids)}")
        sql = f"""UPDATE alert SET is_dismissed = 1, dismissed_at = ?, dismiss_reason = ?, dismiss_reason_text = ?,
            dismissed_by = ? WHERE {" AND ".join(clauses)}"""
        return self._database.write(sql, why.at, why.reason, why.text, why.by, *chosen.values(), *(alert_ids or ()))


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
