"""All data of the detection service, in one file: what the REST API reads and the engine writes."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from labkit.sandbox.detection import seed_data
from labkit.sandbox.detection.store import agents, alerts, engine, people, rules
from labkit.sandbox.detection.store.database import Database
from labkit.sandbox.detection.timestamps import now_ms
from labkit.sandbox.ids import Ids


class DetectionStore:
    """The organization with its people, rules, agents, alerts, events and audit log.

    A new file is readable by its owner only, and filled with `seed_data`. Safe to share between threads. A write that
    returned is kept, whatever happens to the process afterwards.

    ids: the source of new ids and secrets. database: for tables of others, as a class has.
    """

    def __init__(self, path: Path, ids: Ids | None = None) -> None:
        self.ids = ids or Ids()
        self.database = Database(path, self.ids)
        self.people = people.PeopleStore(self.database)
        self.audit = people.AuditStore(self.database)
        self.rules = rules.RuleStore(self.database)
        self.agents = agents.AgentStore(self.database)
        self.alerts = alerts.AlertStore(self.database)
        self.engine = engine.EngineStore(self.database)
        with self.transaction():
            for module in (people, rules, agents, alerts, engine):
                self.database.create(module.SCHEMA)
            self.engine.set_up()
            self._plant(now_ms())

    def _plant(self, now: int) -> None:
        """Fill an empty store; leave one that has its organization unchanged. now: milliseconds."""
        self.agents.note_online(now)
        organization_id, ruleset_id = seed_data.ORGANIZATION_ID, seed_data.BASE_RULE_SET_ID
        if organization_id in self.people.organizations():
            return
        self.people.add_organization(organization_id, seed_data.ORGANIZATION_NAME)
        chance = self.ids.chance("people")
        for name, email, enabled, role in seed_data.PEOPLE:
            user = people.ApiUser(chance.randbytes(12).hex(), email, chance.randbytes(32).hex(), name, enabled)
            self.people.add_user(user)
            if role is not None:
                self.people.add_member(organization_id, user.id, role)
        self.rules.create_ruleset(organization_id, seed_data.RULE_SET, now, ruleset_id)
        self.rules.create_rule(organization_id, ruleset_id, seed_data.PRECREATED, now, seed_data.PRECREATED_RULE_ID)
        for rule in seed_data.OTHER_RULES:
            self.rules.create_rule(organization_id, ruleset_id, rule, now)
        for minutes, agent in enumerate(seed_data.AGENTS):
            self.agents.insert(organization_id, agent, now - minutes * 60_000, now)
        for server in seed_data.SERVERS:
            self.agents.insert_server(organization_id, server)

    def credentials(self) -> dict[str, str]:
        """What signs the student's requests: `user_id`, `api_key`, `organization_id`."""
        student = self.people.find_user(seed_data.STUDENT_EMAIL)
        return {"user_id": student.id, "api_key": student.api_key, "organization_id": seed_data.ORGANIZATION_ID}

    def transaction(self) -> AbstractContextManager[None]:
        """Commit everything inside together, or nothing."""
        return self.database.transaction()

    def close(self) -> None:
        """Close the file in every thread."""
        self.database.close()
