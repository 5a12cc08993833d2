"""The sandbox as a process: one per home, found by all, behind its token, its world intact however it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import requests

from labkit.model.errors import LabError
from labkit.sandbox import server
from labkit.sandbox.server import serve_until_stopped
from labkit.services import sandbox_process
from labkit.services.running_sandbox import Sandbox
from tests.wait import PATIENCE_SECONDS, until


@pytest.fixture
def home(tmp_path: Path):
    yield tmp_path / "home"
    sandbox_process.stop(tmp_path / "home")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory):
    """A home whose sandbox runs for all the tests that only look."""
    home = tmp_path_factory.mktemp("running") / "home"
    sandbox_process.start(home, parent=os.getpid())
    yield home
    sandbox_process.stop(home)


def start(home: Path) -> Sandbox:
    return sandbox_process.start(home, parent=os.getpid())[0]


def test_many_kernels_at_once_start_one_sandbox(home: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from labkit.services import sandbox_process as s; "
        f"found, started = s.start(Path(sys.argv[1]), {os.getpid()}); print(found.pid, started)"
    )
    command = [sys.executable, "-c", program, str(home)]
    with ThreadPoolExecutor(4) as pool:
        lines = list(pool.map(lambda _: subprocess.check_output(command, text=True).split(), range(4)))
    assert len({pid for pid, _ in lines}) == 1
    assert sorted(started for _, started in lines) == ["False", "False", "False", "True"]


def test_it_binds_to_the_loopback_address_alone_and_its_files_are_private(running: Path) -> None:
    sandbox = start(running)
    listening = [one.laddr for one in psutil.Process(sandbox.pid).net_connections() if one.status == psutil.CONN_LISTEN]
    assert [address.ip for address in listening] == ["127.0.0.1"]
    for path in running.rglob("*"):
        if path.is_dir() or path.name == "sandbox.lock":
            continue
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE(running.stat().st_mode) == 0o700


def test_the_callers_aws_profile_and_files_do_not_matter(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text("damaged [")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "does-not-exist")
    sandbox = start(home)
    until(lambda: (sandbox.health() or {})["warm"])


def test_what_python_keeps_of_the_modules_is_not_kept_from_other_users(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installation may be shared: who runs the lab first must not lock the others out of its packages."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path / "kept"))
    start(home)
    folders = [path for path in (tmp_path / "kept").rglob("*") if path.is_dir()]
    assert folders
    assert {stat.S_IMODE(path.stat().st_mode) & 0o055 for path in folders} == {0o055}


def test_after_sigkill_the_next_start_answers_at_the_same_address(home: Path) -> None:
    first = start(home)
    keys = first.credentials()
    os.kill(first.pid, signal.SIGKILL)
    second = start(home)
    assert second.pid != first.pid
    assert second.url == first.url
    assert second.credentials() == keys


def test_a_stale_or_damaged_state_file_is_not_a_sandbox_and_does_not_prevent_a_start(home: Path) -> None:
    home.mkdir(mode=0o700)
    reused_pid = {"pid": os.getpid(), "identity": 1, "url": "http://127.0.0.1:9", "token": "x", "moto": "0"}
    too_large = '{"pid": 1e99, "identity": 1, "url": 1, "token": 1}'
    for text in ("", "{", "[]", "null", '{"pid": 1}', '{"pid": "x"}', '{"url": 5}', too_large, json.dumps(reused_pid)):
        (home / "sandbox.json").write_text(text)
        assert sandbox_process.find(home) is None
    assert start(home).health() is not None


@pytest.mark.parametrize("damage", [Path.unlink, lambda state: state.write_bytes(b"\xee\xff")])
def test_a_start_replaces_a_running_sandbox_whose_state_file_was_lost(
    home: Path, damage: Callable[[Path], object]
) -> None:
    first = start(home)
    keys = first.credentials()
    damage(home / "sandbox.json")
    second = start(home)
    assert not first.alive()
    assert second.credentials() == keys
    damage(home / "sandbox.json")
    assert sandbox_process.stop(home) is True
    assert not second.alive()


def test_a_sandbox_that_hangs_is_replaced_after_a_word(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    first = start(home)
    os.kill(first.pid, signal.SIGSTOP)
    second = start(home)
    assert second.pid != first.pid and second.alive() and not first.alive()
    told = capfd.readouterr().err
    assert f"The sandbox (pid {first.pid}) does not answer" in told
    assert "is replaced; its data is kept" in told


@pytest.mark.parametrize(
    "kept", [b"[]", b"{", b'{"student": {"access_key_id": 1, "secret_access_key": 2}}', b'{"student": 1}', b"\xee\xff"]
)
def test_damaged_keys_end_the_start_with_advice_and_leave_no_process(home: Path, kept: bytes) -> None:
    (home / "world").mkdir(parents=True, mode=0o700)
    (home / "world" / "aws-keys.json").write_bytes(kept)
    with pytest.raises(LabError, match=r"aws-keys\.json cannot be read.*move .*world away"):
        start(home)
    assert not [one for one in psutil.process_iter(["cmdline"]) if str(home) in (one.info["cmdline"] or [])]


def test_a_damaged_journal_is_reported_where_people_look_until_its_copy_is_deleted(home: Path) -> None:
    journal = home / "world" / "aws-journal.ndjson"
    start(home)
    until(lambda: (find_health(home) or {})["warm"])
    sandbox_process.stop(home)
    with journal.open("a") as file:
        file.write("damaged\n")
    for _ in range(2):
        start(home)
        until(lambda: (find_health(home) or {})["warm"])
        assert "A line of the sandbox's journal was damaged" in find_health(home)["notice"]
        sandbox_process.stop(home)
    (copy,) = journal.parent.glob("aws-journal.damaged*")
    assert copy.read_text().endswith("damaged\n")
    copy.unlink()
    start(home)
    assert find_health(home)["notice"] == ""


def find_health(home: Path) -> Any:
    found = sandbox_process.find(home)
    assert found is not None
    return found.health()


def test_a_port_in_use_does_not_prevent_a_start(home: Path) -> None:
    first = start(home)
    sandbox_process.stop(home)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", int(first.url.rsplit(":", 1)[1])))
        taken.listen()
        (home / "sandbox.json").write_text(json.dumps({"url": first.url}))
        assert start(home).url != first.url


def test_a_home_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for call in (sandbox_process.start, sandbox_process.stop):
        with pytest.raises(LabError, match="LABKIT_HOME"):
            call(tmp_path / "file" / "home")
    assert sandbox_process.find(tmp_path / "file") is None


def test_a_home_named_from_the_current_folder_is_the_same_one_for_the_sandbox(tmp_path: Path) -> None:
    environment = {**os.environ, "LABKIT_HOME": "some/home"}
    command = [sys.executable, "-m", "labkit", "sandbox"]
    ran = subprocess.run([*command, "start"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert sandbox_process.stop(tmp_path / "some" / "home") is True
    assert ran.returncode == 0, ran.stderr


def test_stop_ends_that_process_and_a_second_stop_finds_none(home: Path) -> None:
    sandbox = start(home)
    assert sandbox_process.stop(home) is True
    assert not sandbox.alive()
    assert sandbox_process.stop(home) is False
    assert not (home / "sandbox.json").exists()


def test_one_that_has_to_be_killed_is_not_revived(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = start(home)
    monkeypatch.setattr(sandbox_process, "STOP_TIMEOUT_SECONDS", 0.1)
    os.kill(sandbox.pid, signal.SIGSTOP)
    assert sandbox_process.stop(home) is True
    monkeypatch.undo()
    until(lambda: not sandbox.alive())
    sandbox_process.revive(home, os.getpid())
    assert sandbox_process.find(home) is None


def test_it_can_be_stopped_from_its_first_answer_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """What answers sees that a signal ends the process in order."""
    handlers: dict[int, object] = {}
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    seen = []

    class Answers:
        def serve_forever(self) -> None:
            seen.append(set(handlers))

        def shutdown(self) -> None:
            """It has nothing to end."""

    served = SimpleNamespace(load=lambda: None, tick=lambda: None)
    ended = subprocess.Popen(["true"])
    ended.wait()
    serve_until_stopped([Answers()], served, ended.pid)
    assert seen == [{signal.SIGTERM, signal.SIGINT}]


def test_an_error_in_its_once_a_second_check_does_not_keep_it_from_ending_with_its_parent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    parent = subprocess.Popen(["cat"], stdin=subprocess.PIPE)

    def tick() -> None:
        assert parent.stdin is not None
        parent.stdin.close()
        parent.wait()
        raise OSError("No space left on device")

    serve_until_stopped([], SimpleNamespace(load=lambda: None, tick=tick), parent.pid, stops_when_idle=False)


def test_another_process_stops_it_at_once_though_the_kernel_that_started_it_lives_on(home: Path) -> None:
    sandbox = start(home)
    command = [sys.executable, "-m", "labkit", "sandbox", "stop"]
    environment = {**os.environ, "LABKIT_HOME": str(home)}
    ran = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=sandbox_process.STOP_TIMEOUT_SECONDS / 2
    )
    assert ran.stdout == "The sandbox was stopped.\n"
    assert not sandbox.alive()


def test_it_ends_with_the_process_that_it_was_started_for(home: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    sandbox, _ = sandbox_process.start(home, parent=parent.pid)
    parent.kill()
    parent.wait()
    until(lambda: not sandbox.alive())
    assert sandbox_process.find(home) is None


def test_it_ends_when_that_process_ended_before_it_had_begun(home: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", ""])
    parent.wait()
    command = [sys.executable, "-m", "labkit.sandbox.server", "--home", str(home), "--parent", str(parent.pid)]
    started = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert started.wait(PATIENCE_SECONDS) == 0
    finally:
        started.kill()


def test_a_crashed_sandbox_is_restarted_and_a_stopped_one_is_not(home: Path) -> None:
    first = start(home)
    os.kill(first.pid, signal.SIGKILL)
    until(lambda: not first.alive())
    sandbox_process.revive(home, os.getpid())
    assert sandbox_process.find(home) is not None
    sandbox_process.stop(home)
    sandbox_process.revive(home, os.getpid())
    assert sandbox_process.find(home) is None


def test_a_second_server_on_the_same_state_exits(running: Path) -> None:
    start(running)
    command = [sys.executable, "-m", "labkit.sandbox.server", "--home", str(running)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    assert ran.returncode != 0
    assert "Another sandbox serves this home already." in ran.stderr


def test_a_failed_start_reports_the_last_line_of_the_log_and_its_path(home: Path) -> None:
    home.mkdir(mode=0o700)
    (home / "world").write_text("not a folder")
    with pytest.raises(sandbox_process.LabError) as refused:
        start(home)
    assert "sandbox.log" in str(refused.value)
    assert "Error" in refused.value.why


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/_lab/credentials"), ("POST", "/_lab/tickets"), ("POST", "/moto-api/reset")]
)
def test_control_calls_are_refused_without_the_token(running: Path, method: str, path: str) -> None:
    sandbox = start(running)
    for headers in ({}, {"X-Lab-Token": "wrong"}, {"X-Lab-Token": "ü".encode()}):
        assert requests.request(method, sandbox.url + path, headers=headers).status_code == 403


def test_a_page_whose_name_was_bound_to_this_machine_gets_nothing(running: Path) -> None:
    sandbox = start(running)
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "[", "169.254.1.1"):
        for path in ("/", "/_lab/health", "/_lab/cloud-account", "/v2/agents"):
            assert requests.get(sandbox.url + path, headers={"Host": host}).status_code in {400, 421}
        signed = {"Host": host, "Authorization": "as a page's script can write it"}
        assert requests.get(sandbox.url + "/_lab/health", headers=signed).status_code in {400, 421}
    for host in ("localhost:1", "127.0.0.1", "[::1]:80"):
        assert requests.get(sandbox.url + "/_lab/health", headers={"Host": host}).status_code == 200


def test_motos_own_calls_need_the_token(running: Path) -> None:
    sandbox = start(running)
    reply = requests.get(sandbox.url + "/moto-api/config", headers={"X-Lab-Token": sandbox.token})
    assert reply.ok


def test_the_cloud_accounts_page_opens_once_and_is_not_stored(running: Path) -> None:
    sandbox = start(running)
    url = sandbox.cloud_account_url()
    first, second = requests.get(url), requests.get(url)
    assert sandbox.credentials()["aws"]["secret_access_key"] in first.text
    assert first.headers["Cache-Control"] == "no-store"
    assert second.status_code == 403
    assert requests.get(url.split("?")[0]).status_code == 403


def test_no_secret_is_shown_by_the_value_or_written_to_the_log(running: Path) -> None:
    sandbox = start(running)
    keys = sandbox.credentials()
    requests.get(sandbox.cloud_account_url())
    log = (running / "sandbox.log").read_text()
    secrets = [sandbox.token, keys["aws"]["secret_access_key"], keys["detection"]["api_key"], "ticket="]
    assert not [secret for secret in secrets if secret in log or secret in repr(sandbox)]
    assert not [secret for secret in secrets if secret in " ".join(psutil.Process(sandbox.pid).cmdline())]


def test_a_log_that_grows_large_is_emptied_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_LOG_BYTES", 100)
    with (tmp_path / "log").open("a") as log:
        monkeypatch.setattr("sys.stderr", log)
        for line in ("a" * 90, "b" * 90, "c" * 90):
            print(line, file=log, flush=True)
            server._bound_log()
    assert (tmp_path / "log").read_text() == "c" * 90 + "\n"
