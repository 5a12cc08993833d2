"""A board of the world as it is now: a reading, judged, and what the class's rules and responders have done."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from labkit import steps
from labkit.classroom.board.judge import Judge
from labkit.classroom.board.reading import ClassSnapshot, number_of
from labkit.classroom.board.source import Source
from labkit.classroom.board.table import Board, BoardRow, Denied, Raised
from labkit.model.errors import LabError
from labkit.model.network_acl import NetworkAcl
from labkit.model.response.response import own_entries
from labkit.model.vpc import Vpc
from labkit.services.environment import settings
from labkit.steps.session import LabSession

CHAPTERS = {step.key: step.chapter for step in steps.STEPS}


def taker(session: LabSession) -> Callable[[], Board]:
    """What takes a board each time it is called. That raises ServiceUnreachable.

    Raises LabError at once for a student of a class, whose keys open one account of many.
    """
    if settings().joined:
        raise LabError(
            "The class's board is its instructor's.",
            "This lab has joined a class: its keys show one student's account, and no other's.",
            "Where you are yourself: lab.status(), or labkit status",
        )
    source, judge = Source(session), Judge(session.backend)
    return lambda: board_of(judge, source.read())


def board_of(judge: Judge, reading: ClassSnapshot) -> Board:
    """The board that a reading makes."""
    judged = zip(reading.students, judge.results(reading), strict=True)
    rows = [BoardRow(student.number, results, student.last_seen) for student, results in judged]
    return Board(rows, list(_denied(reading)), list(_raised(reading)), reading.at, CHAPTERS)


def _denied(reading: ClassSnapshot) -> Iterator[Denied]:
    """The entries of the students' responders, in the network ACLs of the VPCs that bear each student's tag."""
    for student in reading.students:
        vpcs = {vpc.id for vpc in map(Vpc.from_aws, student.account.vpcs) if vpc.student == student.number}
        for network_acl in map(NetworkAcl.from_aws, student.account.network_acls):
            if network_acl.vpc_id in vpcs:
                for entry in own_entries(network_acl.entries):
                    yield Denied(student.number, str(entry.network.network_address))


def _raised(reading: ClassSnapshot) -> Iterator[Raised]:
    """The active alerts of the students' rules; one that was not told the address is told by its title."""
    there = {student.number for student in reading.students}
    numbers = {rule.id: number for rule in reading.detection.rules if (number := number_of(rule)) in there}
    for alert in reading.detection.alerts:
        if alert.rule_id in numbers:
            yield Raised(numbers[alert.rule_id], dict(alert.aggregates).get("dst_ip") or alert.title)
