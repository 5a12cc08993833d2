"""Students for the board: who share one AWS account, and a class of thirty; and every HTTP request counted."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests

from labkit import steps
from labkit.backends.backend import Backend, DetectionBackend
from labkit.backends.sandbox import LocalSandbox, SandboxAws
from labkit.model.access_keys import AccessKeys
from labkit.model.check import CheckResult, Outcome
from labkit.model.detection.event import connect_event
from labkit.sandbox.classroom import settings as class_settings
from labkit.sandbox.classroom.settings import ClassSettings
from labkit.services import aws, sandbox_process
from labkit.services.detection.hawk import HawkAuth
from labkit.services.detection.login import DetectionLogin
from labkit.steps import host, network, rule
from labkit.steps.session import LabSession, open_session
from tests.wait import PATIENCE_SECONDS

ADDRESS = "203.0.113.10"
SIZE = 30


def students_own_world(folder: Path, number: int, keys: bool = True) -> LabSession:
    """The world as it is for one student at a machine of their own. keys: whether they have entered them."""
    opened = open_session().backend
    session = LabSession(replace(opened, home=folder / f"student-{number}", student=""))
    session.notes.save(student=number)
    session.use_keys(session.backend.aws.cloud_account() if keys else None)
    return session


def solved(session: LabSession, what: str) -> LabSession:
    """The world after the student did a step or a chapter."""
    for _, result in steps.solve(session, steps.named(what)):
        assert result.passed, str(result)
    return session


def own_status(session: LabSession) -> list[CheckResult]:
    """What `lab.status()` says to that student."""
    return list(steps.status(session))


def seen_from_outside(own: CheckResult) -> Outcome:
    """The outcome on the board of a step that ends so for the student: what only their notes say is not seen."""
    noted = {host.READY.key, network.NETWORK_ACL.key, rule.RULE_ID.key}
    return Outcome.COULD_NOT_LOOK if own.step in noted and own.found != "skipped" else own.outcome


class StudentAws(SandboxAws):
    """The class's sandbox, which shows a student no keys and has no host for them."""

    def __init__(self, sandbox: LocalSandbox) -> None:
        super().__init__(sandbox)
        self.host = None

    def cloud_account(self) -> None:
        return None


class StudentDetection(DetectionBackend):
    """The class's detection service, with a student's key."""

    label = "class"

    def __init__(self, url: str, keys: Mapping[str, str]) -> None:
        self._login = DetectionLogin(url, **keys)

    def login(self) -> DetectionLogin:
        return self._login


@dataclass
class Class:
    """A class of thirty at one sandbox. home: of the sandbox. folder: where each student's notes are."""

    home: Path
    folder: Path

    @cached_property
    def keys(self) -> Mapping[int, Mapping[str, Any]]:
        """What is handed out, by number."""
        sandbox = sandbox_process.find(self.home)
        assert sandbox is not None
        told = sandbox.control("GET", "/_lab/class/keys")["students"]
        return {one["number"]: one for one in told}

    def session(self, number: int) -> LabSession:
        """The world of a student who was handed their keys and noted their number."""
        sandbox, keys = sandbox_process.find(self.home), self.keys[number]
        assert sandbox is not None
        aws, detection = StudentAws(LocalSandbox(self.home)), StudentDetection(sandbox.url, keys["detection"])
        session = LabSession(Backend(aws, detection, self.folder / f"student-{number}"))
        session.notes.save(student=number)
        session.use_keys(AccessKeys(**keys["aws"]))
        return session

    def connects(self, number: int, address: str = ADDRESS) -> None:
        """A program on the student's own host connects somewhere."""
        login = self.session(number).detection_login
        session = requests.Session()
        session.auth = HawkAuth(login.user_id, login.api_key, login.organization_id)
        event = {**connect_event(address), "_id": f"{number}-{address}", "timestamp": _now_ms(), "agent_id": "theirs"}
        session.headers["Content-Type"] = "application/json"
        session.post(f"{login.url}/lab/events", data=orjson.dumps([event]), timeout=PATIENCE_SECONDS).raise_for_status()

    def reaches(self, number: int, what: str) -> LabSession:
        """The student's world after all up to a step is done; alert and deny entry as their host brings them about."""
        session = self.session(number)
        if what in ("first_alert", "deny_entry"):
            solved(solved(session, "host_subnet"), "rule_enabled")
            self.connects(number)
        return solved(session, what)

    def goes_wrong(self, number: int) -> LabSession:
        """The student's world with criteria that are not those wanted, and a deny entry that is never reached."""
        session = self.reaches(number, "deny_entry")
        network_acl = network.students_network_acl(session)
        (entry,) = [one for one in network_acl.egress if one.rule_action == "deny" and one.rule_number < 100]
        aws.delete_entry(session.aws.ec2, network_acl.id, entry.rule_number, egress=True)
        aws.create_entry(session.aws.ec2, network_acl.id, replace(entry, rule_action="allow", cidr_block="0.0.0.0/0"))
        aws.create_entry(session.aws.ec2, network_acl.id, replace(entry, rule_number=9))
        return session


def _now_ms() -> int:
    from labkit.sandbox.detection.timestamps import now_ms

    return now_ms()


PROGRESS = ("", "aws_account", "vpc", "network_acl_id", "rule", "rule_criteria", "2", "host_subnet", "deny_entry")
"""How far students are, in turns; the first have not come yet."""


@contextmanager
def a_class(home: Path, folder: Path) -> Iterator[Class]:
    """A class of thirty whose sandbox runs meanwhile; LABKIT_HOME names its home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABKIT_HOME", str(home))
        class_settings.save(home, ClassSettings(SIZE))
        sandbox_process.start(home, parent=os.getpid())
        yield Class(home, folder)
        sandbox_process.stop(home)


def at_different_steps(of: Class) -> dict[int, LabSession]:
    """Every student's world, each brought as far as `PROGRESS` says; students 28 to 30 have something wrong."""
    worlds: dict[int, LabSession] = {}
    for number in of.keys:
        what = PROGRESS[(number - 1) % len(PROGRESS)]
        worlds[number] = of.session(number) if not what else of.reaches(number, what)
    second = solved(worlds[29], "rule_enabled")
    second.detection.update_rule(replace(rule.students_rule(second), aggregate_fields=("user",)))
    worlds[30] = of.goes_wrong(30)
    return worlds
