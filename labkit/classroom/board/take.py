"""A board of now: the steps' own checks on a snapshot, and what the class's rules and responders have done.

What only a student's machine knows is decided by what the services show:

- *Your student number* is done once a VPC's tag, a rule's name or, in a class, a call with their keys shows it.
- *Your AWS account* is done once their VPC or, in a class, a call shows that their keys work.
- *The NetworkAclId*, *The RuleID* are chosen in the student's notes, which cannot be seen: "?", and the steps after
  them are looked at all the same.
- *The host is ready* covers the agent and its services, not the programs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from labkit import steps
from labkit.backends.backend import Backend
from labkit.classroom.board.session import SnapshotSession
from labkit.classroom.board.snapshot import ClassSnapshot, DetectionSnapshot, Student, number_of
from labkit.classroom.board.source import Source
from labkit.classroom.board.table import Board, BoardRow, Denied, Raised
from labkit.model.check import CheckResult, Outcome
from labkit.model.errors import LabError
from labkit.model.network_acl import NetworkAcl
from labkit.model.response.response import own_entries
from labkit.model.vpc import Vpc
from labkit.services.environment import settings
from labkit.steps.session import LabSession

Results = tuple[CheckResult, ...]
CHAPTERS = {step.key: step.chapter for step in steps.STEPS}
NOT_JOINED = tuple(
    step.result(Outcome.NOT_YET, "a student who has joined", "nothing yet", "Hand out the keys: labkit class keys")
    for step in steps.STEPS
)
"""The agent of a student who has not joined is an invented one, so not even that step counts."""

PRIVATE = frozenset(step.key for step in steps.STEPS if step.note)
"""The steps that only a student's own notes show."""


def taker(session: LabSession) -> Callable[[], Board]:
    """A function that returns the board of now, or raises ServiceUnreachable.

    Raises LabError at once for a student of a class, whose keys open only their own account.
    """
    if settings().joined:
        raise LabError(
            "Only the instructor can see the board of a class.",
            "This lab has joined a class, and its keys open one student's account.",
            "To see your own progress: lab.status(), or labkit status",
        )
    source, checks = Source(session), Checks(session.backend)
    return lambda: board_of(checks, source.read())


def board_of(checks: Checks, snapshot: ClassSnapshot) -> Board:
    """The board that a snapshot gives."""
    rows = [
        BoardRow(student.number, checks.of(student, snapshot), student.last_seen, student.has_number)
        for student in snapshot.students
    ]
    return Board(rows, list(_denied(snapshot)), list(_raised(snapshot)), snapshot.at, CHAPTERS, PRIVATE)


class Checks:
    """The steps' checks of each student. They run again only after a change in what they read."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._known: dict[int, tuple[object, Results]] = {}

    def of(self, student: Student, snapshot: ClassSnapshot) -> Results:
        """Each step's result, in the steps' order."""
        looked_at = replace(student, last_seen=None), *_detection_seen_by(student.number, snapshot.detection)
        before, results = self._known.get(student.number, (None, ()))
        if before != looked_at:
            session = SnapshotSession(self._backend, student, snapshot.detection)
            results = tuple(steps.status(session)) if student.has_number else NOT_JOINED
            self._known[student.number] = looked_at, results
        return results


def _detection_seen_by(number: int, detection: DetectionSnapshot) -> tuple[object, ...]:
    """What one student's checks look at. Of other students' rules they only count how many there are."""
    rules = [rule for rule in detection.rules if number_of(rule) == number]
    ids = {rule.id for rule in rules}
    alerts = [alert for alert in detection.alerts if alert.rule_id in ids] if ids else []
    agents = [agent.raw for agent in detection.agents]
    return rules, alerts, agents, len(detection.rules), detection.rulesets, detection.error


def _denied(snapshot: ClassSnapshot) -> Iterator[Denied]:
    """The entries of the students' responders, in the network ACLs of the VPCs that have each student's tag."""
    for student in snapshot.students:
        vpcs = {vpc.id for vpc in map(Vpc.from_aws, student.account.vpcs) if vpc.student == student.number}
        for network_acl in map(NetworkAcl.from_aws, student.account.network_acls):
            if network_acl.vpc_id in vpcs:
                for entry in own_entries(network_acl.entries):
                    yield Denied(student.number, str(entry.network.network_address))


def _raised(snapshot: ClassSnapshot) -> Iterator[Raised]:
    """The active alerts of the students' rules, by address; by title for an alert without one."""
    listed = {student.number for student in snapshot.students}
    numbers = {rule.id: number for rule in snapshot.detection.rules if (number := number_of(rule)) in listed}
    for alert in snapshot.detection.alerts:
        if alert.rule_id in numbers:
            yield Raised(numbers[alert.rule_id], dict(alert.aggregates).get("dst_ip") or alert.title)
