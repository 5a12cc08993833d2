"""Terminals and disks that are not as usual."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from labkit.files import LONGEST_HOME, disk_errors
from labkit.model.errors import LabError


def _run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command, environment = [sys.executable, "-m", "labkit", *words], {**os.environ, **variables}
    return subprocess.run(command, capture_output=True, text=True, encoding="latin-1", env=environment, timeout=120)


@pytest.mark.parametrize("words", [("--help",), ("status",), ("solve", "nonsense")])
def test_a_terminal_in_latin_1_gets_words_and_no_trace(lab_home: Path, words: tuple[str, ...]) -> None:
    ran = _run(*words, PYTHONIOENCODING="latin-1")
    assert "Traceback" not in ran.stderr and "lab" in ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("words", "exit_code", "says"),
    [
        ("status vpc >&-", 0, ""),
        ("status vpc <&- >&- 2>&-", 0, ""),
        ("reset --yes <&-", 0, "no longer in your notes"),
        ("status vpc >/dev/full", 1, "The disk is full"),
        ("status vpc | head -1", 0, ""),
        ("lab --no-browser --port 99999", 2, "not in the range"),
        ("lab --no-browser --host nonsense.invalid --port 9000", 1, "cannot answer on nonsense.invalid"),
    ],
)
def test_a_command_whose_streams_or_port_are_odd_ends_without_a_trace(
    lab_home: Path, words: str, exit_code: int, says: str
) -> None:
    ran = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m labkit {words}"], capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == exit_code and "Traceback" not in ran.stderr and says in ran.stderr + ran.stdout, ran


def test_a_port_that_is_taken_is_reported_before_jupyterlab_is_loaded(lab_home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = _run("lab", "--no-browser", "--port", str(port))
    assert ran.returncode == 1 and f"Port {port} is in use." in ran.stderr


@pytest.mark.parametrize("name", ["LABKIT_DETECTION_URL", "AWS_ENDPOINT_URL"])
@pytest.mark.parametrize("url", ["nonsense", "127.0.0.1:8080", "ftp://127.0.0.1", "http://", "http://127.0.0.1:99999"])
def test_an_address_that_is_no_url_is_called_that(lab_home: Path, name: str, url: str) -> None:
    login = dict.fromkeys(("TS_USER_ID", "TS_ORGANIZATION_ID", "TS_API_KEY"), "x")
    keys = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "x" * 40}
    live = {"LABKIT_AWS": "live", **keys} if name.startswith("AWS") else login
    words = ("status", "host_ready") if name.startswith("LABKIT") else ("solve", "aws_account", "--yes")
    ran = _run(*words, LABKIT_STUDENT="7", **live, **{name: url})
    assert "is no URL" in (ran.stdout.encode("latin-1") + ran.stderr.encode("latin-1")).decode(), ran


def test_a_home_that_is_no_folder_is_not_called_damaged_keys_of_a_class(tmp_path: Path) -> None:
    (tmp_path / "file").touch(0o600)
    ran = _run("status", LABKIT_HOME=str(tmp_path / "file"))
    assert "cannot be used" in ran.stderr and "Not a directory" in ran.stderr and "class" not in ran.stderr


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({}, "does not find your home folder"),
        ({"LABKIT_HOME": "~nobody-of-this-name/lab"}, "does not find your home folder"),
        ({"LABKIT_HOME": "{home}"}, "student_number"),
        ({"LABKIT_HOME": "{home}", "LABKIT_AWS": "live"}, "student_number"),
    ],
)
def test_a_user_whom_the_system_does_not_know_needs_a_home_of_the_lab_alone(
    lab_home: Path, variables: dict[str, str], says: str
) -> None:
    unknown = "import pwd; pwd.getpwuid = {}.__getitem__; from labkit.cli.main import main; main()"
    kept = {name: value for name, value in os.environ.items() if name not in ("HOME", "USER", "LABKIT_HOME")}
    kept |= {name: value.format(home=lab_home) for name, value in variables.items()}
    command = [sys.executable, "-c", unknown, "status", "student_number"]
    ran = subprocess.run(command, capture_output=True, text=True, env=kept, timeout=120, check=False)
    assert says in ran.stdout + ran.stderr and "Traceback" not in ran.stderr, ran


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1", "utf-8-sig"])
def test_a_block_in_any_encoding_is_read(lab_home: Path, tmp_path: Path, encoding: str) -> None:
    (tmp_path / "block").write_bytes("# é\nLABKIT_STUDENT=7\n".encode(encoding))
    ran = _run("join", str(tmp_path / "block"))
    assert ran.stderr.startswith("labkit: The block lacks AWS_ENDPOINT_URL")


def test_a_full_disk_is_called_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="The disk is full"), disk_errors(tmp_path):
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("solve rule", {"rule", "rule_criteria", "rule_enabled", "rule_id"}),
        ("reset 3", {"3"}),
        ("handout 2 0", {"0"}),
        ("lab --chapter 4", {"4"}),
    ],
)
def test_a_shell_completes_steps_and_chapters(lab_home: Path, typed: str, offered: set[str]) -> None:
    words = {"COMP_WORDS": f"labkit {typed}", "COMP_CWORD": str(len(typed.split()))}
    program = Path(sys.executable).with_name("labkit")
    variables = {**os.environ, **words, "_LABKIT_COMPLETE": "bash_complete"}
    ran = subprocess.run([program], capture_output=True, text=True, env=variables, check=False)
    assert {line.removeprefix("plain,") for line in ran.stdout.split()} == offered


@pytest.mark.parametrize("call", ["import labkit.cli.main", "from labkit import open_lab"])
def test_on_windows_the_lab_says_to_use_wsl(call: str) -> None:
    as_on_windows = "import sys; sys.platform = 'win32'; sys.modules.update(fcntl=None, termios=None, pwd=None); "
    ran = subprocess.run([sys.executable, "-c", as_on_windows + call], capture_output=True, text=True, check=False)
    assert ran.returncode == 1 and "Use WSL: run `wsl --install`" in ran.stderr
    assert "Traceback" not in ran.stderr or "open_lab" in call


def _apart(home: Path, script: str, *flags: str) -> str:
    """What this script of labkit's commands says in namespaces of its own, as in a container."""
    labkit = f'labkit() {{ {sys.executable} -m labkit "$@" 2>&1; }}; {script}'
    environment = {**os.environ, "LABKIT_HOME": str(home)}
    command = ["unshare", "--map-root-user", *flags, "sh", "-c", labkit]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300).stdout


@pytest.mark.tier_1
@pytest.mark.parametrize("kilobytes", [8, 100])
def test_a_sandbox_that_finds_the_disk_full_says_so(tmp_path: Path, kilobytes: int) -> None:
    mount = f"mount -t tmpfs -o size={kilobytes}k,mode=700 lab {tmp_path}"
    said = _apart(tmp_path, f"{mount} && labkit sandbox start", "-m")
    assert "The disk is full." in said and "damaged" not in said


@pytest.mark.tier_1
def test_a_disk_that_fills_up_is_reported_by_status_and_once_it_has_room_the_host_starts(tmp_path: Path) -> None:
    script = f"""mount -t tmpfs -o size=4m,mode=700 lab {tmp_path}; labkit solve rule_id --student 7 --yes
        cat /dev/zero > {tmp_path}/fill; labkit status; rm {tmp_path}/fill
        until labkit status | grep "^Range tier"; do :; done; labkit sandbox stop"""
    said = _apart(tmp_path, script, "-m")
    assert "Host: not up. The disk is full." in said and "internal error" not in said
    assert "did not answer" not in said and "Range tier" in said


@pytest.mark.tier_1
def test_where_a_full_disk_lets_no_alert_be_raised_that_is_given_as_the_reason(tmp_path: Path) -> None:
    script = f"""mount -t tmpfs -o size=6m,mode=700 lab {tmp_path}; export LABKIT_STUDENT=7
        labkit solve host_subnet --yes; labkit solve rule_id --yes; cat /dev/zero > {tmp_path}/fill
        labkit run -- curl dadismad.com; labkit status -v; labkit sandbox stop"""
    said = _apart(tmp_path, script, "-m")
    assert "Found: none: The disk is full." in said and "internal error" not in said, said


@pytest.mark.tier_1
def test_a_clock_that_is_set_while_the_sandbox_runs_does_not_end_it(tmp_path: Path) -> None:
    """Linux computes the time of the boot, and so a process's start time, from the clock."""
    script = f"""labkit sandbox start; sed 's/^btime .*/btime 1000000000/' /proc/stat > {tmp_path}/stat
        mount --bind {tmp_path}/stat /proc/stat; labkit sandbox start; labkit sandbox stop"""
    said = _apart(tmp_path / "home", script, "-m")
    assert "is replaced" not in said and "already running" in said, said


@pytest.mark.tier_1
def test_a_computer_whose_loopback_is_down_is_reported_at_once(tmp_path: Path) -> None:
    said = _apart(tmp_path, "labkit sandbox start; labkit solve vpc --yes", "-n")
    assert said.count("This computer cannot connect to itself") == 2 and "sudo ip link set lo up" in said


def test_the_path_of_the_labs_folder_may_be_long_but_not_longer_than_a_database_allows(tmp_path: Path) -> None:
    for size in (LONGEST_HOME, LONGEST_HOME + 1):
        parents = "/d" * ((size - len(str(tmp_path)) - 100) // 2)
        home = f"{tmp_path}{parents}/".ljust(size, "d")
        ran = _run("sandbox", "start", LABKIT_HOME=home)
        assert ("is too long: 451 bytes" in ran.stderr) == (size > LONGEST_HOME), ran
        _run("sandbox", "stop", LABKIT_HOME=home)
