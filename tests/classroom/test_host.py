"""Part 3 in a class: each student's host is on their own machine, filtered by their own account at the class's sandbox,
through whatever happens to that sandbox, and told of to its detection service.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from labkit import steps
from labkit.classroom.host_process import host_folder
from labkit.lab.lab import Lab, open_lab
from labkit.model.network_acl import Entry
from labkit.model.student import account_of, rule_name
from labkit.range.program import program_command
from labkit.services import aws, sandbox_process
from labkit.services.host import Host
from labkit.steps.network import students_network_acl
from tests.classroom.fixtures import RunningClass, running_class
from tests.sandbox.host.test_host import CONNECT_UNTIL_DENIED
from tests.sandbox.lab.test_cli import labkit
from tests.sandbox.student import Student, a_student, users
from tests.wait import PATIENCE_SECONDS, until

pytestmark = pytest.mark.tier_1

CURL = ("curl", "-sS", "--connect-timeout", "1", "dadismad.com")
DADISMAD = "203.0.113.10"
DENY = Entry(1, True, "deny", "-1", f"{DADISMAD}/32")
ANSWERS, NO_ANSWER = 0, 28
BOARD_LINE = r"^{} .* 9 +\d\d:\d\d:\d\d$"


@pytest.fixture(scope="module")
def a_class(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningClass]:
    """A class over TLS. LABKIT_HOME is nobody's meanwhile."""
    with running_class(tmp_path_factory.mktemp("class"), 4, tls=True) as running:
        yield running


@dataclass
class Machine:
    """A student's machine, on which the class was joined."""

    home: Path
    number: int
    lab: Lab

    @property
    def host(self) -> Host:
        assert self.lab._session.backend.aws.host is not None
        return self.lab._session.backend.aws.host

    @property
    def ec2(self) -> Any:
        return self.lab._session.aws.ec2

    @property
    def acl(self) -> str:
        return students_network_acl(self.lab._session).id

    def curl(self) -> int:
        """The exit code of `curl dadismad.com` on the host."""
        return self.host.run(CURL).code

    def process(self) -> psutil.Process:
        """That of the host."""
        found = sandbox_process.find(host_folder(self.home))
        assert found is not None
        return psutil.Process(found.pid)


@contextmanager
def joined(a_class: RunningClass, home: Path, number: int) -> Iterator[Machine]:
    """A student's machine with the host in the VPC and the rule enabled; afterwards nothing of it is left."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABKIT_HOME", str(home))
        assert labkit("join", typed=a_class.keys(number).block).exit_code == 0
        machine = Machine(home, number, open_lab())
        list(steps.solve(machine.lab._session, steps.named("host_subnet")))
        list(steps.solve(machine.lab._session, steps.named("rule_enabled")))
        machine.host.status()
        yield machine
        list(steps.reset(machine.lab._session, steps.STEPS))
        assert labkit("join", "--leave").exit_code == 0
        until(lambda: not [one for one in psutil.process_iter(["cmdline"]) if str(home) in (one.info["cmdline"] or [])])


@pytest.fixture
def machine(a_class: RunningClass, tmp_path: Path) -> Iterator[Machine]:
    """The machine of student 3."""
    with joined(a_class, tmp_path / "home", 3) as one:
        yield one


def alerts_of(a_class: RunningClass, number: int) -> list[Any]:
    """The active alerts of a student's rule, oldest first."""
    found = [one for one in a_class.api(number).alerts("active") if one.title.startswith(rule_name(number))]
    return found[::-1]


# --- two students, whole ---


@pytest.fixture
def two(a_class: RunningClass) -> Iterator[list[Student]]:
    """Students 1 and 2, who have joined; where root runs the tests, another user of this machine each."""
    with a_student(users()[0]) as first, a_student(users()[-1]) as second:
        for number, student in enumerate((first, second), 1):
            (student.folder / "block").write_text(a_class.keys(number).block)
            student.does("join", str(student.folder / "block"))
        yield [first, second]


def solves_whole(student: Student) -> None:
    student.does("solve", "host_subnet")
    assert student.curl() == ANSWERS
    student.does("solve")
    assert student.does("status").splitlines()[-1] == "12 of 12 steps done."
    assert student.curl() == NO_ANSWER


def test_two_students_at_once_solve_the_whole_lab_on_their_own_hosts_and_the_board_shows_it(
    a_class: RunningClass, two: list[Student], monkeypatch: pytest.MonkeyPatch
) -> None:
    with ThreadPoolExecutor(2) as at_once:
        list(at_once.map(solves_whole, two))
    hosts = {one.id: one.name for one in a_class.api(1).agents("online")}
    for number in (1, 2):
        assert {hosts[one.agent_id] for one in alerts_of(a_class, number)} == {f"udf-host-{number}"}
    monkeypatch.setenv("LABKIT_HOME", str(a_class.home))
    board = labkit("board", "--once").output
    for number in (1, 2):
        assert re.search(BOARD_LINE.format(number), board, re.MULTILINE), board
    two[0].does("reset", "3", "--yes")
    assert [student.curl() for student in two] == [ANSWERS, NO_ANSWER]


# --- an entry exists: it is enforced ---


def test_an_entry_made_elsewhere_by_the_aws_cli_is_in_force_when_its_call_ends(
    a_class: RunningClass, machine: Machine
) -> None:
    keys, words = a_class.keys(3), ("--network-acl-id", machine.acl, "--egress", "--rule-number", "90")
    own = os.environ | keys.variables | {"AWS_CA_BUNDLE": a_class.certificate, "AWS_REGION": "us-east-1"}

    def aws_cli(verb: str, *more: str) -> None:
        command = [str(Path(sys.executable).with_name("aws")), "ec2", f"{verb}-network-acl-entry", *words, *more]
        ended = subprocess.run(command, env=own, check=False, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stderr

    assert machine.curl() == ANSWERS
    aws_cli("create", "--protocol", "-1", "--rule-action", "deny", "--cidr-block", DENY.cidr_block)
    assert machine.curl() == NO_ANSWER
    aws_cli("delete")
    assert machine.curl() == ANSWERS


def test_no_connection_that_begins_after_the_reply_gets_through(a_class: RunningClass, machine: Machine) -> None:
    command = program_command(machine.host.status().folder, [sys.executable, "-c", CONNECT_UNTIL_DENIED])
    for _ in range(3):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
            assert program.stdout is not None
            began = [float(program.stdout.readline()) for _ in range(5)]
            aws.create_entry(a_class.aws(3), machine.acl, DENY)  # another client, elsewhere
            replied = time.time()
            began += map(float, program.stdout)
        assert max(began) < replied
        aws.delete_entry(a_class.aws(3), machine.acl, DENY.rule_number, DENY.egress)


def test_one_students_entries_filter_no_other_students_host(
    a_class: RunningClass, machine: Machine, tmp_path: Path
) -> None:
    with joined(a_class, tmp_path / "another", 4) as another:
        aws.create_entry(another.ec2, another.acl, DENY)
        assert (another.curl(), machine.curl()) == (NO_ANSWER, ANSWERS)
        assert another.host.status().folder != machine.host.status().folder
        until(lambda: alerts_of(a_class, 4) and alerts_of(a_class, 3))
        hosts = {one.id: one.name for one in a_class.api(3).agents("online")}
        assert {hosts[one.agent_id] for one in alerts_of(a_class, 3)} == {"udf-host-3"}
        assert {hosts[one.agent_id] for one in alerts_of(a_class, 4)} == {"udf-host-4"}


def test_the_event_names_the_program_the_students_host_and_account(a_class: RunningClass, machine: Machine) -> None:
    machine.curl()

    def of_curl() -> list[Any]:
        """An alert may also hold what another test's program did just before."""
        events = [event for alert in alerts_of(a_class, 3) for event in a_class.api(3).alert_events(alert.id)]
        to_dadismad = [event for event in events if event["connection"]["dst_addr"] == DADISMAD]
        return [event for event in to_dadismad if event["arguments"] == shlex.join(CURL)]

    event = until(of_curl)[0]  # type: ignore[index]
    hosts = {one.name: one.id for one in a_class.api(3).agents("online")}
    assert event["agent_id"] == hosts["udf-host-3"]
    assert event["provider_metadata"]["account_id"] == account_of(3)


# --- the class's sandbox goes away and comes back ---


def test_during_an_outage_the_last_entries_stay_in_force_this_is_reported_and_everything_catches_up(
    a_class: RunningClass, machine: Machine
) -> None:
    aws.create_entry(machine.ec2, machine.acl, DENY)
    a_class.kill()
    try:
        until(lambda: machine.host.status().behind)
        assert machine.curl() == NO_ANSWER
        for address in ("198.51.100.7", "198.51.100.8", "198.51.100.9"):
            machine.host.run(("curl", "-sS", "--connect-timeout", "1", address))
        said = repr(machine.lab.host())
        assert "No answer from the class since" in said and "The last known entries filter the host." in said
        assert "connections of the host are waiting to be sent" in said
        assert "No answer from the class" in machine.lab._session.host_words
        assert "No answer from the class" in repr(machine.lab.run(CURL))
    finally:
        a_class.start()
    until(lambda: not machine.host.status().behind)
    assert "No answer from the class" not in repr(machine.lab.run(CURL))
    times = {dict(one.aggregates)["dst_ip"]: one.created_at for one in alerts_of(a_class, 3)}
    outage = [address for address in times if address.startswith("198.51.100.")]
    assert outage == ["198.51.100.7", "198.51.100.8", "198.51.100.9"]
    aws.delete_entry(machine.ec2, machine.acl, DENY.rule_number, DENY.egress)
    assert machine.curl() == ANSWERS


def test_a_host_killed_during_an_outage_restarts_with_the_last_entries(a_class: RunningClass, machine: Machine) -> None:
    aws.create_entry(machine.ec2, machine.acl, DENY)
    assert machine.curl() == NO_ANSWER
    a_class.kill()
    try:
        process = machine.process()
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE_SECONDS)
        assert machine.curl() == NO_ANSWER
        assert machine.host.status().network_acl_id
    finally:
        a_class.start()


# --- the process of the host ---


def test_the_host_ends_with_the_sandbox_that_is_stopped_and_with_the_class_that_is_left(
    a_class: RunningClass, machine: Machine
) -> None:
    assert f"Your host in the class runs (pid {machine.process().pid})" in labkit("sandbox", "status").output
    assert labkit("sandbox", "stop").output == "Your host was stopped. What you made in the class stays there.\n"
    assert sandbox_process.find(host_folder(machine.home)) is None
    assert machine.host.status().subnet_id
    assert labkit("join", "--leave").exit_code == 0
    assert not host_folder(machine.home).exists()
    assert labkit("join", typed=a_class.keys(3).block).exit_code == 0


def test_joining_as_another_student_ends_the_earlier_host(a_class: RunningClass, machine: Machine) -> None:
    before, process = machine.host.status(), machine.process()
    assert labkit("join", typed=a_class.keys(4).block).exit_code == 0
    assert process.status() == psutil.STATUS_ZOMBIE  # of this process, which started it
    session = open_lab()._session
    assert session.backend.aws.host is not None
    assert before.subnet_id and not session.backend.aws.host.status().subnet_id
    assert labkit("join", typed=a_class.keys(3).block).exit_code == 0


def test_no_key_is_in_an_argument_an_environment_or_the_log_of_the_host(
    a_class: RunningClass, machine: Machine
) -> None:
    keys = a_class.keys(3)
    secrets = (keys.api_key, keys.secret_access_key)
    machine.curl()
    process = machine.process()
    seen = [machine.host.run(("env",)).out, (host_folder(machine.home) / "sandbox.log").read_text()]
    for one in (process, *process.children(recursive=True)):
        seen += [" ".join(one.cmdline()), json.dumps(one.environ())]
    assert len(seen) >= 6
    assert not [text for text in seen for secret in secrets if secret in text]
    for path in host_folder(machine.home).rglob("*"):
        closed = path.name in ("login.json", "sandbox.json", "sandbox.log", "place.json") or path.is_dir()
        assert not closed or path.stat().st_mode & 0o077 == 0, path


def test_requests_of_a_host_do_not_count_as_its_student_being_seen(a_class: RunningClass, machine: Machine) -> None:
    def last_seen() -> int:
        (student,) = [one for one in a_class.sandbox.control("GET", "/_lab/class")["students"] if one["number"] == 3]
        return int(student["last_seen_ms"])

    before = last_seen()
    for _ in range(3):  # each is one more question
        a_class.api(3).host_location(None)
    assert last_seen() == before
