"""Whatever of the lab is killed, it goes on; and when the sandbox is stopped, nothing of it is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.range.paths import range_folder
from tests.range.ranges import is_dead, pids
from tests.sandbox.student import Student, a_student, users
from tests.wait import PATIENCE_SECONDS, until

pytestmark = pytest.mark.tier_1

KERNEL = """
from labkit import open_lab
lab = open_lab()
lab.responder(start=True)
print("at work", flush=True)
input()
"""
LONG = ("run", "--", "sh", "-c", "trap '' TERM HUP; setsid sleep 983 & exec sleep 983")


@pytest.fixture(scope="module")
def student() -> Iterator[Student]:
    """The whole lab is done: dadismad.com is denied."""
    with a_student(users()[-1]) as one:
        one.does("solve")
        yield one


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    until(lambda: is_dead(pid))


def kill_sandbox(student: Student) -> None:
    """All that hung on it ends with it."""
    kill(student.sandbox().pid)
    until(lambda: not student.processes())


def kill_kernel(student: Student) -> None:
    """A kernel in which a responder was at work."""
    command = student.command("env", "-i", *student.assignments, sys.executable, "-c", KERNEL)
    kernel = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert kernel.stdout is not None
    assert kernel.stdout.readline() == "at work\n"
    kernel.kill()
    kernel.communicate()


def kill_responder(student: Student) -> None:
    with student.responding() as responder:
        responder.process.kill()


KILLED = {
    "the range's keeper": lambda student: kill(student.keeper_and_holder()[0]),
    "the host's holder": lambda student: kill(student.keeper_and_holder()[1]),
    "the sandbox": kill_sandbox,
    "a kernel": kill_kernel,
    "a responder": kill_responder,
}


@pytest.mark.parametrize("what", KILLED)
def test_the_lab_goes_on_after_a_kill_of(student: Student, what: str) -> None:
    KILLED[what](student)

    assert student.curl() == 28
    assert student.does("status").splitlines()[-1] == "12 of 12 steps done."
    student.does("respond", "--cleanup")
    assert student.curl() == 0
    student.does("respond", "--once")
    assert student.denied() == ["203.0.113.10/32"]


def links() -> set[str]:
    return set(os.listdir("/sys/class/net"))


def test_after_a_stop_no_process_mount_link_or_file_of_the_range_is_left(student: Student) -> None:
    before, range_files = links(), range_folder(student.home)
    terminal = subprocess.Popen(student.command("env", "-i", *student.assignments, "labkit", *LONG))
    until(lambda: len(sleeping()) >= 2)
    assert range_files.exists()

    student.does("sandbox", "stop")

    terminal.wait(PATIENCE_SECONDS)
    until(lambda: student.processes() == [])
    assert sleeping() == []
    assert not range_files.exists()
    assert not (student.home / "sandbox.json").exists()
    assert str(student.folder) not in Path("/proc/self/mountinfo").read_text()
    assert links() == before
    assert student.curl() == 28  # and it comes back as it was


def sleeping() -> list[int]:
    """The programs that nobody told to end."""
    return pids(lambda pid: Path(f"/proc/{pid}/cmdline").read_bytes() == b"sleep\x00983\x00")


def test_no_key_is_in_the_environment_or_the_arguments_of_any_process_or_in_the_ranges_files(student: Student) -> None:
    sandbox = student.sandbox()
    keys = sandbox.credentials()
    secrets = [keys["aws"]["secret_access_key"], keys["detection"]["api_key"], sandbox.token]
    with student.responding():
        seen = {pid: told_by(pid) for pid in student.processes()}
        inside = student.does("run", "--", "env")
    files = b"".join(path.read_bytes() for path in range_folder(student.home).iterdir() if path.is_file())

    assert {sandbox.pid, *student.keeper_and_holder()} < set(seen)
    assert "LABKIT_RANGE=" in inside
    for secret in secrets:
        assert not [pid for pid, told in seen.items() if secret.encode() in told]
        assert secret not in inside
        assert secret.encode() not in files


def told_by(pid: int) -> bytes:
    return b"".join(Path(f"/proc/{pid}/{name}").read_bytes() for name in ("environ", "cmdline"))
