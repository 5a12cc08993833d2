"""`labkit ready`: what it reports about the installation and the machine."""

from __future__ import annotations

import json
import shlex
import shutil
import socket
import subprocess
import webbrowser
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from packaging.requirements import Requirement

from labkit import ready
from labkit.cli.ready import in_words, verdict
from labkit.jupyter import options
from labkit.lab.links import NOTEBOOKS
from labkit.ready import installation, machine
from labkit.ready.own_work import class_line
from labkit.sandbox.classroom.settings import ClassSettings
from labkit.views.panels.readiness import Line

ROOT = Path(__file__).parents[2]
SECOND = "02_create_environment.ipynb"


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with the chapters, as the current folder."""
    folder = tmp_path / "clone"
    shutil.copytree(ROOT / "notebooks", folder / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    for chapter in (folder / "notebooks").iterdir():
        chapter.write_text(json.dumps({"cells": [cell("markdown", "# Title"), cell("code", "lab.status()")]}))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def committed(clone: Path) -> Path:
    """The same, committed to git."""
    as_somebody = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    for words in (("init", "-q"), ("add", "."), (*as_somebody, "commit", "-qm", "The lab")):
        subprocess.run(["git", *words], cwd=clone, check=True)
    return clone


def cell(kind: str, source: str, **more: object) -> dict[str, object]:
    return {"cell_type": kind, "source": [source], **more}


def write(clone: Path, *cells: dict[str, object]) -> None:
    (clone / "notebooks" / SECOND).write_text(json.dumps({"cells": cells}))


OUTPUT = [{"output_type": "stream", "name": "stdout", "text": "x"}]


# --- Python and packages ---


def test_this_installation_is_supported() -> None:
    line = installation.python_line()

    assert line.state == "ready", line.found
    assert "pyproject.toml" in line.looked_at


def test_a_missing_or_unsupported_package_is_named_with_the_supported_versions() -> None:
    wanted = [Requirement("click>=99"), Requirement("no-such-package-of-the-lab>=1"), Requirement("rich>=1")]

    first, second = installation.unmet(wanted)

    assert first.startswith("click ") and first.endswith(", not >=99")
    assert second == "no-such-package-of-the-lab is not installed"


def test_an_unsupported_python_says_how_to_reinstall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tmp_path / "pyproject.toml"
    project.write_text('[project]\nrequires-python = ">=3.99"\ndependencies = ["click>=99"]\n')
    monkeypatch.setattr(installation, "PROJECT_FILE", project)

    line = installation.python_line()

    assert line.state == "missing"
    assert "not >=3.99" in line.found and "not >=99" in line.found
    assert "make setup" in line.next_step


def test_without_a_clone_the_installed_package_lists_the_requirements(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation, "PROJECT_FILE", tmp_path / "nothing")

    line = installation.python_line()

    assert line.looked_at.startswith("the installed package")
    assert "pytest" not in line.found  # what only the tests need does not count


# --- the chapters ---


def test_chapters_as_shipped_are_ready(committed: Path) -> None:
    line = installation.chapters_line()

    assert (line.state, line.next_step) == ("ready", "")
    assert line.found == "all 6, as shipped and without outputs"


def test_outputs_and_edits_are_reported_with_the_command_that_undoes_them(committed: Path) -> None:
    write(committed, cell("markdown", "# Title"), cell("code", "lab.status()", outputs=OUTPUT))
    ran = installation.chapters_line()
    write(committed, cell("markdown", "# Title"), cell("code", "lab.solve()", outputs=OUTPUT))
    both = installation.chapters_line()

    assert (ran.state, ran.found) == ("remark", f"{SECOND} has outputs")
    assert both.found == f"{SECOND} has outputs and was edited"
    assert both.next_step.endswith(f"git restore notebooks/{SECOND}")
    subprocess.run(["git", "restore", f"notebooks/{SECOND}"], cwd=committed, check=True)
    assert installation.chapters_line().state == "ready"


def test_what_jupyterlab_changes_by_itself_is_not_an_edit(committed: Path) -> None:
    """It saves a text as one string or as lines, and running the last cell adds an empty one."""
    write(committed, {**cell("markdown", ""), "source": "# Title"}, cell("code", "lab.status()"), cell("code", ""))

    assert installation.chapters_line().state == "ready"


def test_outputs_are_found_without_git(clone: Path) -> None:
    write(clone, cell("code", "lab.anything()", outputs=OUTPUT))

    assert installation.chapters_line().found == f"{SECOND} has outputs"


def test_a_missing_or_damaged_chapter_is_named(committed: Path) -> None:
    (committed / "notebooks" / SECOND).write_text("{")
    damaged = installation.chapters_line()
    (committed / "notebooks" / SECOND).unlink()
    gone = installation.chapters_line()

    assert damaged.found == f"cannot be read: {SECOND}"
    assert gone.state == "missing"
    assert SECOND in gone.found and "git restore notebooks" in gone.next_step


@pytest.mark.parametrize("content", ["", "[]", '{"cells": [1]}', '{"cells": [{"cell_type": "code"}]}', "[" * 99_999])
def test_the_advice_restores_every_chapter_that_is_missing_or_damaged(committed: Path, content: str) -> None:
    (committed / "notebooks" / SECOND).write_text(content)
    (committed / "notebooks" / sorted(NOTEBOOKS)[3]).unlink()
    line = installation.chapters_line()

    assert line.state == "missing" and SECOND in line.found and sorted(NOTEBOOKS)[3] in line.found
    command = line.next_step.partition(": ")[2].partition(",")[0]
    subprocess.run(shlex.split(command), cwd=committed, check=True)
    assert installation.chapters_line().state == "ready"


# --- the machine ---


def test_a_port_in_use_names_its_program_and_the_port_that_the_lab_will_use(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr(machine, "FIRST_PORT", port)
        monkeypatch.setattr(options, "FIRST_PORT", port)
        line = machine.port_line()

    assert line.state == "ready"
    assert f"{port} is used by " in line.found and "(pid " in line.found
    assert "the lab will use " in line.found


@pytest.mark.parametrize("found", [None, webbrowser.GenericBrowser("lynx")])
def test_without_a_graphical_browser_the_next_step_is_a_tunnel_from_another_computer(
    monkeypatch: pytest.MonkeyPatch, found: webbrowser.BaseBrowser | None
) -> None:
    def get() -> webbrowser.BaseBrowser:
        if found is None:
            raise webbrowser.Error("could not locate runnable browser")
        return found

    monkeypatch.setattr(webbrowser, "get", get)
    monkeypatch.setattr(machine, "free_port", lambda: 8890)  # 8888 and 8889 are used
    monkeypatch.setattr(machine, "server_of_home", lambda *_: None)
    line = machine.browser_line()

    assert line.state == "remark"
    assert "--no-browser" in line.next_step and "ssh -L 8890:127.0.0.1:8890" in line.next_step


def test_the_default_browser_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "get", lambda: webbrowser.Chrome("chromium"))

    assert machine.browser_line() == Line("Browser", "ready", "chromium", "this user's default browser")


def test_too_little_memory_is_reported_with_what_the_lab_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_left_in_container", lambda: 300 * machine.MEGABYTE)
    line = machine.memory_line()

    assert line.state == "missing"
    assert line.found == "300 MB free; the lab needs about 800 MB"


def test_a_containers_memory_limit_counts(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("400\n")
    assert machine._left_in_container(tmp_path) == 600

    (tmp_path / "memory.max").write_text("max\n")
    assert machine._left_in_container(tmp_path) > 2**60
    assert machine._left_in_container(tmp_path / "nothing") > 2**60


def test_disk_space_is_checked_for_a_home_that_does_not_exist_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "not" / "yet"
    monkeypatch.setenv("LABKIT_HOME", str(home))
    assert machine.disk_line().looked_at.startswith(str(tmp_path))

    monkeypatch.setattr(machine, "DISK_NEEDED", 2**60)
    assert machine.disk_line().state == "missing"
    assert not home.exists()


PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def test_a_proxy_for_127_0_0_1_is_reported_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PROXIES, *map(str.upper, PROXIES)):
        monkeypatch.delenv(name, raising=False)
    assert machine.proxy_line().found == "none"

    monkeypatch.setenv("http_proxy", "http://ada:hunter2@proxy.example:3128")
    used = machine.proxy_line()
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    bypassed = machine.proxy_line()

    assert (used.state, used.next_step) == ("remark", "export no_proxy=127.0.0.1,localhost")
    assert "proxy.example:3128" in used.found and "hunter2" not in used.found
    assert bypassed.state == "ready"


# --- the output ---


READY, REMARK, MISSING = (Line(name, state, "found", "looked", "do") for name, state in (
    ("A", "ready"), ("B", "remark"), ("C", "missing")))  # fmt: skip


def test_only_a_missing_thing_makes_it_not_ready() -> None:
    assert verdict([READY, REMARK], 2.04) == ("Ready: this machine can run the demo. Good to know: B. (2.0 s)")
    assert verdict([READY, REMARK, MISSING], 2.04) == "Not ready. Fix first: C. (2.0 s)"


def test_a_line_says_what_was_found_where_and_what_to_do() -> None:
    assert click.unstyle(in_words(MISSING)) == "✕ C: found (looked)\n  → do"
    assert click.unstyle(in_words(Line("A", "ready", "found", ""))) == "✓ A: found"


# --- the class that this machine serves ---


def test_a_class_whose_address_this_machine_no_longer_has_is_reported() -> None:
    moved = class_line(ClassSettings(30, "192.0.2.1", 8443, certificate="c", key="k"), running=False)

    assert moved.state == "missing"
    assert moved.found.startswith("30 students cannot be served at https://192.0.2.1:8443: ")
    assert "labkit sandbox start --class 30 --host ADDRESS" in moved.next_step


def test_a_class_that_is_served_now_differs_from_one_that_could_be() -> None:
    with socket.socket() as sandbox:
        sandbox.bind(("127.0.0.1", 0))
        settings = ClassSettings(30, port=sandbox.getsockname()[1])
        taken = class_line(settings, running=False)
        sandbox.listen()
        served = class_line(settings, running=True)
    later = class_line(settings, running=False)

    assert (served.state, later.state, taken.state) == ("ready", "ready", "missing")
    assert served.found.endswith("served now") and later.found.endswith("once the sandbox runs")


def test_a_bug_in_the_lab_is_reported_without_the_values_in_its_message() -> None:
    def broken() -> Iterator[Line]:
        yield READY
        raise TypeError("hunter2")

    first, second = ready._run("Steps", broken)

    assert first == READY
    assert second.state == "missing" and second.title == "Steps"
    assert second.found.startswith("a bug in the lab: TypeError in ") and "test_ready.py" in second.found
    assert "hunter2" not in str(second)
