"""Agents of the detection service and the EC2 servers that it knows, in the database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from labkit.sandbox.detection.store.database import After, Database, Page, Row, Selection, to_json
from labkit.sandbox.detection.timestamps import format_time

SCHEMA = """
CREATE TABLE IF NOT EXISTS agent (
    id TEXT PRIMARY KEY, organization_id TEXT NOT NULL, created_at INTEGER NOT NULL, last_reported_at INTEGER NOT NULL,
    status TEXT NOT NULL, agent_type TEXT NOT NULL, hostname TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS agent_page ON agent (organization_id, status, created_at DESC, id DESC);
CREATE TABLE IF NOT EXISTS server (
    id TEXT PRIMARY KEY, organization_id TEXT NOT NULL, monitored INTEGER NOT NULL, body TEXT NOT NULL);
"""

_OF_SERVER_AGENTS = (
    "id", "status", "createdAt", "lastReportedAt", "version", "name", "description", "hostname", "isContainerAgent",
    "kernel", "osVersion",
)  # fmt: skip
"""What the API shows of an agent within a server, in its order."""


class AgentStore:
    """Agents and servers of every organization."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def insert(self, organization_id: str, agent: Mapping[str, Any], created_at: int, reported_at: int) -> None:
        """Add an agent in the API's form, without its times."""
        row = {"id": agent["id"], "organization_id": organization_id, "created_at": created_at}
        row |= {"last_reported_at": reported_at, "status": agent["status"], "agent_type": agent["agentType"]}
        self._database.insert("agent", row | {"hostname": agent["hostname"], "body": to_json(agent)})

    def note_online(self, now: int) -> None:
        """Note a report of every agent that is online: their hosts run whenever the sandbox does."""
        self._database.write("UPDATE agent SET last_reported_at = ? WHERE status = 'online'", now)

    def note_report(self, agent_id: str, now: int) -> None:
        """Note a report of one agent."""
        self._database.write("UPDATE agent SET last_reported_at = ? WHERE id = ?", now, agent_id)

    def agent(self, organization_id: str, agent_id: str) -> dict[str, Any]:
        """One agent. Raises NoSuch."""
        sql = "SELECT * FROM agent WHERE organization_id = ? AND id = ?"
        return _agent(self._database.row("agent", agent_id, sql, organization_id, agent_id))

    def page(self, organization_id: str, selection: Selection, after: After | None, limit: int) -> Page:
        """A page of agents, newest first."""
        return self._database.page("agent", _agent, selection.of(organization_id), after, limit)

    def insert_server(self, organization_id: str, server: Mapping[str, Any]) -> None:
        """Add an EC2 server in the API's form, but with the ids of its agents."""
        row = {"id": server["id"], "organization_id": organization_id, "monitored": server["monitored"]}
        self._database.insert("server", row | {"body": to_json(server)})

    def servers(self, organization_id: str, monitored: bool | None) -> list[dict[str, Any]]:
        """The EC2 servers by id with their agents, all or only those with an agent (monitored) or without one."""
        sql = """SELECT body FROM server WHERE organization_id = ? AND monitored = coalesce(?, monitored) ORDER BY id"""
        rows = self._database.rows(sql, organization_id, None if monitored is None else int(monitored))
        return [self._with_agents(organization_id, orjson.loads(row["body"])) for row in rows]

    def _with_agents(self, organization_id: str, server: dict[str, Any]) -> dict[str, Any]:
        agents = [{"isContainerAgent": False} | self.agent(organization_id, one) for one in server["agents"]]
        return server | {"agents": [{name: agent[name] for name in _OF_SERVER_AGENTS} for agent in agents]}


def _agent(row: Row) -> dict[str, Any]:
    """An agent as the API shows it, in its order."""
    body = orjson.loads(row["body"])
    first = {name: body[name] for name in ("id", "instanceId", "status")}
    first |= {"createdAt": format_time(row["created_at"]), "lastReportedAt": format_time(row["last_reported_at"])}
    return first | body
