"""`labkit ready` as typed: it really runs the lab, its verdict is right, and the user's own files stay as they are."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from labkit.ready import checks, own_work, trial
from labkit.services import sandbox_process
from labkit.services.running_sandbox import Sandbox
from labkit.views.panels.readiness import Line
from tests.range.ranges import pids
from tests.sandbox.lab.test_cli import labkit
from tests.sandbox.student import Student, a_student, users
from tests.wait import PATIENCE_SECONDS, until


@pytest.fixture
def instructor(tmp_path: Path) -> Iterator[Student]:
    """Somebody with a folder of their own for temporary files."""
    with a_student(users()[-1]) as one:
        (one.folder / "tmp").mkdir()
        os.chown(one.folder / "tmp", one.user.pw_uid, one.user.pw_gid)
        one.more["TMPDIR"] = str(one.folder / "tmp")
        yield one


def running(instructor: Student) -> list[int]:
    """The processes that have a file of the trial in their arguments."""
    mark = f"{instructor.folder}/tmp/".encode()
    return pids(lambda pid: mark in Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" "))


def temporary(instructor: Student) -> list[str]:
    return os.listdir(instructor.folder / "tmp")


def files(folder: Path) -> dict[str, bytes]:
    """What is in a home, without empty files, which are locks."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.stat().st_size}


def test_every_check_passes_here_and_nothing_is_left_behind(instructor: Student) -> None:
    words = instructor.does("ready")

    assert re.search("✓ Sandbox: started in .* AWS and detection answered", words)
    assert "✓ Steps: all 12 done" in words
    assert "✓ AWS CLI: it lists 3 VPCs" in words
    assert re.search(r"[✓!] Range: tier [123] of 3", words)
    assert re.search("✓ JupyterLab: answered in .* a cell of a new kernel opened the lab", words)
    assert "✓ Your work: none yet" in words
    assert words.splitlines()[-1].startswith("Ready: this machine can run the demo.")
    assert "\x1b" not in words
    assert running(instructor) == [] and temporary(instructor) == []
    assert not instructor.home.exists()


def own_work_line(copy: Path) -> str:
    """The line about the student's own work, with a copy of the home there if its sandbox does not run."""
    started: Future[float] = Future()
    started.set_result(0.0)
    try:
        (line,) = own_work.lines(copy, started)
    finally:
        sandbox_process.stop(copy)
    return f"{line.state}: {line.found} ({line.looked_at}) {line.next_step}"


def test_half_done_work_is_reported_with_and_without_its_sandbox_and_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("LABKIT_HOME", str(home))
    assert labkit("solve", "network_acl_id").exit_code == 0
    found = "remark: 4 of 12 steps done, the last one is “The NetworkAclId”"
    served = own_work_line(tmp_path / "copy")
    assert served.startswith(f"{found} ({home}, served at http://127.0.0.1:")
    assert served.endswith("To start over: labkit reset")

    sandbox_process.stop(home)
    before = files(home)

    assert own_work_line(tmp_path / "copy").startswith(f"{found} (a copy of {home})")
    assert files(home) == before
    assert sandbox_process.find(home) is None


def test_a_damaged_journal_is_reported_by_ready_and_by_the_first_status_after_it(instructor: Student) -> None:
    instructor.does("solve", "vpc")
    instructor.does("sandbox", "stop")
    journal = instructor.home / "world" / "aws-journal.ndjson"
    journal.write_bytes(journal.read_bytes() + b"damaged\n")
    damaged = "A line of the sandbox's journal was damaged, and the changes to VPCs and network ACLs after it are lost"

    before = instructor.does("ready")
    assert f"! Your work: {damaged}" in before
    assert f"→ The next start keeps a copy of the journal in {journal.parent}." in before

    for command in (("status",), ("status",), ("ready",)):
        words = instructor.does(*command)
        assert damaged in words
        assert f"A copy is in {journal.with_suffix('.damaged-1')}; delete it" in words
    assert journal.with_suffix(".damaged-1").exists()


def test_files_that_cannot_be_read_make_it_not_ready(instructor: Student) -> None:
    instructor.does("solve", "student_number")
    instructor.does("sandbox", "stop")
    for part in ("detection.sqlite-wal", "detection.sqlite-shm"):
        (instructor.home / "world" / part).unlink(missing_ok=True)
    (instructor.home / "world" / "detection.sqlite").write_bytes(b"no database" * 500)

    ended = instructor.labkit("ready", "--json")
    report = json.loads(ended.stdout)
    lines = {line["title"]: line for line in report["lines"]}

    assert ended.returncode == 1 and report["ready"] is False and report["seconds"] > 0
    assert lines["Your work"]["state"] == "missing"
    assert lines["Your work"]["found"].startswith("The sandbox's files cannot be read.")
    assert f"Move {instructor.home}/world away" in lines["Your work"]["next_step"]
    assert lines["JupyterLab"]["state"] == "ready"  # the machine itself is fine
    (instructor.home / "world" / "detection.sqlite").unlink()


def test_a_sandbox_that_does_not_start_is_reported_once_and_what_needs_it_is_not_tried(
    instructor: Student,
) -> None:
    broken = instructor.folder / "broken"
    broken.mkdir(mode=0o755)
    (broken / "flask.py").write_text("raise ImportError('Flask is broken here')\n")
    instructor.more["PYTHONPATH"] = f"{broken}:{instructor.environment['PYTHONPATH']}"

    ended = instructor.labkit("ready")

    assert ended.returncode == 1
    assert "✕ Sandbox: The sandbox did not start. " in ended.stdout
    assert ended.stdout.count("Flask is broken here") == 1
    assert ended.stdout.count("Not tried: the sandbox did not start.") == 2


def test_with_live_aws_the_lab_is_still_tried_in_the_sandbox(instructor: Student) -> None:
    """The account is checked with its own keys, and nothing else is asked of it."""
    instructor.more |= {"LABKIT_AWS": "live", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}

    ended = instructor.labkit("ready")

    assert ended.returncode == 1
    assert "✕ AWS account: no AWS account is active" in ended.stdout
    assert "✓ Steps: all 12 done" in ended.stdout and "✓ JupyterLab" in ended.stdout


def test_ctrl_c_ends_everything_that_it_started(instructor: Student) -> None:
    command = instructor.command("env", "-C", str(instructor.folder), "-i", *instructor.assignments, "labkit", "ready")
    looking = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    until(lambda: len(running(instructor)) >= 2)

    os.killpg(looking.pid, signal.SIGINT)
    words = looking.communicate(timeout=PATIENCE_SECONDS)[0].decode()

    assert looking.returncode != 0
    assert running(instructor) == [] and temporary(instructor) == []
    assert "Ready:" not in words  # it does not finish the checks first


def test_a_sandbox_that_a_check_has_restarted_during_the_end_is_stopped_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    started: list[Sandbox] = []

    def restart(home: Path, begun: Future[float]) -> list[Line]:
        begun.result()
        until(lambda: sandbox_process.find(home) is None)
        started.append(sandbox_process.start(home)[0])
        return []

    monkeypatch.setattr(trial, "lab_lines", restart)
    with checks() as running_checks:
        running_checks[0].lines.result()
        until(lambda: any(sandbox_process.find(home) for home in tmp_path.glob("labkit-ready-*/lab")))
    assert [sandbox.alive() for sandbox in started] == [False]
    assert os.listdir(tmp_path) == []
