"""The board of students who share one account: each cell is the student's own status, in a fixed number of calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from labkit import steps
from labkit.classroom.board.table import Board
from labkit.classroom.board.take import taker
from labkit.lab.lab import Lab
from labkit.model.check import CheckResult, Outcome
from labkit.model.detection.rule import PRECREATED_RULE
from labkit.model.errors import ServiceUnreachable
from labkit.model.network_acl import Entry
from labkit.model.student import rule_name
from labkit.services import aws, sandbox_process
from labkit.steps import account, host, network, rule
from labkit.steps.session import LabSession, open_existing
from tests.classroom.board_class import own_status, seen_from_outside, solved, students_own_world
from tests.http_count import requests_counted

IN_NOTES = {network.NETWORK_ACL.key, rule.RULE_ID.key, host.READY.key}
"""Steps whose words may name what only the student has: their notes, the programs of their machine."""

MOST_CALLS = 9


@pytest.fixture
def students(lab: Lab, tmp_path: Path) -> Iterator[dict[int, LabSession]]:
    """Students as far as each is; the account takes three VPCs more than it has at first."""
    worlds = {number: students_own_world(tmp_path, number, keys=number < 4) for number in range(1, 8)}
    solved(worlds[1], "")
    solved(worlds[2], "2")
    solved(worlds[3], "network_acl_id")
    solved(worlds[4], "rule")
    solved(worlds[5], "rule_enabled")
    solved(worlds[6], "rule_id")
    yield worlds
    for session in worlds.values():
        session.use_keys(session.backend.aws.cloud_account())
        list(steps.reset(session, steps.STEPS))


def board() -> Board:
    """The board as whoever runs it sees it now."""
    return taker(open_existing())()


def row(shown: Board, student: int) -> dict[str, CheckResult]:
    (found,) = (one for one in shown.rows if one.student == student)
    return {one.step: one for one in found.results}


def assert_as_own_status(shown: Board, student: int, session: LabSession) -> None:
    """Every cell of a row is what the student's own checks say, in the same words."""
    seen = row(shown, student)
    for own in own_status(session):
        cell = seen[own.step]
        assert cell.outcome is seen_from_outside(own), (student, own.step, str(cell), str(own))
        if own.step not in {*IN_NOTES, account.ACCOUNT.key} and own.found != "skipped":
            assert (cell.found, cell.expected, cell.next_step) == (own.found, own.expected, own.next_step)


def test_who_did_something_has_a_row_of_what_their_own_status_says_and_alerts_and_deny_entries_are_listed(
    students: dict[int, LabSession],
) -> None:
    shown = board()
    for number, session in students.items():
        if number < 7:
            assert_as_own_status(shown, number, session)
    assert 7 not in [one.student for one in shown.rows]
    assert {one.student for one in shown.alerts} == {1}
    assert "203.0.113.10" in {one.address for one in shown.alerts}
    assert [(one.student, one.address) for one in shown.denies] == [(1, "203.0.113.10")]


def test_wrong_work_is_shown_with_its_reason(students: dict[int, LabSession]) -> None:
    second = rule.students_rule(students[2])
    students[2].detection.update_rule(replace(second, aggregate_fields=("user",)))
    third = rule.students_rule(solved(students[3], "rule"))
    students[3].detection.update_rule(replace(third, name=third.name.replace("Student3", "Student 3")))
    network_acl = network.students_network_acl(students[1])
    allow_all = Entry(1, True, "allow", "-1", "0.0.0.0/0")
    aws.replace_entry(students[1].aws.ec2, network_acl.id, allow_all)
    aws.create_entry(students[1].aws.ec2, network_acl.id, Entry(5, True, "deny", "-1", "203.0.113.10/32"))

    shown = board()

    for number in (1, 2, 3):
        assert_as_own_status(shown, number, students[number])
    assert row(shown, 2)["rule_criteria"].outcome is Outcome.WRONG
    assert "Aggregate Fields" in row(shown, 2)["rule_criteria"].found
    assert row(shown, 3)["rule"].outcome is Outcome.WRONG
    assert "never reached" in row(shown, 1)["deny_entry"].found


def test_a_students_last_change_is_when_they_were_last_seen(students: dict[int, LabSession]) -> None:
    def last_seen() -> str:
        (found,) = (one for one in board().rows if one.student == 5)
        return str(found.last_seen)

    before = last_seen()
    students[5].detection.update_rule(replace(rule.students_rule(students[5]), enabled=False))
    assert before < last_seen()


def test_a_refresh_makes_as_many_calls_for_thirty_students_as_for_three(lab: Lab) -> None:
    detection, take = lab._session.detection, taker(open_existing())
    original = next(one for one in rule.all_rules(detection) if one.name == PRECREATED_RULE)
    made, counted = [], []
    for numbers in (range(1, 4), range(4, 31)):
        named = [replace(original, name=rule_name(number)) for number in numbers]
        made += [detection.create_rule(original.ruleset_id, one) for one in named]
        take()
        with requests_counted() as sent:
            assert {1, numbers[-1]} <= {one.student for one in take().rows}
        counted.append(sorted(sent))
    for one in made:
        detection.delete_rule(one.ruleset_id, one.id)
    assert counted[0] == counted[1]
    assert len(counted[0]) <= MOST_CALLS


def test_the_board_does_not_start_a_stopped_sandbox(lab: Lab, lab_home: Path) -> None:
    take = taker(open_existing())
    take()
    sandbox_process.stop(lab_home)
    with pytest.raises(ServiceUnreachable, match="labkit sandbox start"):
        take()
    assert sandbox_process.find(lab_home) is None
    sandbox_process.start(lab_home)
    assert take().rows is not None


def test_refused_keys_leave_the_other_half_of_the_board(students: dict[int, LabSession]) -> None:
    session = open_existing()
    session.use_keys(replace(students[1].keys, secret_access_key="x" * 40))
    seen = row(taker(session)(), 5)
    assert seen["aws_account"].outcome is Outcome.COULD_NOT_LOOK
    assert seen["rule_enabled"].outcome is Outcome.PASSED
