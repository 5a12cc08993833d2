"""The lab's promise, with real programs: a connection is seen, raises an alert, becomes an entry, and is refused."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.student import CURL, Student, a_student, users
from tests.wait import until

DADISMAD = "203.0.113.10/32"
JAIL = str(Path(__file__).parents[2] / "range" / "jail.py")


@pytest.fixture(params=users(), ids=lambda user: user.pw_name)
def student(request: pytest.FixtureRequest) -> Iterator[Student]:
    with a_student(request.param) as one:
        yield one


@pytest.mark.tier_1
def test_what_was_answered_is_seen_and_denied_and_times_out_until_it_is_all_taken_back(student: Student) -> None:
    student.does("solve", "2")
    with student.responding():
        assert student.curl() == 0
        until(student.denied)
        assert student.denied() == [DADISMAD]
        assert student.curl() == 28
        assert student.denied() == [DADISMAD]
    student.does("reset", "--yes")
    assert student.curl() == 0


def solved_whole(student: Student, tier: int, why: str) -> None:
    """The whole lab is solved, its status says tier and reason before anything else of the host, and curl is denied."""
    assert "done  The cloud denies the address" in student.does("solve")
    words = student.does("status")
    (line,) = [line for line in words.splitlines()[:2] if line.startswith(f"Range tier {tier} of 3")]
    assert why in line
    assert words.splitlines()[-1] == "12 of 12 steps done."
    assert student.curl() == 28


def test_in_a_container_that_refuses_namespaces_all_of_it_works_by_system_calls() -> None:
    with a_student(users()[-1], (sys.executable, JAIL)) as student:
        solved_whole(student, 2, "For tier 1")
        student.does("respond", "--cleanup")
        assert "You reached dadismad.com" in student.does(*CURL)


def test_where_nothing_can_be_watched_all_of_it_works_and_says_that_no_program_ran() -> None:
    with a_student(users()[0], LABKIT_RANGE_TIER="3") as student:
        solved_whole(student, 3, "LABKIT_RANGE_TIER=3 selects it.")
        assert "No program ran: the range is at tier 3" in student.labkit(*CURL).stderr
        assert student.labkit("shell").stderr.startswith("labkit: No prompt can be opened on the host.")
        refused = student.labkit("demo", "--yes")  # before it undoes what is there
        assert refused.returncode == 1 and refused.stderr.startswith("labkit: The demo needs a prompt on the host.")
        assert "`labkit run -- curl dadismad.com`" in refused.stderr and student.curl() == 28
        student.does("respond", "--cleanup")
        assert student.curl() == 0
