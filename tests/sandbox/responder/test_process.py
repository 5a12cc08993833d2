"""`labkit respond` in a terminal, over the real engine and the real range, whatever happens to it or around it."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from labkit.model.network_acl import ENTRY_QUOTA
from tests.sandbox.student import Student, a_student, users
from tests.wait import PATIENCE_SECONDS, until

pytestmark = pytest.mark.tier_1

DADISMAD, EXAMPLE = "203.0.113.10/32", "198.51.100.7/32"
MOST = ENTRY_QUOTA - 2
"""Of the responder's own, beside AWS's entries 100 and `*`."""

TIES = 5
"""Alerts of the same millisecond at most: of those, any may be kept."""

NUMBER = 300
BURST = f"""
import socket
for n in range({NUMBER}):
    with socket.socket() as one:
        one.setblocking(False)
        one.connect_ex((f"203.0.113.{{n + 1}}" if n < 250 else f"198.51.100.{{n - 249}}", 80))
"""
ADDRESS = re.compile(r"(?:203\.0\.113|198\.51\.100)\.\d+")


@pytest.fixture(scope="module")
def a_lab() -> Iterator[Student]:
    """Part 2 is done and the host in its place."""
    with a_student(users()[0]) as one:
        one.does("solve", "2")
        one.does("solve", "host_subnet")
        yield one


@pytest.fixture
def student(a_lab: Student) -> Iterator[Student]:
    """Without an alert or an entry of the responder's."""
    yield a_lab
    a_lab.does("reset", "first_alert", "--yes")
    assert a_lab.denied() == []


def connect(student: Student, where: str) -> None:
    """Let a program of the host ask for a connection; whether it gets one does not matter."""
    student.labkit("run", "--", "curl", "-sS", "--connect-timeout", "1", where)


def test_options_say_do_and_undo_what_they_are_for(student: Student) -> None:
    assert student.curl() == 0
    assert "Would add entry 1: deny all to 203.0.113.10/32.\n" in student.does("respond", "--dry-run")
    assert student.curl() == 0
    assert "Added entry 1" in student.does("respond", "--once")
    assert student.curl() == 28
    assert "Would remove entry 1" in student.does("respond", "--cleanup", "--dry-run")
    assert student.denied() == [DADISMAD]
    student.does("respond", "--cleanup")
    assert student.curl() == 0


def test_started_twice_each_address_is_denied_once_and_control_c_ends_either_at_once(student: Student) -> None:
    with student.responding("--interval", "600") as one, student.responding("--interval", "600") as other:
        connect(student, "dadismad.com")
        connect(student, "example.com")
        until(lambda: len(student.denied()) >= 2)
        for terminal in (one, other):
            terminal.type("\x03")
            terminal.wait_for("The responder was stopped")
            assert terminal.process.wait(PATIENCE_SECONDS) == 0
    assert sorted(student.denied()) == [EXAMPLE, DADISMAD]


def test_an_address_whose_alert_was_dismissed_is_not_denied_again_with_the_next_one(student: Student) -> None:
    with student.responding("--interval", "600") as responder:
        connect(student, "dadismad.com")
        until(student.denied)
        student.does("reset", "first_alert", "--yes")
        connect(student, "example.com")
        responder.wait_for("Added entry .: deny all to 198.51.100.7/32")
        connect(student, "mirror.example.net")
        responder.wait_for("Added entry .: deny all to 198.51.100.80/32")
    assert sorted(student.denied()) == [EXAMPLE, "198.51.100.80/32"]


def test_a_burst_of_300_destinations_is_met_with_18_entries_of_the_newest_and_every_other_is_reported(
    student: Student,
) -> None:
    told: set[str] = set()
    with student.responding() as responder:
        student.does("run", "--", sys.executable, "-c", BURST)
        while len(told) < NUMBER:
            told |= set(ADDRESS.findall(responder.wait_for(r"\n")))
            denied = student.denied() if len(told) % 10 == 0 else []
            assert len(denied) == len(set(denied)) <= MOST
        newest = {f"198.51.100.{n}/32" for n in range(51 - MOST - TIES, 51)}
        until(lambda: len(set(student.denied()) & newest) == MOST)
        assert responder.process.poll() is None
    others = [entry for entry in student.network_acl().egress if entry.rule_number > 99]
    assert [str(entry) for entry in others] == ["egress 100: allow all to 0.0.0.0/0", "egress *: deny all to 0.0.0.0/0"]


@pytest.fixture
def any_connection(student: Student) -> Iterator[None]:
    """The rule watches every connection, the loopback address and link-local ones too."""
    before = student.rule()
    student.detection.update_rule(replace(before, filter='event_type = "audit" and syscall = "connect"'))
    yield
    student.detection.update_rule(before)


@pytest.mark.usefixtures("any_connection")
def test_its_own_endpoint_the_resolver_and_the_metadata_address_are_never_denied(student: Student) -> None:
    safe = {"127.0.0.1": student.sandbox().url, "10.0.0.2": "", "169.254.169.254": "", "10.0.1.10": ""}
    said = ""
    with student.responding() as responder:
        for address, url in safe.items():
            connect(student, url or f"http://{address}")
        connect(student, "dadismad.com")
        while not all(f"{address} is not denied" in said for address in safe):
            said += responder.wait_for(r"\n")
        until(student.denied)
    assert student.denied() == [DADISMAD]


def test_a_sandbox_killed_and_started_again_under_it_costs_it_nothing(student: Student) -> None:
    connect(student, "dadismad.com")
    with student.responding("--interval", "1") as responder:
        until(student.denied)
        os.kill(student.sandbox().pid, signal.SIGKILL)
        responder.wait_for("Trying again")
        student.does("sandbox", "start")
        connect(student, "example.com")
        until(lambda: sorted(student.denied()) == [EXAMPLE, DADISMAD])
        responder.wait_for("answers again")
        assert responder.process.poll() is None
    assert student.curl() == 28


def test_killed_and_started_again_it_makes_good_what_came_meanwhile(student: Student) -> None:
    connect(student, "dadismad.com")
    with student.responding() as responder:
        until(student.denied)
        responder.process.kill()
        responder.process.wait()
    assert student.curl() == 28
    connect(student, "example.com")
    with student.responding():
        until(lambda: sorted(student.denied()) == [EXAMPLE, DADISMAD])


def test_a_network_acl_deleted_under_it_ends_it_in_words(student: Student) -> None:
    connect(student, "dadismad.com")
    with student.responding("--interval", "0.5") as responder:
        until(student.denied)
        student.does("reset", "vpc", "--yes")
        try:
            responder.wait_for(r"The responder has ended\. The network ACL acl-\w+ does not exist")
            assert responder.process.wait(PATIENCE_SECONDS) == 1
        finally:
            student.does("solve", "host_subnet")
