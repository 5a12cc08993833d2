"""A student's world as the instructor opens it: that student's number, and in a class that student's own keys.

Keys and notes of it live in memory only, so the instructor's own stay as they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from labkit import backends
from labkit.backends.choose import LocalSandbox
from labkit.classroom.keys import class_keys
from labkit.model.access_keys import AccessKeys
from labkit.model.classroom import ClassKeys, account_of, host_of
from labkit.model.detection.event import connect_event
from labkit.model.errors import LabError
from labkit.model.settings import parse_student_number
from labkit.range.evaluated import aim
from labkit.sandbox.classroom import settings as class_settings
from labkit.services.detection.api import DetectionApi
from labkit.services.host import RUN_SECONDS, Host, Ran
from labkit.services.notes import Notes
from labkit.steps.session import DetectionLogin, LabSession, detection_of


def open_students_world(typed: str) -> LabSession:
    """The world of the student with this number: in a class with their keys and account, else in the instructor's.

    Raises InvalidInput for what is no number, or no student of the class that this machine's sandbox serves; LabError
    on a machine that has joined a class as another student.
    """
    number, own = parse_student_number(typed), backends.open_session()
    if own.backend.assigned not in ("", str(number)):
        raise LabError(
            f"The work of student {number} cannot be reached from here.",
            f"This machine joined the class as student {own.backend.assigned}, and these keys open no other's account.",
            "Say it on the machine that serves the class.",
        )
    if class_settings.load(own.backend.home) is not None:
        sandbox = LocalSandbox(own.backend.home)
        return _in_class(own, sandbox, class_keys(sandbox.ensure(), number)[0])
    # The same account and user: a student is told apart by tag and rule name.
    return _world(own, number, own.keys or own.backend.cloud_account() or own.backend.given_keys)


def _in_class(own: LabSession, sandbox: LocalSandbox, student: ClassKeys) -> LabSession:
    """The student's own account and user, at this machine's sandbox."""

    def login() -> DetectionLogin:
        return DetectionLogin(sandbox.url(), student.user_id, student.organization_id, student.api_key)

    return _world(
        own,
        student.student,
        AccessKeys(student.access_key_id, student.secret_access_key),
        aws=f"account {account_of(student.student)} of the class",
        detection="the class's, on this machine",
        aws_endpoint=sandbox.url,
        detection_login=login,
        host=SimulatedHost(sandbox, student.student, lambda: detection_of(login())),
        ask_first=False,
    )


def _world(own: LabSession, number: int, keys: AccessKeys | None, **opened: Any) -> LabSession:
    """The world, with whatever is not as in the instructor's own."""
    nowhere = own.backend.home / "students" / str(number)  # no file is there: the keys are in memory
    session = LabSession(
        replace(
            own.backend,
            student=str(number),
            region=own.region,
            config_file=nowhere / "config",
            credentials_file=nowhere / "credentials",
            point_aws_cli=lambda: None,
            cloud_account=lambda: keys,
            given_keys=keys,
            own_keys=lambda: None,
            **opened,
        ),
        NotesInMemory(student=number),
    )
    session.use_keys(keys)
    return session


class NotesInMemory(Notes):
    """Notes that are in no file."""

    def __init__(self, **notes: str | int) -> None:
        super().__init__(Path("notes in memory"))
        self._text = "{}"
        self.save(**notes)

    def _read(self) -> str:
        return self._text

    def _write(self, notes: dict[str, str]) -> None:
        self._text = json.dumps(notes)


class SimulatedHost(Host):
    """The host of a student of the class. The instructor runs nothing there: that a program connected is told to the
    detection service as the student's agent would tell it."""

    def __init__(self, sandbox: LocalSandbox, student: int, detection: Callable[[], DetectionApi]) -> None:
        super().__init__(sandbox.ensure)
        self._student, self._detection = student, detection

    def run(self, argv: Sequence[str], seconds: float = RUN_SECONDS) -> Ran:
        """Tell it of the host that the command line names; nothing runs."""
        target, name = aim(argv), host_of(self._student)
        agent = next((one for one in self._detection().agents("online") if one.name == name), None)
        if target is None or not target.addresses or agent is None:
            raise LabError(
                f"No connection of {name} could be told.",
                "The command names no host, or the detection service does not list that agent.",
                "Let the student run it on their own host.",
            )
        event = {**connect_event(target.addresses[0], target.port), "agent_id": agent.id}
        self._sandbox().control("POST", "/_lab/events", event)
        return Ran(0, "", "No program ran: the connection was told in its place.", 0.0, really=False)
