"""The students of a class in the detection service, kept: whose user and whose agent is which student's."""

from __future__ import annotations

from collections.abc import Mapping

from labkit.model.classroom import host_of, user_of
from labkit.sandbox.detection import seed_data
from labkit.sandbox.detection.store.agents import AgentStore
from labkit.sandbox.detection.store.database import Database
from labkit.sandbox.detection.store.people import ApiUser, PeopleStore

SCHEMA = """
CREATE TABLE IF NOT EXISTS student (
    number INTEGER PRIMARY KEY, user_id TEXT NOT NULL UNIQUE REFERENCES user,
    agent_id TEXT NOT NULL UNIQUE REFERENCES agent);
"""


class StudentStore:
    """Students, each with a user and an agent of the lab's organization.

    by_user, by_agent: a student's number by the id of their user or agent. Only `enrol` changes them, before anything
    is served, so they are kept in memory too.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.by_user: Mapping[str, int] = {}
        self.by_agent: Mapping[str, int] = {}

    def load(self) -> None:
        """Read who is enrolled."""
        rows = self._database.rows("SELECT * FROM student ORDER BY number")
        self.by_user = {row["user_id"]: row["number"] for row in rows}
        self.by_agent = {row["agent_id"]: row["number"] for row in rows}

    def enrol(self, size: int, now: int) -> None:
        """Let the students from 1 to `size` be there, with a key each; who is there stays. now: milliseconds."""
        with self._database.transaction():
            there = set(self.by_user.values())
            for number in range(1, size + 1):
                if number not in there:
                    self._enrol(number, now)
        self.load()

    def _enrol(self, number: int, now: int) -> None:
        people, ids = PeopleStore(self._database), self._database.ids
        chance = ids.chance(f"student {number}")
        name = user_of(number)
        user_id, api_key = chance.randbytes(12).hex(), chance.randbytes(32).hex()
        user = ApiUser(user_id, f"{name}@agility.example", api_key, f"Student {number}")
        people.add_user(user)
        people.add_member(seed_data.ORGANIZATION_ID, user.id, "user")
        agent = seed_data.host_agent(ids.new("agent"), host_of(number))
        AgentStore(self._database).insert(seed_data.ORGANIZATION_ID, agent, now, now)
        self._database.insert("student", {"number": number, "user_id": user.id, "agent_id": agent["id"]})

    def agent_id(self, number: int) -> str:
        """The id of a student's agent. Raises KeyError."""
        return {student: agent for agent, student in self.by_agent.items()}[number]

    def credentials(self) -> dict[int, dict[str, str]]:
        """What signs each student's requests, by number: `user_id`, `api_key`, `organization_id`."""
        rows = self._database.rows("SELECT number, user.id, api_key FROM student JOIN user ON user.id = user_id")
        return {
            row["number"]: {
                "user_id": row["id"],
                "api_key": row["api_key"],
                "organization_id": seed_data.ORGANIZATION_ID,
            }
            for row in rows
        }

    def last_authenticated(self) -> dict[int, int | None]:
        """When each student's requests were last noted as authentic, in milliseconds, by number; to the minute."""
        rows = self._database.rows("SELECT number, last_authenticated_at FROM student JOIN user ON user.id = user_id")
        return {row["number"]: row["last_authenticated_at"] for row in rows}
