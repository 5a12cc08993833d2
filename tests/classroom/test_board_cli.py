"""`labkit board` in a terminal, and the same in a cell."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from labkit import steps
from labkit.classroom.board import TOKEN_HEADER, TOKEN_VARIABLE
from labkit.classroom.board.proxy import class_board
from labkit.cli.main import main
from labkit.lab.lab import Lab
from labkit.services import sandbox_process
from labkit.services.environment import CLASS_FILE
from tests.wait import PATIENCE_SECONDS, until

ROOT = Path(__file__).parents[2]


def labkit(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def started(*words: str, **variables: str) -> subprocess.Popen[str]:
    """`labkit board` at work in a process of its own."""
    command = [sys.executable, "-m", "labkit", "board", *words]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", **variables}
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command, env=environment, cwd=ROOT, text=True, **pipes)


def asked(url: str, **headers: str) -> str:
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=PATIENCE_SECONDS) as reply:
        return str(reply.read().decode())


def printed(option: str) -> str:
    return subprocess.check_output([sys.executable, "-m", "labkit", "board", option], text=True, cwd=ROOT)


def test_once_prints_the_table_also_into_a_pipe(lab: Lab) -> None:
    lab._session.notes.save(student=7)
    list(steps.solve(lab._session, steps.named("2")))
    words = printed("--once")
    assert re.search(r"^7 +\? +✓ +✓ +✓ +\? +✓ +✓ +✓ +\? +○ +○ +○ +6 ", words, re.MULTILINE)
    assert "Your VPC" in words and "\x1b" not in words
    assert json.loads(printed("--json"))[0]["vpc"] == "done"
    assert next(csv.DictReader(io.StringIO(printed("--csv"))))["student"] == "7"
    assert "7 " in lab.board().text() and "Student" in lab.board()._repr_html_()


def test_names_are_beside_the_numbers_and_a_bad_file_is_reported(lab: Lab, tmp_path: Path) -> None:
    lab.solve("2")
    names = tmp_path / "names.csv"
    names.write_text("1,Ada\n", encoding="utf-8")
    assert re.search(r"^ *1 Ada\b", labkit("board", "--once", "--names", str(names)).output, re.MULTILINE)
    names.write_text("Ada\n", encoding="utf-8")
    refused = labkit("board", "--once", "--names", str(names))
    assert refused.exit_code == 1 and "Line 1 of names.csv" in refused.output and "Traceback" not in refused.output


def test_once_without_a_sandbox_says_how_to_start_it_and_starts_none(lab: Lab, lab_home: Path) -> None:
    sandbox_process.stop(lab_home)
    said = labkit("board", "--once")
    assert said.exit_code == 1 and "labkit sandbox start" in said.output
    assert sandbox_process.find(lab_home) is None
    sandbox_process.start(lab_home, parent=os.getpid())


def test_it_answers_only_on_this_machine_and_ctrl_c_ends_it_cleanly(lab: Lab) -> None:
    process = started("--no-browser")
    assert process.stdout is not None
    url = next(found[0] for line in process.stdout if (found := re.search(r"http://\S+", line)))
    port = int(url.split(":")[2].split("/")[0])
    with pytest.raises(OSError), socket.create_connection(("127.0.0.2", port), timeout=1):
        pass
    arguments = Path(f"/proc/{process.pid}/cmdline").read_text()
    assert url.partition("token=")[2] not in arguments
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert (said.strip().splitlines()[-1], process.returncode) == ("The board is closed.", 0)
    assert "Traceback" not in said


def test_the_browser_is_sent_there_by_a_private_file_and_not_by_an_argument(lab: Lab, lab_home: Path) -> None:
    note = lab_home / "opened-by-the-browser"
    process = started(BROWSER=f"{sys.executable} -c \"import sys; open('{note}', 'w').write(sys.argv[1])\" %s")
    file = lab_home / "open-board.html"
    until(note.exists)
    until(note.read_text)
    assert "token" not in note.read_text() and note.read_text().endswith("open-board.html")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert re.search(r'url=http://127.0.0.1:\d+/\?token=\S+"', file.read_text())
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE_SECONDS)
    assert not file.exists()


def test_a_port_in_use_is_reported(lab: Lab) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        said = labkit("board", "--no-browser", "--port", str(other.getsockname()[1]))
    assert said.exit_code == 1 and "Choose another port" in said.output


def test_the_launchers_board_takes_its_token_from_the_proxy_and_ends_when_the_proxy_is_gone(
    lab: Lab, tmp_path: Path
) -> None:
    entry = class_board()
    token = entry["environment"][TOKEN_VARIABLE]
    assert entry["request_headers_override"] == {TOKEN_HEADER: token}
    assert token not in " ".join(entry["command"]) and Path(entry["launcher_entry"]["icon_path"]).is_file()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [word.format(port=port) for word in entry["command"]]
    proxy = f"import subprocess, time; print(subprocess.Popen({command!r}).pid, flush=True); time.sleep(60)"
    environment = {**os.environ, TOKEN_VARIABLE: token}
    parent = subprocess.Popen([sys.executable, "-c", proxy], env=environment, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    until(lambda: _answers(port))
    with pytest.raises(urllib.error.HTTPError, match="403"):
        asked(f"http://127.0.0.1:{port}/")
    assert "Class board" in asked(f"http://127.0.0.1:{port}/", **{TOKEN_HEADER: token})
    parent.kill()
    parent.wait()
    until(lambda: not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2])
    assert token not in parent.stdout.read()


def test_a_student_who_has_joined_a_class_is_offered_no_board(lab: Lab, lab_home: Path) -> None:
    assert class_board()["launcher_entry"]["enabled"]
    place = {"LABKIT_AWS": "live", "LABKIT_DETECTION": "live", "LABKIT_DETECTION_URL": "http://127.0.0.1:9"}
    (lab_home / CLASS_FILE).write_text(json.dumps(place))
    try:
        said = labkit("board", "--once")
        assert not class_board()["launcher_entry"]["enabled"]
    finally:
        (lab_home / CLASS_FILE).unlink()
    assert said.exit_code == 1 and "Only the instructor" in said.output


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
