"""The lab without its classroom: a copy of the package that lacks the folder, used by real processes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.services import sandbox_process

ROOT = Path(__file__).parents[3]
CLASS_COMMANDS = {"board", "class", "join"}
IMPORT_ALL = """
import importlib, pkgutil, labkit
for module in pkgutil.walk_packages(labkit.__path__, "labkit."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
        print(module.name)
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the package and its tests, without those of the classroom; it is also the home of a sandbox."""
    folder = tmp_path_factory.mktemp("core")
    ignored = shutil.ignore_patterns("classroom")
    for name in ("labkit", "tests", "notebooks"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    shutil.copytree(ROOT / "labkit/sandbox/classroom", folder / "labkit/sandbox/classroom")
    shutil.copy(ROOT / "pyproject.toml", folder)
    yield folder
    for home in ("home", "joined"):
        sandbox_process.stop(folder / home)


def run(folder: Path, *arguments: str, home: str = "home", code: int = 0) -> str:
    """What Python prints with these arguments, with the copy in place of the installed package."""
    environment = os.environ | {"PYTHONPATH": str(folder), "LABKIT_HOME": str(folder / home)}
    ended = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == code, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def test_every_module_of_the_core_is_imported(copy: Path) -> None:
    imported = run(copy, "-c", IMPORT_ALL).split()
    assert "labkit.sandbox.classroom.plan" in imported
    assert [name for name in imported if name.startswith("labkit.classroom")] == []


def test_the_help_lists_every_command_but_those_of_a_class(copy: Path) -> None:
    listing = "from labkit.cli.main import main; print(*main.commands)"
    without, with_it = set(run(copy, "-c", listing).split()), set(run(ROOT, "-c", listing).split())
    assert with_it - without == CLASS_COMMANDS
    assert without < with_it
    assert "--class" not in run(copy, "-m", "labkit", "sandbox", "start", "--help")
    assert "solve" in run(copy, "-m", "labkit", "--help")


def test_a_chapter_is_solved_and_the_status_says_so(copy: Path) -> None:
    run(copy, "-m", "labkit", "sandbox", "start")
    run(copy, "-m", "labkit", "solve", "2")
    assert "8 of 12 steps done." in run(copy, "-m", "labkit", "status")
    assert '"class": null' in run(copy, "-m", "labkit", "sandbox", "status", "--json")


def test_a_cell_that_asks_for_the_board_says_that_it_is_not_installed(copy: Path) -> None:
    cell = "from labkit import LabError, open_lab\ntry: open_lab().board()\nexcept LabError as error: print(error)"
    assert "installed without its classroom" in run(copy, "-c", cell)


def test_a_home_that_joined_a_class_says_what_to_do(copy: Path) -> None:
    """The process ends with LabError's words; the class's keys are left alone."""
    home = copy / "joined"
    home.mkdir()
    (home / "class.json").write_text('{"LABKIT_STUDENT": "7", "LABKIT_AWS": "live", "AWS_ENDPOINT_URL": "http://x"}')
    said = run(copy, "-m", "labkit", "status", home="joined", code=1)
    assert "installed without its classroom" in said
    assert "Traceback" not in said
    assert (home / "class.json").exists()


def test_jupyterlab_and_its_kernels_get_the_labs_environment(copy: Path) -> None:
    """All that `labkit lab` does before it hands over to JupyterLab, which ends at once here."""
    lab = (
        "from labkit.jupyter import launch\n"
        "class Ended:\n"
        "    @staticmethod\n"
        "    def initialize_server(argv):\n"
        "        print('root', argv[0])\n"
        "        raise SystemExit\n"
        "launch.load_jupyterlab = lambda: Ended\n"
        "launch.run(launch.LabOptions(browser=False), launch.LabAddress())"
    )
    assert f"root --ServerApp.root_dir={copy}" in run(copy, "-c", lab)


def test_the_unit_tests_of_the_core_pass(copy: Path) -> None:
    chosen = ("tests/unit/handout", "tests/unit/test_files.py", "tests/unit/test_notes.py")  # the model imports nothing
    told = run(copy, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-n", "0", *chosen)
    assert " passed" in told
