"""`labkit ready`, typed: the lab is really tried, the verdict is right, and nothing of one's own is touched."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from labkit.ready import looks
from labkit.ready.trial import TrialSandbox
from labkit.services import sandbox_process
from labkit.services.sandbox_process import Sandbox
from labkit.views.panels.readiness import Line
from tests.range.ranges import pids
from tests.sandbox.student import Student, a_student, users
from tests.wait import until


@pytest.fixture
def instructor(tmp_path: Path) -> Iterator[Student]:
    """Somebody whose temporary files can be told from all others'."""
    with a_student(users()[-1]) as one:
        (one.folder / "tmp").mkdir()
        os.chown(one.folder / "tmp", one.user.pw_uid, one.user.pw_gid)
        one.more["TMPDIR"] = str(one.folder / "tmp")
        yield one


def running(instructor: Student) -> list[int]:
    """What runs with a file of the instructor's trial."""
    mark = f"{instructor.folder}/tmp/".encode()
    return pids(lambda pid: mark in Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" "))


def tried(instructor: Student) -> list[str]:
    return os.listdir(instructor.folder / "tmp")


def files(folder: Path) -> dict[str, bytes]:
    """What is in a home, but for the empty files that locks are."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.stat().st_size}


def test_on_a_machine_that_carries_the_demo_every_trial_is_told_and_nothing_is_left(instructor: Student) -> None:
    words = instructor.does("ready")

    assert re.search("✓ Sandbox: started in .* AWS and detection answered", words)
    assert "✓ Steps: all 12 done" in words
    assert "✓ AWS CLI: it lists 3 VPCs" in words
    assert re.search(r"[✓!] Range: tier [123] of 3", words)
    assert re.search("✓ JupyterLab: answered in .* a cell of a new kernel opened the lab", words)
    assert "✓ Your world: none yet" in words
    assert words.splitlines()[-1].startswith("Ready: this machine carries the demo.")
    assert "\x1b" not in words
    assert running(instructor) == [] and tried(instructor) == []
    assert not instructor.home.exists()


def test_a_world_half_done_is_told_whether_its_sandbox_runs_or_not_and_is_not_touched(instructor: Student) -> None:
    instructor.does("solve", "network_acl_id")
    served = instructor.does("ready")
    assert "! Your world: 5 of 12 steps done, the last of them “The NetworkAclId”" in served
    assert "served at http://127.0.0.1:" in served and "labkit reset takes you back" in served

    instructor.does("sandbox", "stop")
    before = files(instructor.home)
    copied = instructor.does("ready")

    assert "! Your world: 5 of 12 steps done, the last of them “The NetworkAclId”" in copied
    assert "in a copy" in copied
    assert files(instructor.home) == before
    assert sandbox_process.find(instructor.home) is None


def test_a_world_that_cannot_be_read_makes_it_not_ready_and_says_which_file(instructor: Student) -> None:
    instructor.does("solve", "student_number")
    instructor.does("sandbox", "stop")
    for part in ("detection.sqlite-wal", "detection.sqlite-shm"):
        (instructor.home / "world" / part).unlink(missing_ok=True)
    (instructor.home / "world" / "detection.sqlite").write_bytes(b"no database" * 500)

    ended = instructor.labkit("ready")

    assert ended.returncode == 1
    assert "✕ Your world: It cannot be read. Its last words: " in ended.stdout
    assert f"→ Move {instructor.home}/world away" in ended.stdout
    assert "✓ JupyterLab" in ended.stdout  # the machine itself is fine
    assert ended.stdout.splitlines()[-1].startswith("Not ready. To mend first: Your world.")
    (instructor.home / "world" / "detection.sqlite").unlink()


def test_where_no_sandbox_starts_that_is_told_once_with_its_last_words_and_what_hangs_on_it_is_not_tried(
    instructor: Student,
) -> None:
    broken = instructor.folder / "broken"
    broken.mkdir(mode=0o755)
    (broken / "flask.py").write_text("raise ImportError('Flask is broken here')\n")
    instructor.more["PYTHONPATH"] = f"{broken}:{instructor.environment['PYTHONPATH']}"

    ended = instructor.labkit("ready")

    assert ended.returncode == 1
    assert "✕ Sandbox: The sandbox did not start. Its last words: ImportError: Flask is broken here" in ended.stdout
    assert ended.stdout.count("Flask is broken here") == 1
    assert ended.stdout.count("Not tried: the sandbox did not start.") == 2


def test_live_aws_is_not_asked_for_anything_by_the_trial(instructor: Student) -> None:
    """The account is looked at, with its own keys; the lab itself is tried in the sandbox all the same."""
    instructor.more |= {"LABKIT_AWS": "live", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}

    ended = instructor.labkit("ready")

    assert ended.returncode == 1
    assert "✕ AWS account: no AWS account is active" in ended.stdout
    assert "✓ Steps: all 12 done" in ended.stdout and "✓ JupyterLab" in ended.stdout


def test_interrupted_midway_it_takes_its_trials_with_it(instructor: Student) -> None:
    command = instructor.command("env", "-C", str(instructor.folder), "-i", *instructor.assignments, "labkit", "ready")
    looking = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    until(lambda: len(running(instructor)) >= 2, 30)

    os.killpg(looking.pid, signal.SIGINT)
    began = time.monotonic()
    looking.communicate(timeout=30)

    assert looking.returncode != 0
    assert running(instructor) == [] and tried(instructor) == []
    assert time.monotonic() - began < 15  # it does not look to the end first


def test_a_sandbox_that_a_look_has_started_again_while_it_was_ended_ends_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    started: list[Sandbox] = []

    def ended_and_started_again(trial: TrialSandbox, begun: Future[float]) -> list[Line]:
        begun.result()
        until(lambda: sandbox_process.find(trial.home) is None)
        started.append(sandbox_process.start(trial.home)[0])
        return []

    monkeypatch.setattr(TrialSandbox, "lab_lines", ended_and_started_again)
    with looks() as begun:
        begun[0].answer.result()
        until(lambda: any(sandbox_process.find(home) for home in tmp_path.glob("labkit-ready-*/lab")))
    assert [sandbox.alive() for sandbox in started] == [False]
    assert os.listdir(tmp_path) == []
