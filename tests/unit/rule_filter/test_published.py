"""The 35 published filters are parsed, printed back, and match the events that they were made for."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.model.rule_filter import Clause, parse, straighten
from labkit.model.rule_filter.tree import clauses
from tests.unit.rule_filter.events import LOCAL_LOG, connect, true_of
from tests.unit.rule_filter.published_filters import PUBLISHED, TYPOGRAPHIC, Published, published


def test_there_are_thirty_five_of_them() -> None:
    assert [one.number for one in PUBLISHED] == list(range(1, 36))


@pytest.mark.parametrize("one", PUBLISHED, ids=lambda one: f"{one.number}{one.use}")
def test_each_is_parsed_and_printed_as_an_equivalent_filter(one: Published) -> None:
    read = parse(one.text)
    assert parse(str(read)).tree == read.tree


def test_the_labs_filter_prints_exactly_as_it_was_published() -> None:
    assert str(parse(published(1))) == published(1)
    assert parse(published(1)).warnings == ()


@pytest.mark.parametrize("text", TYPOGRAPHIC)
def test_typographic_quotes_are_straightened_and_reported(text: str) -> None:
    assert isinstance(parse(text).tree, Clause)
    assert straighten(text).sentence.startswith("Read with straight quotes for ")


def test_a_line_break_in_a_filter_counts_as_a_space() -> None:
    read = parse(published(27))
    assert [clause.key for clause in clauses(read.tree)][5:] == ["arguments", "exe"]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("203.0.113.10", True),
        ("2001:db8::5", True),
        ("10.0.0.2", True),
        ("127.0.0.53", False),
        ("::ffff:127.0.0.1", False),
        ("::1", False),
        ("0:0:0:0:0:0:0:1", False),
        ("::", False),
        ("0.0.0.0", False),
        ("0.0.0.1", True),
        ("169.254.169.254", False),
    ],
)
def test_the_labs_filter_fires_on_connects_to_the_outside(address: str, expected: bool) -> None:
    assert true_of(published(1), connect(address)) is expected


def test_the_labs_filter_leaves_out_unix_sockets_and_other_system_calls() -> None:
    assert not true_of(published(1), connect(connection={"protocol": "unix"}))
    assert not true_of(published(1), connect(connection=None))
    assert not true_of(published(1), connect(syscall="accept"))


SUDO = connect(syscall="execve", type="start", exe="/usr/bin/sudo", args=["sudo", "ls"], connection=None)
CONTAINER = connect(syscall="execve", type="start", containerId="3f1b", connection=None)
PROBE = connect(user="root", exe="/sbin/sysctl", args=["/sbin/sysctl", "-n", "vm.swappiness"], connection=None)
PS = connect(
    pid=3081,
    user="root",
    agent_id="abcdef-1234-4va1-ad42-555bd87fa32a",
    exe="/bin/ps",
    event_time=1654270691800,
)
CHRONY = connect(
    user="root",
    tty=None,
    cwd="/usr/bin",
    session=4294967295,
    auid=4294967295,
    args=["ps", "-e", "-o", "pid,ppid,state,command"],
    exe="/usr/sbin/chronyd",
)


@pytest.mark.parametrize(
    ("number", "event", "expected"),
    [
        (2, SUDO, True),
        (2, SUDO | {"user": "root"}, False),
        (2, SUDO | {"tty": None}, False),
        (3, SUDO | {"exe": "/sbin/insmod", "args": ["insmod", "x.ko"]}, True),
        (3, SUDO | {"exe": "/sbin/insmod", "args": None}, False),
        (4, SUDO | {"args": ["cat", "/sys/kernel/uprobes"]}, True),
        (5, CONTAINER, True),
        (5, CONTAINER | {"tty": "tty1"}, False),
        (7, SUDO | {"exe": "/usr/bin/touch"}, True),
        (8, SUDO, True),
        (9, SUDO | {"user": "bob"}, True),
        (13, SUDO | {"cwd": "/opt/rapid7/agent"}, True),
        (13, SUDO, False),
        (14, PROBE, True),
        (14, PROBE | {"args": ["sysctl", "-n", "vm.swappiness"]}, True),
        (14, PROBE | {"args": ["sysctl", "-n", "kernel.pid_max"]}, False),
        (15, SUDO, True),
        (15, SUDO | {"user": "ts-user"}, False),
        (15, SUDO | {"user": None}, False),
        (17, LOCAL_LOG, True),
        (17, LOCAL_LOG | {"group": ["syslog", "login_failure"]}, True),
        (17, LOCAL_LOG | {"group": ["syslog"]}, False),
        (18, LOCAL_LOG, True),
        (18, LOCAL_LOG | {"sigid": 5903}, False),
        (20, LOCAL_LOG, False),
        (24, connect(event_type="threatintel"), True),
        (24, connect(), False),
        (25, connect(connection={"dst_port": 0, "src_port": 99}), True),
        (25, connect(), False),
        (26, connect("203.0.113.9", connection={"dst_addr": "203.0.113.9", "src_addr": "198.51.100.1"}), False),
        (26, connect("203.0.113.9"), True),  # the source is private, and either end counts
        (26, connect(connection={"dst_addr": "::ffff:172.20.0.1"}), True),
        (26, connect(connection={"dst_addr": "fd00::1"}), True),
        (27, CHRONY, True),
        (27, CHRONY | {"tty": "pts0"}, False),
        (28, PS, True),
        (28, PS | {"pid": 3082}, False),
        (31, LOCAL_LOG, True),
        (31, LOCAL_LOG | {"src_ip": "192.168.1.2"}, False),
        (32, connect(), True),
        (32, connect("192.168.1.1"), False),
        (33, connect(event_type="network", connection={"src_addr": "10.1.242.9"}), True),
        (34, connect(exe="/bin/exe"), True),
    ],
)
def test_published_filters_match_the_events_that_they_were_made_for(
    number: int, event: dict[str, Any], expected: bool
) -> None:
    assert true_of(published(number), event) is expected
