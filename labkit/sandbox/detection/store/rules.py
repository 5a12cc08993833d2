"""Rule sets and rules of the detection service, in the database.

A rule may be in several rule sets (`ruleIds`); its `rulesetId` in a reply is the one in the request. A rule that an
update leaves in no rule set is kept and can be added again by its id; deleting a rule set deletes the rules that are in
no other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from labkit.sandbox.detection.store.database import Database, Row, to_json
from labkit.sandbox.detection.timestamps import format_time

SCHEMA = """
CREATE TABLE IF NOT EXISTS ruleset (
    id TEXT PRIMARY KEY, organization_id TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, UNIQUE (organization_id, name));
CREATE TABLE IF NOT EXISTS rule (
    id TEXT PRIMARY KEY, organization_id TEXT NOT NULL, body TEXT NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS ruleset_rule (
    ruleset_id TEXT NOT NULL REFERENCES ruleset ON DELETE CASCADE,
    rule_id TEXT NOT NULL REFERENCES rule ON DELETE CASCADE,
    position INTEGER NOT NULL, PRIMARY KEY (ruleset_id, rule_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ruleset_of_rule ON ruleset_rule (rule_id);
CREATE TABLE IF NOT EXISTS rule_tags (rule_id TEXT PRIMARY KEY REFERENCES rule ON DELETE CASCADE, body TEXT NOT NULL);
"""


class NameTaken(ValueError):
    """Another rule set of the organization has that name; the API answers 409."""


class RuleStore:
    """Rule sets, their rules and the rules' tags, of every organization. Times are milliseconds; ids that are not the
    organization's raise NoSuch."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rulesets(self, organization_id: str) -> list[dict[str, Any]]:
        """Every rule set, oldest first."""
        rows = self._database.rows(
            "SELECT * FROM ruleset WHERE organization_id = ? ORDER BY created_at, id", organization_id
        )
        return [self._ruleset(row) for row in rows]

    def ruleset(self, organization_id: str, ruleset_id: str) -> dict[str, Any]:
        """One rule set."""
        sql = "SELECT * FROM ruleset WHERE organization_id = ? AND id = ?"
        return self._ruleset(self._database.row("rule set", ruleset_id, sql, organization_id, ruleset_id))

    def _ruleset(self, row: Row) -> dict[str, Any]:
        sql = "SELECT rule_id FROM ruleset_rule WHERE ruleset_id = ? ORDER BY position"
        return {
            "id": row["id"],
            "name": row["name"],
            "description": row["description"],
            "rules": [one["rule_id"] for one in self._database.rows(sql, row["id"])],
            "createdAt": format_time(row["created_at"]),
            "updatedAt": format_time(row["updated_at"]),
        }

    def create_ruleset(
        self, organization_id: str, body: Mapping[str, Any], now: int, ruleset_id: str = ""
    ) -> dict[str, Any]:
        """Add a rule set of `name`, `description` and `ruleIds`. Raises NameTaken."""
        ruleset_id = ruleset_id or self._database.ids.new("rule set")
        with self._database.transaction():
            self._refuse_taken(organization_id, body["name"], ruleset_id)
            row = {"id": ruleset_id, "organization_id": organization_id, "created_at": now, "updated_at": now}
            self._database.insert("ruleset", row | {"name": body["name"], "description": body["description"]})
            self._put_rules(organization_id, ruleset_id, body["ruleIds"])
            return self.ruleset(organization_id, ruleset_id)

    def update_ruleset(
        self, organization_id: str, ruleset_id: str, body: Mapping[str, Any], now: int
    ) -> dict[str, Any]:
        """Replace a rule set's name, description and rule ids. Raises NameTaken."""
        with self._database.transaction():
            self.ruleset(organization_id, ruleset_id)
            self._refuse_taken(organization_id, body["name"], ruleset_id)
            sql = "UPDATE ruleset SET name = ?, description = ?, updated_at = ? WHERE id = ?"
            self._database.write(sql, body["name"], body["description"], now, ruleset_id)
            self._database.write("DELETE FROM ruleset_rule WHERE ruleset_id = ?", ruleset_id)
            self._put_rules(organization_id, ruleset_id, body["ruleIds"])
            return self.ruleset(organization_id, ruleset_id)

    def delete_ruleset(self, organization_id: str, ruleset_id: str) -> dict[str, Any]:
        """Remove a rule set with the rules that are in no other; returns what was removed."""
        with self._database.transaction():
            gone = self.ruleset(organization_id, ruleset_id)
            self._database.write("DELETE FROM ruleset WHERE id = ?", ruleset_id)
            for rule_id in gone["rules"]:
                sql = "DELETE FROM rule WHERE id = ? AND id NOT IN (SELECT rule_id FROM ruleset_rule)"
                self._database.write(sql, rule_id)
            return gone

    def _refuse_taken(self, organization_id: str, name: str, ruleset_id: str) -> None:
        sql = "SELECT 1 FROM ruleset WHERE organization_id = ? AND name = ? AND id <> ?"
        if self._database.rows(sql, organization_id, name, ruleset_id):
            raise NameTaken(f"a rule set named {name!r} exists already")

    def _put_rules(self, organization_id: str, ruleset_id: str, rule_ids: Sequence[str]) -> None:
        for position, rule_id in enumerate(dict.fromkeys(rule_ids)):
            self.name(organization_id, rule_id)
            row = {"ruleset_id": ruleset_id, "rule_id": rule_id, "position": position}
            self._database.insert("ruleset_rule", row)

    _IN_RULESET = """SELECT rule.*, ruleset.id AS ruleset_id FROM ruleset
        JOIN ruleset_rule ON ruleset_id = ruleset.id JOIN rule ON rule.id = rule_id
        WHERE ruleset.organization_id = ? AND ruleset.id = ? """

    def rules(self, organization_id: str, ruleset_id: str) -> list[dict[str, Any]]:
        """The rules of a rule set, in its order."""
        rows = self._database.rows(self._IN_RULESET + "ORDER BY position", organization_id, ruleset_id)
        if not rows:
            self.ruleset(organization_id, ruleset_id)
        return [_rule(row) for row in rows]

    def rule(self, organization_id: str, ruleset_id: str, rule_id: str) -> dict[str, Any]:
        """One rule of a rule set."""
        sql = self._IN_RULESET + "AND rule.id = ?"
        return _rule(self._database.row("rule", rule_id, sql, organization_id, ruleset_id, rule_id))

    def name(self, organization_id: str, rule_id: str) -> str:
        """A rule's name, whichever rule sets it is in."""
        sql = "SELECT body FROM rule WHERE organization_id = ? AND id = ?"
        row = self._database.row("rule", rule_id, sql, organization_id, rule_id)
        return str(orjson.loads(row["body"])["name"])

    def names(self, organization_id: str) -> list[str]:
        """The names of all rules."""
        sql = "SELECT json_extract(body, '$.name') AS name FROM rule WHERE organization_id = ?"
        return [str(row["name"]) for row in self._database.rows(sql, organization_id)]

    def create_rule(
        self, organization_id: str, ruleset_id: str, body: Mapping[str, Any], now: int, rule_id: str = ""
    ) -> dict[str, Any]:
        """Add a rule at the end of a rule set."""
        rule_id = rule_id or self._database.ids.new("rule")
        with self._database.transaction():
            self.ruleset(organization_id, ruleset_id)
            row = {"id": rule_id, "organization_id": organization_id, "body": to_json(body)}
            self._database.insert("rule", row | {"created_at": now, "updated_at": now})
            sql = """INSERT INTO ruleset_rule (ruleset_id, rule_id, position)
                SELECT ?, ?, coalesce(max(position) + 1, 0) FROM ruleset_rule WHERE ruleset_id = ?"""
            self._database.write(sql, ruleset_id, rule_id, ruleset_id)
            return self.rule(organization_id, ruleset_id, rule_id)

    def update_rule(
        self, organization_id: str, ruleset_id: str, rule_id: str, body: Mapping[str, Any], now: int
    ) -> dict[str, Any]:
        """Replace a rule whole."""
        with self._database.transaction():
            self.rule(organization_id, ruleset_id, rule_id)
            self._database.write("UPDATE rule SET body = ?, updated_at = ? WHERE id = ?", to_json(body), now, rule_id)
            return self.rule(organization_id, ruleset_id, rule_id)

    def delete_rule(self, organization_id: str, ruleset_id: str, rule_id: str) -> dict[str, Any]:
        """Remove a rule, from every rule set; returns what was removed."""
        with self._database.transaction():
            gone = self.rule(organization_id, ruleset_id, rule_id)
            self._database.write("DELETE FROM rule WHERE id = ?", rule_id)
            return gone

    def tags(self, organization_id: str, rule_id: str) -> dict[str, Any] | None:
        """A rule's tags, None before any were set."""
        sql = """SELECT rule_tags.body FROM rule LEFT JOIN rule_tags ON rule_id = rule.id
            WHERE organization_id = ? AND rule.id = ?"""
        row = self._database.row("rule", rule_id, sql, organization_id, rule_id)
        return orjson.loads(row["body"]) if row["body"] else None

    def set_tags(self, organization_id: str, rule_id: str, tags: Mapping[str, Any]) -> None:
        """Replace a rule's tags."""
        with self._database.transaction():
            self.tags(organization_id, rule_id)
            self._database.write("REPLACE INTO rule_tags (rule_id, body) VALUES (?, ?)", rule_id, to_json(tags))


def _rule(row: Row) -> dict[str, Any]:
    """A rule as the API shows it."""
    body = orjson.loads(row["body"])
    times = {"createdAt": format_time(row["created_at"]), "updatedAt": format_time(row["updated_at"])}
    return {"id": row["id"], "rulesetId": row["ruleset_id"], **body, **times}
