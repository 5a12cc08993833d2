"""The parts that a class adds to the sandbox. Without a class there are no students, and nothing changes."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint

from labkit.sandbox.aws.app import AwsApp
from labkit.sandbox.classroom import certificate
from labkit.sandbox.classroom.host_events import student_events_blueprint
from labkit.sandbox.classroom.host_feed import StudentHosts, student_hosts_blueprint
from labkit.sandbox.classroom.rights import ClassPermissions
from labkit.sandbox.classroom.roster import Roster
from labkit.sandbox.classroom.routes import class_blueprint
from labkit.sandbox.classroom.settings import ClassSettings
from labkit.sandbox.classroom.students import StudentStore
from labkit.sandbox.detection.engine import Engine
from labkit.sandbox.detection.store.store import DetectionStore
from labkit.sandbox.detection.timestamps import now_ms
from labkit.sandbox.ids import Ids


class Classroom:
    """roster: the students' AWS keys. students: their users and agents. limits: what they may change."""

    def __init__(self, folder: Path, ids: Ids, store: DetectionStore, settings: ClassSettings | None) -> None:
        self._settings = settings
        self.roster = Roster.load(folder, settings.size if settings else 0, ids)
        self.students = StudentStore(store)
        self.students.enrol(len(self.roster.keys), now_ms())
        self.limits = ClassPermissions(self.students, self.roster)

    def detection_calls(self, engine: Engine, hosts: StudentHosts) -> list[Blueprint]:
        """The calls of the students' own hosts."""
        return [
            student_events_blueprint(engine, self.students),
            student_hosts_blueprint(hosts, self.students.by_user),
        ]

    def control_calls(self, aws: AwsApp, token: str) -> Blueprint:
        """The instructor's calls."""
        return class_blueprint(self.roster, aws, self.students, self._address, token)

    def _address(self) -> dict[str, str]:
        """Where students find the sandbox, and the fingerprint of the certificate to trust there."""
        served = self._settings
        if served is None:
            return {"url": "", "fingerprint": ""}
        return {"url": served.url, "fingerprint": certificate.pinned(Path(served.certificate)) if served.tls else ""}
