"""A valid filter that is probably not intended gets a warning with a position; others get none."""

from __future__ import annotations

import pytest

from labkit.model.rule_filter import parse, straighten
from tests.unit.rule_filter.published_filters import PUBLISHED


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ('Event_type =“login"', 0, "Did you mean event_type?"),
        ("IP=”0.0.0.0.0”", 0, "Did you mean ip?"),
        ("connection.src._port = 5", 0, "Did you mean connection.src_port?"),
        ("zzz = 5", 0, "not a known key of events"),
        ('user = "a" and ip = "0.0.0.0.0"', 15, "neither an address nor a CIDR block"),
        ('connection.dst_addr = "10.0.0.0/33"', 0, "neither an address nor a CIDR block"),
        ('ip != "10.0.0.0/8"', 0, "always false. In audit and threat intelligence events connection.addr accepts one."),
        ('arguments = "10.0.0.0/8"', 0, "CIDR blocks are not evaluated on arguments"),
        ('dst_ip != "10.0.0.0/8"', 0, "only in winsec events"),
        ('user = "a" or user = "b" and tty != null', 11, 'user = "a" or (user = "b" and tty != null)'),
        ('exe like "/tmp/*"', 0, "no wildcards"),
        ('tty = "null"', 0, "Without quotes"),
        ("tty starts_with null", 0, "always false"),
        ('event_type = "Audit"', 0, "not a known event type"),
    ],
)
def test_a_filter_that_is_probably_not_intended_gets_a_warning(text: str, position: int, words: str) -> None:
    (warning,) = parse(text).warnings
    assert warning.position == position
    assert words in warning.sentence


def test_published_filters_get_no_warning_except_for_errors_on_the_page() -> None:
    warned = {one.number for one in PUBLISHED if parse(one.text).warnings}
    assert warned == {31, 35}  # a CIDR block on src_ip works on two types of event only; VALUE is a placeholder


def test_grouping_by_parentheses_gets_no_warning() -> None:
    assert parse('(user = "a" and tty = null) or user = "b"').warnings == ()


@pytest.mark.parametrize(
    ("typed", "straight"),
    [
        ("“a” „b“ ‘c’ ′d′", "\"a\" \"b\" 'c' 'd'"),
        ("user=‘root’and tty=null", "user='root'and tty=null"),
        ("user = 'O’Brien'", "user = 'O’Brien'"),
        ("user = ‘O’Brien’", "user = 'O’Brien'"),
        ("user = “O’Brien”", 'user = "O\'Brien"'),
        ("a\tb", "a\tb"),
        ("a\u202fb\r\nc\u2028d", "a b  c d"),
    ],
)
def test_quotes_and_spaces_are_straightened_but_an_apostrophe_ends_no_string(typed: str, straight: str) -> None:
    assert straighten(typed).text == straight


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("user = “root”", "Read with straight quotes for “ and ”."),
        ("a = ”x” or a = ’y’", "Read with straight quotes for ” and ’."),
        ("a\nb", "Read with plain spaces for line breaks or unusual spaces."),
        ("“a”\n‘b’", "Read with straight quotes for “, ”, ‘ and ’ and plain spaces for line breaks or unusual spaces."),
        ('user = "root"', ""),
    ],
)
def test_all_changes_are_described_in_one_sentence(typed: str, sentence: str) -> None:
    assert straighten(typed).sentence == sentence
