"""An invalid filter is refused with the position, what was expected there, and how to correct it."""

from __future__ import annotations

import pytest

from labkit.model.detection.criteria import FILTER
from labkit.model.errors import FilterError
from labkit.model.rule_filter import parse

VALUE, OPERATOR, KEY, JOIN = "Expected here: a value", "an operator", "a key", "and, or"


def refused(text: str) -> FilterError:
    with pytest.raises(FilterError) as caught:
        parse(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "position", "expected", "advice"),
    [
        ("", 0, KEY, "Write a clause"),
        ("  \n ", 0, KEY, "Write a clause"),
        ('user == "x"', 5, VALUE, "Write = instead of =="),
        ("user !== 1", 5, VALUE, "Write != instead of !=="),
        ("user <> 1", 5, OPERATOR, "Write != instead of <>"),
        ("user ≠ 1", 5, OPERATOR, "Write !="),
        ("a = 1 && b = 2", 6, JOIN, "Write and"),
        ("a = 1 || b = 2", 6, JOIN, "Write or"),
        ("a = 1, b = 2", 5, JOIN, "Write and or or"),
        ('tty startswith "p"', 4, OPERATOR, "Write starts_with"),
        ('tty startsWith "p"', 4, OPERATOR, "Write starts_with"),
        ('tty starts with "p"', 4, OPERATOR, "Write starts_with"),
        ('tty endswith "p"', 4, OPERATOR, "Write ends_with"),
        ('tty contains "x"', 4, OPERATOR, "Write like"),
        ("user is null", 5, OPERATOR, "Write ="),
        ("user: root", 4, OPERATOR, "Write ="),
        ("user is not null", 5, OPERATOR, "Write !="),
        ("port < 1024", 5, OPERATOR, "did not support it"),
        ("port >= 1024", 5, OPERATOR, "did not support it"),
        ("port => 1024", 5, VALUE, "did not support it"),
        ('user matches "r.*"', 5, OPERATOR, "did not support it"),
        ('user =~ "r.*"', 5, VALUE, "did not support it"),
        ('not user = "x"', 0, KEY, "did not support it"),
        ('!user = "x"', 0, KEY, "did not support it"),
        ('a = "b" and not user = "x"', 12, KEY, "did not support it"),
        ('user in ("a", "b")', 5, OPERATOR, "did not support it"),
        ('user not in ("a", "b")', 5, OPERATOR, "did not support it"),
        ('user = ("a", "b")', 7, VALUE, "one clause for each value"),
        ('user = "root', 7, VALUE, 'Add " where the string ends'),
        ("user = 'root\"", 7, VALUE, "Add ' where the string ends"),
        ('user = root"', 11, JOIN, 'Add " before the value'),
        ('user = "root and tty = "x"', 24, JOIN, "closing quote may be missing"),
        ('(user = "root"', 14, JOIN, "Add )"),
        ('user = "root")', 13, JOIN, "Remove this parenthesis"),
        ("a = 1 andy = 2", 6, JOIN, "Join two clauses"),
        ("()", 1, KEY, "remove both"),
        ("user", 4, OPERATOR, 'user = "value"'),
        ('user "root"', 5, OPERATOR, "Write ="),
        ("user and tty = null", 5, OPERATOR, "Write an operator and a value"),
        ("user = ", 6, VALUE, "Write a value after ="),
        ("user = and tty = null", 7, VALUE, "Write a value"),
        ("user = 1 and", 12, KEY, "remove and"),
        ("and user = 1", 0, KEY, "remove the word"),
        ("user = 1 or or tty = 2", 12, KEY, "remove the word"),
        ('= "root"', 0, KEY, "Write the key before"),
        ('"user" = "root"', 0, KEY, "without quotes"),
        ('in = "x"', 0, KEY, "another key"),
        ("5 = 5", 0, KEY, "begins with a letter"),
        ("connection. = 1", 10, OPERATOR, "single dots"),
        ("ip = 10.0.0.1", 5, VALUE, 'in quotes: "10.0.0.1"'),
        ("user = root admin", 12, JOIN, "in quotes"),
        ('a = "x" b = "y"', 8, JOIN, "Join two clauses"),
        ("user = \u200b1", 7, VALUE, "Delete this invisible character"),
    ],
)
def test_a_mistake_is_reported_with_its_position_and_how_to_correct_it(
    text: str, position: int, expected: str, advice: str
) -> None:
    error = refused(text)
    assert error.position == position
    assert expected in error.why
    assert advice in error.next_step
    assert str(position + 1) in error.what or not text.strip()


def test_the_caret_is_under_the_position_in_the_text_as_typed() -> None:
    error = refused("user = “root” and\ntty == 1")
    assert error.position == 22
    line, mark = error.caret.splitlines()
    assert line == "user = “root” and tty == 1"
    assert line[mark.index("^") :].startswith("== 1")


def test_the_caret_of_a_long_filter_shows_the_text_around_it() -> None:
    text = 'user = "a" or ' * 40 + "port == 1" + ' or user = "a"' * 40
    line, mark = refused(text).caret.splitlines()
    assert len(line) == 62 and line[0] == line[-1] == "…"
    assert line[mark.index("^") :].startswith("== 1")


def test_the_caret_of_what_is_missing_at_the_end_of_a_long_filter_is_near_the_left_edge() -> None:
    line, mark = refused(FILTER.removesuffix(")")).caret.splitlines()
    assert len(line) == 31 and mark == " " * 31 + "^"


def test_the_unclosed_parenthesis_is_named_and_not_one_inside_a_string() -> None:
    error = refused('user = "(" and (tty = null')
    assert "for the one at 16" in error.what


def test_parentheses_nested_too_deeply_are_refused() -> None:
    error = refused("(" * 500 + "user = 1" + ")" * 500)
    assert error.position == 32
    assert "32 deep" in error.what


def test_a_very_long_word_is_shortened() -> None:
    assert len(str(refused("user = 1" + "x" * 10_000))) < 400


def test_an_invisible_character_is_named() -> None:
    assert "U+200B, ZERO WIDTH SPACE" in refused("user\u200b = 1").what
