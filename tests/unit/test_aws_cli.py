"""Which AWS CLI the lab's terminals run."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labkit.jupyter import options
from labkit.services.aws_cli import aws_cli, own_aws_cli
from labkit.steps.host import program_lines

LABS = str(Path(sys.executable).parent)
Install = Callable[[str], Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Gives the student an AWS CLI that says this of its version."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path / "labkit-home"))
    monkeypatch.setenv("PATH", os.pathsep.join([str(programs), LABS, "/usr/bin", "/bin"]))
    for name in ("JUPYTER_CONFIG_PATH", "JUPYTER_PATH", "JUPYTER_PREFER_ENV_PATH"):
        monkeypatch.setenv(name, "")

    def add(version: str) -> Path:
        (programs / "aws").write_text(f"#!/bin/sh\n[ -z \"$AWS_PROFILE\" ] || exit 255\necho '{version}'\n")
        (programs / "aws").chmod(0o755)
        return programs / "aws"

    own_aws_cli.cache_clear()
    yield add
    own_aws_cli.cache_clear()


def aws_line() -> str:
    own_aws_cli.cache_clear()
    (found,) = [line.found for line in program_lines() if line.title == "aws"]
    return found


@pytest.mark.parametrize("version", ["aws-cli/2.31.5 Python/3.13.7 Linux/6.1", "aws-cli/1.29.0 Python/3.11"])
def test_the_students_own_is_run_in_the_labs_terminals_and_reported(
    install: Install, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")  # which is no reason to pass it over
    own = install(version)

    options.set_environment({})

    assert Path(shutil.which("aws") or "").resolve() == own
    assert Path(shutil.which("python") or "").parent == Path(LABS)
    assert "your own" in aws_line() and str(own) in aws_line()


@pytest.mark.parametrize("version", ["aws-cli/2.9.19 Python/3.11.2", "aws-cli/1.22.34 Python/3.10", "what?"])
def test_one_that_would_reach_the_real_aws_is_not_run(install: Install, version: str) -> None:
    install("aws-cli/2.31.5 Python/3.13.7")
    options.set_environment({})
    install(version)
    own_aws_cli.cache_clear()

    options.set_environment({})

    assert shutil.which("aws") == f"{LABS}/aws"
    assert "the lab’s" in aws_line()


def test_without_one_the_labs_is_run(install: Install) -> None:
    options.set_environment({})

    found = aws_cli()
    assert found is not None and found.path == shutil.which("aws") == f"{LABS}/aws"
    assert found.version.startswith("1.45.")
