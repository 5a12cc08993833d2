"""Whether a clause is true of an event: absent keys, lists, numbers, booleans, addresses, CIDR blocks and aliases."""

from __future__ import annotations

from collections import UserDict
from typing import Any

import pytest

from labkit.model import rule_filter
from labkit.model.rule_filter import And, Clause, Filter, Number, parse
from tests.unit.rule_filter.events import connect, true_of

WINDOWS = {"event_type": "winsec", "dst_ip": "10.1.2.3", "srcIpv6": "fd00::7"}


@pytest.mark.parametrize(
    ("text", "event", "expected"),
    [
        # absent and null
        ("tty = null", {}, True),
        ("tty = null", {"tty": None}, True),
        ("tty = null", {"tty": ""}, False),
        ("tty != null", {}, False),
        ("tty != null", {"tty": "pts0"}, True),
        ('tty != "pts0"', {}, False),
        ('tty like ""', {}, False),
        ("tty like null", {"tty": "null"}, False),
        # text
        ('user = "root"', {"user": "Root"}, False),
        ('User = "root"', {"user": "root"}, False),
        ('arguments like "sysctl -n"', {"arguments": "/sbin/sysctl -n x"}, True),
        ('exe starts_with "/usr"', {"exe": "/usr/bin/curl"}, True),
        ('exe ends_with "curl"', {"exe": "/usr/bin/curl"}, True),
        ('exe ends_with "/usr"', {"exe": "/usr/bin/curl"}, False),
        (r'arguments like "\n"', {"arguments": "a\\nb"}, True),
        ('exe like "*"', {"exe": "/usr/bin/curl"}, False),
        # lists
        ('group = "sshd"', {"group": ["syslog", "sshd"]}, True),
        ('group != "sshd"', {"group": ["syslog", "sshd"]}, False),
        ('group != "ftpd"', {"group": ["syslog", "sshd"]}, True),
        ('group like "ssh"', {"group": ["syslog", "sshd"]}, True),
        ('user = "a" and group = "sshd" and path != null', {"user": ["a"], "group": ["x", "sshd"], "path": []}, True),
        ('user = "a" and group = "ftpd" and path != null', {"user": ["a"], "group": ["x", "sshd"], "path": []}, False),
        ('path = "x"', {"path": []}, False),
        ('path != "x"', {"path": []}, True),
        ("path != null", {"path": []}, True),
        # numbers
        ("pid = '3081'", {"pid": 3081}, True),
        ("pid = '03081'", {"pid": 3081}, True),
        ("pid = 3081", {"pid": 3081}, True),
        ("pid = 3081", {"pid": "3081"}, True),
        ('exit = "-115"', {"exit": -115}, True),
        ("exit = 0", {"exit": "00"}, True),
        ('exit = "0"', {"exit": "00"}, False),
        ('pid = "x"', {"pid": 3081}, False),
        ('pid != "x"', {"pid": 3081}, True),
        ('pid starts_with "30"', {"pid": 3081}, True),
        ("level = 1.5", {"level": 1.5}, True),
        ("level = 2.0", {"level": 2}, True),
        # booleans and objects
        ('success = "true"', {"success": True}, True),
        ("success = true", {"success": True}, True),
        ('success = "True"', {"success": True}, False),
        ("success = 1", {"success": True}, False),
        ('success != "true"', {"success": False}, True),
        ("connection != null", {"connection": {}}, True),
        ('connection = "x"', {"connection": {}}, False),
        ('connection like ""', {"connection": {}}, False),
    ],
)
def test_a_clause_is_true_or_false_of_an_event(text: str, event: dict[str, Any], expected: bool) -> None:
    assert true_of(text, event) is expected


@pytest.mark.parametrize(
    ("text", "event", "expected"),
    [
        # addresses
        ('connection.dst_addr = "10.1.2.3"', connect("::ffff:10.1.2.3"), True),
        ('connection.dst_addr = "::ffff:10.1.2.3"', connect("10.1.2.3"), True),
        ('connection.dst_addr = "0:0::1"', connect("::1"), True),
        ('connection.dst_addr != "::1"', connect("not an address"), True),
        ('connection.dst_addr = "0.0.0.0"', connect("203.0.113.10"), False),
        ('dst_ip = "::1"', connect("0:0:0:0:0:0:0:1"), True),
        ('connection.dst_addr starts_with "10."', connect("::ffff:10.1.2.3"), False),
        ('connection.dst_addr like "ffff"', connect("::ffff:10.1.2.3"), True),
        ('cwd = "::1"', {"cwd": "0:0::1"}, False),
        # CIDR blocks, host bits and mapped forms included
        ('connection.dst_addr = "10.1.2.3/8"', connect("10.200.0.1"), True),
        ('connection.dst_addr = "10.0.0.0/8"', connect("::ffff:10.9.9.9"), True),
        ('connection.dst_addr = "::ffff:10.0.0.0/104"', connect("10.9.9.9"), True),
        ('connection.dst_addr = "10.0.0.0/8"', connect("::a09:909"), False),
        ('connection.dst_addr = "2001:db8::/32"', connect("2001:db8::5"), True),
        ('connection.dst_addr != "10.0.0.0/8"', connect("/run/socket"), True),
        ('connection.dst_addr = "10.0.0.0/33"', connect("10.0.0.0"), False),
        ('connection.addr = "10.0.0.0/8"', connect(), True),
        ('connection.addr != "10.0.0.0/8"', connect(), False),
        ('connection.dst_addr starts_with "10.0.0.0/8"', connect("10.0.0.1"), False),
        # on keys that take none, both = and != are false
        ('dst_ip != "10.0.0.0/8"', connect(), False),
        ('dst_ip = "203.0.113.0/24"', connect(), False),
        ('src_ip = "10.0.0.0/8"', connect(), False),
        ('src_ip = "10.0.0.0/8" or src_ip != "10.0.0.0/8"', connect(), False),
        ('dst_ip != "10.0.0.0/8" and dst_ip != "127.0.0.0/8"', connect(), False),
        ('ip != "192.168.0.0/16"', connect(), False),
        ('arguments = "10.0.0.0/8"', {"arguments": "10.0.0.0/8"}, False),
        ('dst_ip = "10.0.0.0/8"', WINDOWS, True),
        ('srcIpv6 != "fd00::/8"', WINDOWS, False),
        ('src_ip = "192.168.0.0/16"', {"event_type": "host", "src_ip": "192.168.1.1"}, True),
        ('src_ip = "192.168.0.0/16"', {"src_ip": "192.168.1.1"}, True),
        ('src_ip = "192.168.0.0/16"', {"event_type": ["host"], "src_ip": "192.168.1.1"}, False),
    ],
)
def test_addresses_and_cidr_blocks(text: str, event: dict[str, Any], expected: bool) -> None:
    assert true_of(text, event) is expected


@pytest.mark.parametrize(
    ("text", "event", "expected"),
    [
        ('src_ip = "10.0.0.10"', connect(), True),
        ('dst_ip = "203.0.113.10"', connect(), True),
        ("src_port = 43512", connect(), True),
        ("dst_port = '80'", connect(), True),
        ('ip = "10.0.0.10"', connect(), True),
        ('ip = "203.0.113.10"', connect(), True),
        ('ip != "10.0.0.10"', connect(), False),
        ('ip != "10.0.0.11"', connect(), True),
        ('connection.addr = "10.0.0.10"', connect(), True),
        ("port = 43512", connect(), True),
        ("connection.port != 43512", connect(), False),
        ("connection.port = 80", {"connection": {"port": 80}}, True),
        ("ip = null", connect(connection={"protocol": "unix"}), True),
        ('ip = "198.51.100.9"', {"event_type": "cloudtrail", "ip": "198.51.100.9"}, True),
        ('src_ip = "192.0.2.1"', {"event_type": "login", "src_ip": "192.0.2.1"}, True),
        ('src_ip = "192.0.2.1"', connect(src_ip="192.0.2.1"), True),
        ('hostname = "web"', connect(hostname="web"), True),
        ('protocol = "tcp"', connect(), True),
        ('command = "curl"', connect(), True),
        ('command = "x"', {"command": "x", "exe": "/bin/y"}, True),
        ("command = null", {"exe": ["no text"]}, True),
        ('arguments = "curl dadismad.com"', connect(), True),
        ('args = "dadismad.com"', connect(), True),
        ("arguments = null", {}, True),
        ('agent = "ip-10-0-0-10.ec2.internal"', connect(), True),
        ('server = "ip-10-0-0-10.ec2.internal"', connect(), True),
        ('server = "web"', {"host_metadata": {"server_name": "web"}}, True),
        ('hostname starts_with "ip-10"', connect(), True),
        ("account_id = 123456789012", connect(), True),
        ('availability_zone = "us-east-1a"', connect(), True),
        ('cloud_provider = "aws"', connect(), True),
        ('public_ip_address = "198.51.100.7"', connect(), True),
        ('parent_metadata.exe = "/usr/bin/bash"', connect(), True),
        ('network_metadata.vpc_id like "vpc-"', connect(), True),
        ("parent_metadata.exe.x = null", connect(), True),
        ("connection.src._port = null", connect(), True),
    ],
)
def test_aliases_and_dotted_keys(text: str, event: dict[str, Any], expected: bool) -> None:
    assert true_of(text, event) is expected


def test_and_binds_tighter_than_or_and_parentheses_group() -> None:
    event = {"user": "root"}
    assert true_of('user = "root" or user = "chef" and tty != null', event)
    assert not true_of('(user = "root" or user = "chef") and tty != null', event)


def test_an_event_may_be_any_mapping() -> None:
    event = UserDict(connect()) | {"connection": UserDict(connect()["connection"])}
    assert rule_filter.compile(parse('connection.dst_addr = "203.0.113.10" and user = "ubuntu"'))(event) is True


def test_a_compiled_filter_keeps_no_state_between_events() -> None:
    predicate = rule_filter.compile(parse('connection.dst_addr != "10.0.0.0/8" and connection.dst_addr != "::1"'))
    addresses = ["10.0.0.1", "203.0.113.9", "10.0.0.1", "::1", "203.0.113.9"]
    assert [predicate(connect(address)) for address in addresses] == [False, True, False, False, True]
    assert predicate(connect(connection={"dst_addr": ["203.0.113.9", "10.0.0.1"]})) is False
    assert predicate(connect(connection={"dst_addr": 5})) is True


def test_filters_are_values_that_can_be_made_without_a_text() -> None:
    tree = And((Clause("port", "=", Number("080")), Clause("user", "!=", 'a "b"')))
    assert str(Filter(tree)) == "port = 080 and user != 'a \"b\"'"
    assert parse(str(tree)).tree == tree
    assert len({tree, parse(str(tree)).tree}) == 1


def test_a_string_with_both_kinds_of_quotes_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="both kinds of quote"):
        str(Clause("user", "=", "\"'"))
