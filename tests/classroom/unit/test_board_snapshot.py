"""Whose rule it is, by its name."""

from __future__ import annotations

import pytest

from labkit.classroom.board.snapshot import number_of
from labkit.model.detection.rule import Rule
from labkit.model.student import rule_name


@pytest.mark.parametrize(
    ("name", "number"),
    [
        (rule_name(8), 8),
        ("Self Protect: Student 8: Network", 8),
        ("self protect: student8: network", 8),
        ("Self Protect: Student 8: Student7: Network", None),
        ("self protect: student8: Student7: Network", None),
        ("Self Protect: Student7: Student8: Network", 7),
        ("Network", None),
    ],
)
def test_no_student_can_create_a_rule_that_counts_as_another_students(name: str, number: int | None) -> None:
    assert number_of(Rule(name, "", "", (), "")) == number
