"""Which user and which agent of the detection service belongs to which student of a class, in the store's database."""

from __future__ import annotations

from collections.abc import Mapping

from labkit.model.student import host_of, user_of
from labkit.sandbox.detection.seed_data import ORGANIZATION_ID, host_agent
from labkit.sandbox.detection.store.people import ApiUser
from labkit.sandbox.detection.store.store import DetectionStore

SCHEMA = """
CREATE TABLE IF NOT EXISTS student (
    number INTEGER PRIMARY KEY, user_id TEXT NOT NULL UNIQUE REFERENCES user,
    agent_id TEXT NOT NULL UNIQUE REFERENCES agent);
"""


class StudentStore:
    """Students, each with a user and an agent of the lab's organization.

    by_user, by_agent: a student's number by the id of their user or agent. They are kept in memory, since only `enrol`
    changes them, before the sandbox serves requests.
    """

    def __init__(self, store: DetectionStore) -> None:
        self._store = store
        self.by_user: Mapping[str, int] = {}
        self.by_agent: Mapping[str, int] = {}
        store.database.create(SCHEMA)
        self._load()

    def _load(self) -> None:
        rows = self._store.database.rows("SELECT * FROM student ORDER BY number")
        self.by_user = {row["user_id"]: row["number"] for row in rows}
        self.by_agent = {row["agent_id"]: row["number"] for row in rows}

    def enrol(self, size: int, now: int) -> None:
        """Add the students from 1 to `size` that are missing, with a key each. now: milliseconds."""
        with self._store.transaction():
            for number in sorted({*range(1, size + 1)} - set(self.by_user.values())):
                self._enrol(number, now)
        self._load()

    def _enrol(self, number: int, now: int) -> None:
        people, ids = self._store.people, self._store.ids
        chance = ids.chance(f"student {number}")
        name = user_of(number)
        user_id, api_key = chance.randbytes(12).hex(), chance.randbytes(32).hex()
        user = ApiUser(user_id, f"{name}@agility.example", api_key, f"Student {number}")
        people.add_user(user)
        people.add_member(ORGANIZATION_ID, user.id, "user")
        agent = host_agent(ids.new("agent"), host_of(number))
        self._store.agents.insert(ORGANIZATION_ID, agent, now, now)
        self._store.database.insert("student", {"number": number, "user_id": user.id, "agent_id": agent["id"]})

    def agent_id(self, number: int) -> str:
        """The id of a student's agent. Raises KeyError."""
        return {student: agent for agent, student in self.by_agent.items()}[number]

    def credentials(self) -> dict[int, dict[str, str]]:
        """What signs each student's requests, by number: `user_id`, `api_key`, `organization_id`."""
        sql = "SELECT number, user.id, api_key FROM student JOIN user ON user.id = user_id"
        return {
            number: {"user_id": user_id, "api_key": api_key, "organization_id": ORGANIZATION_ID}
            for number, user_id, api_key in self._store.database.rows(sql)
        }

    def last_authenticated(self) -> dict[int, int | None]:
        """When each student's last authentic request came, in milliseconds, by number; to the minute."""
        sql = "SELECT number, last_authenticated_at FROM student JOIN user ON user.id = user_id"
        return dict(map(tuple, self._store.database.rows(sql)))
