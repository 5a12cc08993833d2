"""`labkit lab --chapter`: which chapter opens, and where."""

from __future__ import annotations

import json
import os
import stat
import threading
import webbrowser
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from labkit.jupyter import launch
from labkit.jupyter.address import LabAddress
from labkit.jupyter.chapters import chapter_path
from labkit.jupyter.launch import LabOptions
from labkit.model.errors import InvalidInput, LabError
from labkit.services import jupyter_server
from labkit.services.notes import Notes

ROOT = Path(__file__).parents[2]
TOKEN = "the-token-of-this-test"


class Status(BaseHTTPRequestHandler):
    """A Jupyter server as far as it is asked whether it is there."""

    def do_GET(self) -> None:
        known = self.path == "/api/status" and self.headers["Authorization"] == f"token {TOKEN}"
        self.send_response(200 if known else 403)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.chdir(ROOT)
    (tmp_path / "runtime").mkdir()
    return tmp_path / "home"


@pytest.fixture
def running(home: Path, tmp_path: Path) -> Iterator[str]:
    """A server of this home and folder, which is this process; its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Status) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        where = {"hostname": "127.0.0.1", "port": server.server_port, "secure": False, "base_url": "/"}
        told = {"url": url, "token": TOKEN, "root_dir": str(ROOT), **where}
        (tmp_path / "runtime" / f"jpserver-{os.getpid()}.json").write_text(json.dumps(told))
        jupyter_server.note_server(home)
        yield url
        server.shutdown()


@pytest.mark.parametrize("typed", ["3", "03", " 3 "])
def test_a_chapter_is_named_by_its_number(typed: str) -> None:
    assert chapter_path(ROOT, typed) == "notebooks/03_self_protecting_cloud.ipynb"


@pytest.mark.parametrize("typed", ["6", "three", "-1", "", "3.0", "³"])
def test_another_number_is_answered_with_the_chapters_that_there_are(typed: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        chapter_path(ROOT, typed)

    assert refused.value.what == f"There is no chapter “{typed}”."
    assert "0 (start here), 1 (initial configuration)" in refused.value.why


def test_where_the_lab_runs_already_the_chapter_opens_there(
    home: Path, running: str, capsys: pytest.CaptureFixture[str]
) -> None:
    launch.run(LabOptions(browser=False, chapter="2"), LabAddress())

    words = capsys.readouterr().out
    assert "JupyterLab is already running" in words
    assert f"{running}lab/tree/notebooks/02_create_environment.ipynb?token={TOKEN}" in words
    assert not (home / "sandbox.json").exists()


def test_without_a_number_the_chapter_opens_that_was_open_last(
    home: Path, running: str, capsys: pytest.CaptureFixture[str]
) -> None:
    launch.run(LabOptions(browser=False), LabAddress())
    assert "notebooks/00_start_here.ipynb?" in capsys.readouterr().out

    Notes(home / "notes.json").save(open_chapter="03_self_protecting_cloud.ipynb")
    launch.run(LabOptions(browser=False), LabAddress())
    assert "notebooks/03_self_protecting_cloud.ipynb?" in capsys.readouterr().out


def test_a_lab_that_runs_already_is_not_opened_to_other_computers(home: Path, running: str) -> None:
    with pytest.raises(LabError, match=r"already running.*Ctrl-C twice"):
        launch.run(LabOptions(browser=False, yes=True), LabAddress("0.0.0.0", tls=True))


def test_the_browser_is_sent_there_by_a_private_file_that_alone_holds_the_token(
    home: Path, running: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    launch.run(LabOptions(chapter="3"), LabAddress())

    (address,) = opened
    file = Path(address.removeprefix("file://"))
    assert TOKEN not in address and file.is_relative_to(home)
    assert f"03_self_protecting_cloud.ipynb?token={TOKEN}" in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_server_of_another_folder_or_one_that_is_gone_is_not_taken(home: Path, running: str, tmp_path: Path) -> None:
    assert jupyter_server.server_of_home(home, ROOT) is not None
    assert jupyter_server.server_of_home(home, tmp_path) is None

    told = tmp_path / "runtime" / f"jpserver-{os.getpid()}.json"
    told.write_text(told.read_text().replace(TOKEN, "another"))
    assert jupyter_server.server_of_home(home, ROOT) is None

    jupyter_server.forget_server(home)
    assert list(home.iterdir()) == []
    assert jupyter_server.server_of_home(home, ROOT) is None
