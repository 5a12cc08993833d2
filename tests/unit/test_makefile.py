"""`make`'s set-up: which Python it takes, what it says if there is none, and which of pip's settings it heeds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pip
import pytest

ROOT = Path(__file__).parents[2]
MAKE = shutil.which("make") or "make"
SHOW_PROGRAMS = 'programs: ; @sh -c "$$FIND_PROGRAMS"'
INSTALL_TINY = 'install-tiny: ; @sh -c "$$INSTALL" install tiny'
TINY = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
BACKEND = """
import zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(f"{folder}/tiny-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny.py", "")
        wheel.writestr("tiny-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1\\n")
        wheel.writestr("tiny-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("tiny-1.dist-info/RECORD", "")
    return "tiny-1-py3-none-any.whl"
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone as far as make looks at it, with a folder `bin` for the only Pythons and programs that it finds."""
    folder = tmp_path / "a clone"
    (folder / "bin").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    for program in ("sh", "sed", "seq", "env", "head", "touch"):
        (folder / "bin" / program).symlink_to(shutil.which(program) or program)
    return folder


def add_python(clone: Path, name: str, version: str, *, has_venv: bool = True) -> None:
    """A Python that answers with this version. Its virtual environments are a file that names it."""
    script = f"""#!/bin/sh
case "$*" in
    *version_info*) echo {version} ;;
    *ensurepip*) exit {0 if has_venv else 1} ;;
    "-m venv "*) /bin/mkdir -p .venv && echo {name} > .venv/made-by ;;
    *) exit 1 ;;
esac
"""
    (clone / "bin" / name).write_text(script)
    (clone / "bin" / name).chmod(0o755)


def make(clone: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {"PATH": str(clone / "bin"), "HOME": str(clone), **environment}
    return subprocess.run([MAKE, *arguments], cwd=clone, env=variables, capture_output=True, text=True, check=False)


# --- Python ---


def test_without_a_new_enough_python_make_names_the_one_found_the_one_wanted_and_three_ways(clone: Path) -> None:
    add_python(clone, "python3", "3.10.13")

    refused = make(clone, "setup")

    assert refused.returncode != 0
    assert "needs Python 3.11 or later" in refused.stderr
    assert "python3 is 3.10.13" in refused.stderr
    for way in ("sudo apt install python3-venv", "sudo dnf install python3.12", "uvx --python 3.13 --from ."):
        assert way in refused.stderr


def test_a_clone_below_a_folder_with_a_line_break_is_refused(clone: Path) -> None:
    add_python(clone, "python3", "3.14.8")
    moved = clone.rename(clone.with_name("two\nlines"))

    assert "The path of this clone has a line break" in make(moved, ".venv/.folder").stderr


def test_without_any_python_make_says_so(clone: Path) -> None:
    assert "there is no python3" in make(clone, "setup").stderr


@pytest.mark.parametrize("version", ["3.11.2", "3.14.8", "3.40.0"])
def test_a_python_without_venv_is_named_with_the_package_that_it_lacks(clone: Path, version: str) -> None:
    add_python(clone, "python3", version, has_venv=False)

    refused = make(clone, "setup")

    assert f"python3 is {version}, without venv" in refused.stderr
    assert "sudo apt install python3-venv" in refused.stderr


@pytest.mark.parametrize(
    ("pythons", "taken"),
    [
        ({"python3": "3.14.8"}, "python3"),
        ({"python3": "3.12.1", "python3.16": "3.16.0"}, "python3"),  # the system's own, for which there are wheels
        ({"python3": "3.9.2", "python3.11": "3.11.9", "python3.12": "3.12.1"}, "python3.12"),
    ],
)
def test_make_takes_python3_or_else_the_newest_that_is_new_enough(
    clone: Path, pythons: dict[str, str], taken: str
) -> None:
    for name, version in pythons.items():
        add_python(clone, name, version)

    make(clone, ".venv/.folder")

    assert (clone / ".venv/made-by").read_text().strip() == taken


# --- programs of the host ---


@pytest.mark.parametrize(
    ("installed", "said", "not_said"),
    [
        ({"ip", "nft"}, ["Not installed: curl.", "cannot complete the lab"], ["tier"]),
        ({"curl", "ip"}, ["Not installed: nft.", "tier 2 of 3"], ["curl, and part 3 runs"]),
        ({"ip", "nft", "curl"}, [], ["Not installed", "tier"]),
    ],
)
def test_make_names_the_programs_that_are_missing_and_what_that_means(
    clone: Path, installed: set[str], said: list[str], not_said: list[str]
) -> None:
    for program in installed:
        (clone / "bin" / program).symlink_to("/bin/true")
    makefile = clone / "Makefile"
    makefile.write_text(makefile.read_text().replace(":/usr/sbin:/sbin", ""))

    words = make(clone, "--eval", SHOW_PROGRAMS, "programs").stderr

    assert [each for each in said if each not in words] == []
    assert [each for each in not_said if each in words] == []


# --- pip ---


def test_pip_installs_into_the_virtual_environment_whatever_its_settings_say(clone: Path) -> None:
    (clone / "tiny").mkdir()
    (clone / "tiny/pyproject.toml").write_text(TINY)
    (clone / "tiny/backend.py").write_text(BACKEND)
    (clone / "pip.conf").write_text("[install]\nuser = yes\ntarget = elsewhere\nprefix = elsewhere\n")
    make_venv_with_this_pip(clone / ".venv")
    elsewhere = {"PIP_USER": "1", "PIP_TARGET": "elsewhere", "PIP_PREFIX": "elsewhere", "PIP_REQUIRE_VIRTUALENV": "1"}
    offline = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": str(clone / "pip.conf"), "PATH": os.environ["PATH"]}

    made = make(clone, "--eval", INSTALL_TINY, "install-tiny", **offline, **elsewhere)

    assert made.returncode == 0, made.stderr
    assert not (clone / "elsewhere").exists()
    assert list((clone / ".venv").glob("lib/python*/site-packages/tiny.py"))


def make_venv_with_this_pip(folder: Path) -> None:
    """A virtual environment with nothing but this one's pip: to install another takes seconds."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    (packages / "pip").symlink_to(Path(pip.__file__).parent)
