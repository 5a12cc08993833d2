"""The organization, its users with their API keys, and its audit log, in the database.

The keys are made once, at the first start, and are only in the store's file, which only its owner can read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from labkit.sandbox.detection.store.database import After, Database, NoSuch, Page, Row, Selection, to_json
from labkit.sandbox.detection.timestamps import format_time

SCHEMA = """
CREATE TABLE IF NOT EXISTS organization (id TEXT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS user (
    id TEXT PRIMARY KEY, display_name TEXT NOT NULL, email TEXT NOT NULL, api_key TEXT NOT NULL,
    enabled INTEGER NOT NULL, last_authenticated_at INTEGER);
CREATE TABLE IF NOT EXISTS member (
    organization_id TEXT NOT NULL REFERENCES organization, user_id TEXT NOT NULL REFERENCES user, role TEXT NOT NULL,
    PRIMARY KEY (organization_id, user_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS audit (
    id TEXT PRIMARY KEY, organization_id TEXT NOT NULL, created_at INTEGER NOT NULL, user_id TEXT NOT NULL,
    user_email TEXT NOT NULL, crud TEXT NOT NULL, action TEXT NOT NULL, description TEXT NOT NULL,
    context TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS audit_page ON audit (organization_id, created_at DESC, id DESC);
"""

ROLES = ("owner", "user", "reader")
_SEEN_EVERY_MS = 60_000


@dataclass(frozen=True)
class ApiUser:
    """A user and the API key that signs their requests."""

    id: str
    email: str
    api_key: str = field(repr=False)
    display_name: str = ""
    enabled: bool = True


@dataclass(frozen=True)
class NewAuditRecord:
    """Something done through the API, for the audit log. `crud` is create, update or delete."""

    organization_id: str
    user_id: str
    user_email: str
    crud: str
    action: str
    description: str
    created_at: int
    context: Mapping[str, Any] = field(default_factory=dict)


class PeopleStore:
    """Organizations, users and memberships."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_organization(self, organization_id: str, name: str) -> None:
        """Add an organization."""
        self._database.insert("organization", {"id": organization_id, "name": name})

    def organizations(self) -> dict[str, str]:
        """The name of each organization by its id."""
        return {row["id"]: row["name"] for row in self._database.rows("SELECT * FROM organization ORDER BY rowid")}

    def add_user(self, user: ApiUser) -> None:
        """Add a user, without any membership."""
        names = {"display_name": user.display_name, "email": user.email}
        self._database.insert("user", names | {"id": user.id, "api_key": user.api_key, "enabled": user.enabled})

    def user(self, user_id: str) -> ApiUser:
        """A user with their key. Raises NoSuch."""
        return self._user("SELECT * FROM user WHERE id = ?", user_id)

    def find_user(self, email: str) -> ApiUser:
        """The user with an email address. Raises NoSuch."""
        return self._user("SELECT * FROM user WHERE email = ?", email)

    def _user(self, sql: str, value: str) -> ApiUser:
        row = self._database.row("user", value, sql, value)
        return ApiUser(row["id"], row["email"], row["api_key"], row["display_name"], bool(row["enabled"]))

    def note_authenticated(self, user_id: str, now: int) -> None:
        """Note an authentic request of a user; written at most once a minute."""
        stale = now - _SEEN_EVERY_MS
        sql = "SELECT 1 FROM user WHERE id = ? AND coalesce(last_authenticated_at, 0) < ?"
        if self._database.rows(sql, user_id, stale):
            self._database.write("UPDATE user SET last_authenticated_at = ? WHERE id = ?", now, user_id)

    def role(self, organization_id: str, user_id: str) -> str | None:
        """A user's role in an organization, None if they are not a member."""
        sql = "SELECT role FROM member WHERE organization_id = ? AND user_id = ?"
        rows = self._database.rows(sql, organization_id, user_id)
        return rows[0]["role"] if rows else None

    def members(self, organization_id: str, enabled_only: bool = False) -> list[dict[str, Any]]:
        """The members of an organization by name, without their keys."""
        rows = self._database.rows(
            """SELECT user.*, role FROM member JOIN user ON user.id = user_id
            WHERE organization_id = ? AND enabled >= ? ORDER BY display_name, user.id""",
            organization_id,
            int(enabled_only),
        )
        return [_member(row) for row in rows]

    def add_member(self, organization_id: str, user_id: str, role: str) -> None:
        """Add a known user, or change a member's role. Raises NoSuch for an unknown user."""
        with self._database.transaction():
            self.user(user_id)
            self._database.write("REPLACE INTO member VALUES (?, ?, ?)", organization_id, user_id, role)

    def remove_member(self, organization_id: str, user_id: str) -> None:
        """Remove a member; the user stays known. Raises NoSuch."""
        sql = "DELETE FROM member WHERE organization_id = ? AND user_id = ?"
        if not self._database.write(sql, organization_id, user_id):
            raise NoSuch("member", user_id)


def _member(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "displayName": row["display_name"],
        "email": row["email"],
        "role": row["role"],
        "ssoEnabled": False,
        "mfaEnabled": False,
        "userEnabled": bool(row["enabled"]),
        # clients divide it by 1000; 0 for a user who has not sent a request yet
        "lastAuthenticatedAt": row["last_authenticated_at"] or 0,
    }


class AuditStore:
    """The audit log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, record: NewAuditRecord) -> None:
        """Add a record."""
        row = {name: value for name, value in vars(record).items() if name != "context"}
        self._database.insert(
            "audit", row | {"id": self._database.ids.new("audit record"), "context": to_json(record.context)}
        )

    def page(self, organization_id: str, selection: Selection, after: After | None, limit: int) -> Page:
        """A page of records, newest first."""
        return self._database.page("audit", _record, selection.of(organization_id), after, limit)


def _record(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "userEmail": row["user_email"],
        "userId": row["user_id"],
        "organizationId": row["organization_id"],
        "result": "success",
        "crud": row["crud"],
        "action": row["action"],
        "source": "api",
        "description": row["description"],
        "eventTime": format_time(row["created_at"]),
        "context": orjson.loads(row["context"]),
    }
