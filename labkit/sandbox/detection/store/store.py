"""Everything that the detection service remembers, in one file: what the REST API reads and the engine writes."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from labkit.sandbox.classroom import student_table as store_students
from labkit.sandbox.detection import seed_data
from labkit.sandbox.detection.store import agents as store_agents
from labkit.sandbox.detection.store import alerts as store_alerts
from labkit.sandbox.detection.store import engine as store_engine
from labkit.sandbox.detection.store import people as store_people
from labkit.sandbox.detection.store import rules as store_rules
from labkit.sandbox.detection.store.database import Database
from labkit.sandbox.detection.timestamps import now_ms
from labkit.sandbox.ids import Ids


class DetectionStore:
    """The organization with its people, rules, agents, alerts, events and audit log.

    A file that is not there yet is made, readable by its owner only, and filled with the world as it starts. Safe to
    share between threads. A write that returned is kept, whatever happens to the process afterwards.

    ids: where the ids and secrets of what is new come from.
    """

    def __init__(self, path: Path, ids: Ids | None = None) -> None:
        self.ids = ids or Ids()
        self._database = Database(path, self.ids)
        self.people = store_people.PeopleStore(self._database)
        self.audit = store_people.AuditStore(self._database)
        self.rules = store_rules.RuleStore(self._database)
        self.agents = store_agents.AgentStore(self._database)
        self.alerts = store_alerts.AlertStore(self._database)
        self.engine = store_engine.EngineStore(self._database)
        self.students = store_students.StudentStore(self._database)
        with self.transaction():
            for module in (store_people, store_rules, store_agents, store_alerts, store_engine, store_students):
                self._database.create(module.SCHEMA)
            self.engine.set_up()
            seed_data.plant(self, now_ms())
        self.students.load()

    def credentials(self) -> dict[str, str]:
        """What signs the student's requests: `user_id`, `api_key`, `organization_id`."""
        student = self.people.find_user(seed_data.STUDENT_EMAIL)
        return {"user_id": student.id, "api_key": student.api_key, "organization_id": seed_data.ORGANIZATION_ID}

    def transaction(self) -> AbstractContextManager[None]:
        """Make everything inside one commit: all of it is kept, or none."""
        return self._database.transaction()

    def close(self) -> None:
        """Close the file in every thread."""
        self._database.close()
