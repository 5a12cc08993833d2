"""A student number as typed, and what follows from it."""

from __future__ import annotations

import pytest

from labkit.model.errors import InvalidInput
from labkit.model.student import account_of, is_of_class, parse_student_number, rule_name, students_in


@pytest.mark.parametrize("typed", ["1", " 7 ", "999", "007", 12])
def test_a_whole_number_from_1_to_999_is_a_student_number(typed: str | int) -> None:
    assert parse_student_number(typed) == int(typed)


@pytest.mark.parametrize("typed", ["", "0", "1000", "-1", "7.5", "seven", "７", "1e2", "7 8", "9" * 50])
def test_anything_else_is_refused_in_three_sentences(typed: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_student_number(typed)
    assert refused.value.what and "1 to 999" in refused.value.why and refused.value.next_step


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        (rule_name(7), {7}),
        (rule_name(77), {77}),
        ("Student7: mine", {7}),
        ("Self Protect: Student7: and Student8: ours", {7, 8}),
        ("Self Protect: Student70: not 7", {70}),
        ("Self Protect: Student7 without its colon", set()),
        ("Self Protect: Student07: with a zero", set()),
        ("XStudent7: in a word", set()),
        ("_Student7: after a dash", {7}),
        ("Self Protect: student7: in small letters", set()),
        ("Student1000: too large", set()),
        ("Student٧: in other digits", set()),
    ],
)
def test_a_rules_name_contains_whole_numbers_only(name: str, numbers: set[int]) -> None:
    assert students_in(name) == numbers


def test_a_students_account_differs_from_a_real_one() -> None:
    assert all(is_of_class(account_of(number)) for number in (1, 30, 999))
    assert not any(is_of_class(account) for account in ("123456789012", "000000001000", ""))
