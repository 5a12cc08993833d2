"""Version ranges are chosen once, in pyproject.toml; environment.yml says the same in conda's words."""

from __future__ import annotations

import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet
from packaging.version import Version

ROOT = Path(__file__).parents[2]
FROM_PIP = {"awscli", "boto3", "mohawk", "moto"}  # environment.yml says why


def split(requirement: str) -> tuple[str, str]:
    """The name and the range, without extras: `moto[ec2]>=5` gives `("moto", ">=5")`."""
    match = re.fullmatch(r"([a-z0-9-]+)(?:\[[a-z0-9,]+\])?(.*)", requirement)
    assert match, requirement
    return match[1], match[2]


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def environment() -> dict:
    return yaml.safe_load((ROOT / "environment.yml").read_text())


def test_conda_installs_the_packages_of_pyproject_in_the_same_ranges(project, environment):
    wanted = dict(split(requirement) for requirement in project["dependencies"])
    conda = dict(split(line) for line in environment["dependencies"] if isinstance(line, str))

    assert Version(conda.pop("python").removeprefix("=")) in SpecifierSet(project["requires-python"])
    assert conda.pop("pip") == ""
    assert conda == {name: versions for name, versions in wanted.items() if name not in FROM_PIP}


def test_pip_adds_this_project_and_with_it_what_conda_lacks(environment):
    assert [line for line in environment["dependencies"] if isinstance(line, dict)] == [{"pip": ["-e ."]}]


def test_every_requirement_has_a_lower_and_an_upper_bound(project):
    requirements = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]

    assert [line for line in requirements if not re.search(r">=[\d.]+,<[\d.]+$", line)] == []


def test_a_newer_python_is_not_refused_and_make_can_read_which_is_the_oldest(project):
    assert re.fullmatch(r">=3\.\d+", project["requires-python"])
