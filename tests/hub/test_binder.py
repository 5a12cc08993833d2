"""What Binder, and an image for Zero to JupyterHub, makes of this repository: repo2docker's own recipe, not built."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The lines of the Dockerfile that repo2docker writes, and what it says meanwhile."""
    program = str(Path(sys.executable).with_name("jupyter-repo2docker"))
    elsewhere = tmp_path_factory.mktemp("repo2docker")  # it reads a configuration from where it is started
    said = subprocess.run(
        [program, "--no-build", "--debug", str(ROOT)], cwd=elsewhere, capture_output=True, text=True, check=True
    )
    return said.stdout + said.stderr


def test_the_environment_is_the_one_of_environment_yml(recipe: str) -> None:
    assert 'env update -p ${NB_PYTHON_PREFIX} --file "environment.yml"' in recipe


def test_it_starts_with_the_python_that_the_file_names(recipe: str) -> None:
    assert "python=3.12" in (ROOT / "environment.yml").read_text()
    assert "Building conda environment for python=3.12" in recipe
    assert "Python version unspecified" not in recipe


def test_the_repository_is_there_before_it_is_installed(recipe: str) -> None:
    lines = recipe.splitlines()
    copied = next(number for number, line in enumerate(lines) if line.startswith("COPY") and "src/" in line)
    installed = next(number for number, line in enumerate(lines) if "environment.yml" in line and "env update" in line)
    assert copied < installed
