"""An explanation gives, for each clause, the key, the value found, the verdict and the reason."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.model.rule_filter import Explanation, explain, parse
from tests.unit.rule_filter.events import LOCAL_LOG, connect
from tests.unit.rule_filter.published_filters import published


def explained(text: str, event: dict[str, Any]) -> Explanation:
    return explain(parse(text), event)


@pytest.mark.parametrize(
    ("text", "event", "verdict", "found", "reason"),
    [
        ("tty = null", {}, True, "absent", "the event has no tty."),
        ("tty = null", {"tty": "pts0"}, False, '"pts0"', 'the event has tty, "pts0".'),
        ('tty != "x"', {}, False, "absent", "the event has no tty, so only = null would be true."),
        ('user = "root"', {"user": "root"}, True, '"root"', '"root" is equal to "root".'),
        ('user != "root"', {"user": "root"}, False, '"root"', '"root" is equal to "root".'),
        ('exe like "curl"', connect(), True, '"/usr/bin/curl"', '"/usr/bin/curl" contains "curl".'),
        ('exe starts_with "/bin"', connect(), False, '"/usr/bin/curl"', '"/usr/bin/curl" does not start with "/bin".'),
        ("pid = '6315'", connect(), True, "6315", '6315 compared as a number is equal to "6315".'),
        ("exit = 0", connect(), True, '"0"', '"0" compared as a number is equal to 0.'),
        ('success = "true"', connect(), True, "true", 'true compared as the text true is equal to "true".'),
        ('command = "curl"', connect(), True, '"curl"', "(command is the last part of exe)"),
        ('arguments like "dad"', connect(), True, '"curl dadismad.com"', "(arguments is args joined by spaces)"),
        (
            'dst_ip = "203.0.113.10"',
            connect(),
            True,
            '"203.0.113.10"',
            "dst_ip is another name for connection.dst_addr",
        ),
        (
            'ip = "10.0.0.10"',
            connect(),
            True,
            '["203.0.113.10", "10.0.0.10"]',
            'of 2 values, "10.0.0.10" compared as an',
        ),
        (
            'ip = "10.0.0.10"',
            connect(),
            True,
            '["203.0.113.10", "10.0.0.10"]',
            "ip is either end: connection.dst_addr or",
        ),
        ('group like "fail"', LOCAL_LOG, True, '["syslog", "authentication_failed"]', "of 2 values,"),
        (
            'group = "x"',
            LOCAL_LOG,
            False,
            '["syslog", "authentication_failed"]',
            'none of 2 values does: the first, "sys',
        ),
        ('path = "x"', connect(), False, "[]", "the list is empty."),
        ('path != "x"', connect(), True, "[]", "so no element equals it."),
        (
            'connection.dst_addr = "10.0.0.0/8"',
            connect("::ffff:10.0.0.9"),
            True,
            '"::ffff:10.0.0.9"',
            "counts as 10.0.0.9",
        ),
        ('connection.dst_addr != "10.0.0.0/8"', connect(), True, '"203.0.113.10"', "is not in 10.0.0.0/8."),
        ('connection.dst_addr = "10.0.0.0/8"', connect("x"), False, '"x"', "is not an address"),
        (
            "server != null",
            connect(),
            True,
            '"ip-10-0-0-10.ec2.internal"',
            "server is another name for host_metadata.host",
        ),
        ("tty like null", connect(), False, '"pts0"', "null works only with = and !="),
    ],
)
def test_a_clause_is_explained(text: str, event: dict[str, Any], verdict: bool, found: str, reason: str) -> None:
    node = explained(text, event)
    assert (node.verdict, node.found) == (verdict, found)
    assert reason in node.reason


def test_an_unevaluated_cidr_block_is_explained_with_the_key_to_use() -> None:
    node = explained('dst_ip != "10.0.0.0/8"', connect())
    assert not node.verdict
    assert node.reason.startswith("CIDR blocks are not evaluated on dst_ip in audit events.")
    assert "In audit and threat intelligence events connection.dst_addr accepts one" in node.reason
    assert node.found == '"203.0.113.10"'
    assert explained("user = '10.0.0.0/8'", {}).reason == "CIDR blocks are not evaluated on user."


def test_a_group_counts_its_terms_and_shows_how_it_was_grouped() -> None:
    node = explained('user = "a" or user = "ubuntu" and tty = null', connect())
    assert (node.label, node.reason) == ("any of", "none of 2 are true.")
    assert [child.label for child in node.children] == ['user = "a"', "all of"]
    assert node.children[1].reason == "1 of 2 are true."
    assert (node.key, node.operator, node.wanted, node.found) == ("", "", "", "")


def test_the_labs_filter_is_explained_as_indented_text() -> None:
    text = str(explained(published(1), connect("127.0.0.1")))
    lines = text.splitlines()
    assert len(lines) == 9
    assert lines[0] == "false  all of: 2 of 3 are true."
    assert lines[4] == '    false  connection.dst_addr != "127.0.0.0/8": "127.0.0.1" is in 127.0.0.0/8.'


def test_a_long_value_is_cut_where_it_is_shown() -> None:
    node = explained('arguments like "x"', {"arguments": "x" * 5000})
    assert node.verdict and len(node.reason) < 200
