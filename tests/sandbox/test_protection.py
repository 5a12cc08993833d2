"""The lab's promise, with real programs: a connection is seen, raises an alert, becomes an entry, and is refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox.student import Student, a_student, users
from tests.wait import until

pytestmark = pytest.mark.tier_1

DADISMAD = "203.0.113.10/32"


@pytest.fixture(params=users(), ids=lambda user: user.pw_name)
def student(request: pytest.FixtureRequest) -> Iterator[Student]:
    with a_student(request.param) as one:
        yield one


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
