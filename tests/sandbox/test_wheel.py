"""The package as it is built, and the lab as it runs where only that package is installed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.wait import PATIENCE_SECONDS, until

ROOT = Path(__file__).parents[2]
CHAPTERS = {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
PICTURES = {path.name for path in (ROOT / "images").iterdir()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "uv", "build", "--offline", "--no-build-isolation", "--quiet", "--out-dir", folder]
    subprocess.run([*build, "--python", sys.executable], cwd=ROOT, check=True)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return next(built.glob("self_protecting_cloud-*.whl"))


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as files:
        return message_from_bytes(files.read(next(name for name in files.namelist() if name.endswith("/METADATA"))))


def test_an_index_would_accept_both_files(built: Path) -> None:
    files = [path for path in built.iterdir() if path.suffix in (".whl", ".gz")]
    assert len(files) == 2

    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *files], check=True, capture_output=True)


def test_the_wheel_holds_the_chapters_the_pictures_and_nothing_of_a_student(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as files:
        names = [Path(name) for name in files.namelist()]
    beside = {str(path.parent): {one.name for one in names if one.parent == path.parent} for path in names}

    assert beside["self_protecting_cloud/notebooks"] == CHAPTERS
    assert beside["self_protecting_cloud/images"] == PICTURES
    assert not any(part in (".ipynb_checkpoints", "__pycache__", "tests") for path in names for part in path.parts)


def test_the_metadata_names_a_project_that_any_later_python_can_install(metadata: Message) -> None:
    assert metadata["Name"] == "self-protecting-cloud"
    assert metadata["Requires-Python"] == ">=3.11"
    assert "Framework :: Jupyter :: JupyterLab" in metadata.get_all("Classifier", [])
    assert "Author" not in metadata and "Author-email" not in metadata


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a virtual environment with this wheel; its dependencies are those of the tests."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin/python"
    install = [sys.executable, "-m", "uv", "pip", "install", "--offline", "--quiet", "--no-deps", "--python", python]
    subprocess.run([*install, wheel], check=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


@pytest.fixture
def student(tmp_path: Path) -> dict[str, str]:
    """The environment of a student who is new here; it names the data of the dependencies, which pip would install."""
    (tmp_path / "home").mkdir()
    own = {"HOME": str(tmp_path / "home"), "LABKIT_HOME": str(tmp_path / "labkit-home")}
    return {**os.environ, **own, "JUPYTER_PATH": sysconfig.get_path("data") + "/share/jupyter"}


def test_without_a_clone_the_lab_opens_and_steps_and_handouts_work(installed: Path, student: dict[str, str]) -> None:
    home = Path(student["HOME"])

    def labkit(*words: str) -> str:
        command = [installed / "labkit", *words]
        return subprocess.run(command, cwd=home, env=student, check=True, capture_output=True, text=True).stdout

    said = open_lab([str(installed / "self-protecting-cloud")], home, student)
    assert f"The chapters are in {home / 'self-protecting-cloud'}." in said
    assert "lab/tree/notebooks/00_start_here.ipynb" in said
    try:
        assert labkit("solve", "2").count("done") >= 8
        labkit("handout", "2")
    finally:
        labkit("sandbox", "stop")
    assert {path.name for path in (home / "self-protecting-cloud/notebooks").glob("*.ipynb")} == CHAPTERS
    assert "<h1" in (home / "handout/02_create_environment.html").read_text(encoding="utf-8")


def open_lab(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    """Open the lab until it has printed its address, and end it. Returns what it has printed."""
    log = folder / "lab.log"
    options = ["lab", "--no-browser", "--port", str(free_port())]
    with log.open("wb") as output:
        lab = subprocess.Popen([*command, *options], cwd=folder, env=environment, stdout=output, stderr=output)
    try:
        until(lambda: lab.poll() is not None or "?token=" in log.read_text())
        assert lab.poll() is None, log.read_text()
    finally:
        lab.send_signal(signal.SIGTERM)
        lab.wait(PATIENCE_SECONDS)
    return log.read_text()
