"""The lab as an instructor opens it for one student: with that student's number, and in a class with their keys.

Keys and notes of it live in memory only, so the instructor's own stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from labkit.backends.backend import AwsBackend, DetectionBackend
from labkit.backends.sandbox import LocalSandbox, SandboxAws
from labkit.classroom.class_keys import ClassKeys
from labkit.classroom.keys import class_keys
from labkit.model.access_keys import AccessKeys
from labkit.model.detection.event import connect_event
from labkit.model.errors import LabError
from labkit.model.host.records import ProgramOutput, ProgramResult
from labkit.model.student import account_of, host_of, parse_student_number
from labkit.range.evaluated.simulated import target_of
from labkit.sandbox.classroom import settings as class_settings
from labkit.services.detection.login import DetectionLogin
from labkit.services.host import RUN_SECONDS, Host, ignore
from labkit.services.notes import NotesInMemory
from labkit.steps.session import LabSession, open_session


def open_as_student(typed: str) -> LabSession:
    """The lab of the student with this number: in a class with their keys and account, else in the instructor's.

    Raises InvalidInput for what is not a number, or not a student of the class that this machine's sandbox serves;
    LabError on a machine that has joined a class as another student.
    """
    number, own = parse_student_number(typed), open_session()
    if own.backend.aws.assigned not in (None, number):
        raise LabError(
            f"The work of student {number} cannot be reached from here.",
            f"This machine joined the class as student {own.backend.aws.assigned}, and these keys open no other "
            "account.",
            "Run it on the machine that serves the class.",
        )
    home = own.backend.home
    aws: AwsBackend
    detection: DetectionBackend
    if class_settings.load_class(home) is not None:
        sandbox = LocalSandbox(home)
        keys = class_keys(sandbox.ensure(), number)[0]
        detection = ClassStudentDetection(sandbox, keys)
        aws = ClassStudentAws(sandbox, keys, detection)
    else:  # the same account and user: tags and rule names distinguish the students
        detection = own.backend.detection
        aws = StudentAws(
            own.backend.aws, own.keys or own.backend.aws.cloud_account() or own.backend.aws.given_keys(), home, number
        )
    backend = replace(own.backend, aws=aws, detection=detection, student=str(number), region=own.region)
    session = LabSession(backend, NotesInMemory(student=number))
    session.sees_notes = False
    session.use_keys(aws.given_keys())
    return session


class StudentAws(AwsBackend):
    """The instructor's AWS with keys in memory: no AWS file is read or written."""

    def __init__(self, own: AwsBackend, keys: AccessKeys | None, home: Path, number: int) -> None:
        self._own, self._keys = own, keys
        self.label, self.certificate, self.host = own.label, own.certificate, own.host
        self.assigned, self.asks_first = own.assigned, own.asks_first
        nowhere = home / "students" / str(number)
        self.config_file, self.credentials_file = nowhere / "config", nowhere / "credentials"

    def endpoint(self) -> str | None:
        return self._own.endpoint()

    def sts_endpoint(self) -> str | None:
        return self._own.sts_endpoint()

    def environment(self) -> dict[str, str]:
        return self._own.environment()

    def cloud_account(self) -> AccessKeys | None:
        return self._keys

    def given_keys(self) -> AccessKeys | None:
        return self._keys


class ClassStudentAws(StudentAws):
    """The account of a student of the class that this machine's sandbox serves."""

    def __init__(self, sandbox: LocalSandbox, student: ClassKeys, detection: DetectionBackend) -> None:
        keys = AccessKeys(student.access_key_id, student.secret_access_key)
        super().__init__(SandboxAws(sandbox), keys, sandbox.home, student.student)
        self.label = f"account {account_of(student.student)} of the class"
        self.host = SimulatedHost(sandbox, student.student, detection)


class ClassStudentDetection(DetectionBackend):
    """The detection service of the class that this machine's sandbox serves, with a student's key."""

    label = "the class's, on this machine"

    def __init__(self, sandbox: LocalSandbox, student: ClassKeys) -> None:
        self._sandbox, self._student = sandbox, student

    def login(self) -> DetectionLogin:
        student = self._student
        return DetectionLogin(self._sandbox.ensure().url, student.user_id, student.organization_id, student.api_key)


class SimulatedHost(Host):
    """The host of a student of the class. The instructor runs nothing there: the connection that a program would open
    is reported to the detection service, as the student's agent would report it."""

    def __init__(self, sandbox: LocalSandbox, student: int, detection: DetectionBackend) -> None:
        super().__init__(sandbox.ensure)
        self._student, self._detection = student, detection

    def run(
        self, argv: Sequence[str], seconds: float = RUN_SECONDS, on_output: Callable[[ProgramOutput], object] = ignore
    ) -> ProgramResult:
        """Report a connection to the host that the command line names; nothing runs."""
        target, name = target_of(argv), host_of(self._student)
        agents = self._detection.login().open().agents("online")
        agent = next((one for one in agents if one.name == name), None)
        if target is None or not target.addresses or agent is None:
            raise LabError(
                f"No connection of {name} could be reported.",
                "The command names no host, or the detection service does not list that agent.",
                "Ask the student to run it on their own host.",
            )
        event = {**connect_event(target.addresses[0], target.port), "agent_id": agent.id}
        self._sandbox().control("POST", "/_lab/events", event)
        return ProgramResult(0, "", "No program ran; its connection was reported instead.", 0.0, ran=False)
