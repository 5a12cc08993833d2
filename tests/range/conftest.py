"""Ranges for tests: up on a short path, down and gone afterwards.

Tests marked `tier_1` make a closed network for real. Where this machine refuses one, CI fails; elsewhere they are
deselected, and the reason stands at the end of the run.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.range.range import Range
from labkit.range.reach import reach
from tests.range.ranges import ALLOW_ALL, Recorder

PROGRAMS = ("curl", "bash", "ip")
_not_run: list[str] = []


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "tier_1: makes a closed network, for which the machine has to allow namespaces")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = [item for item in items if Path(__file__).parent in item.path.parents]
    if not here:
        return
    missing = [program for program in PROGRAMS if shutil.which(program, path=f"{os.defpath}:/usr/sbin:/sbin") is None]
    if missing:
        pytest.exit(f"tests/range needs these programs: {', '.join(missing)}", returncode=1)
    found = reach()
    if found.tier > 1:
        _leave_out(config, items, [item for item in here if item.get_closest_marker("tier_1")], str(found))


def _leave_out(config: pytest.Config, items: list[pytest.Item], refused: list[pytest.Item], reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.exit(f"tests/range needs tier 1, and under CI that is a failure. {reason}", returncode=1)
    config.hook.pytest_deselected(items=refused)
    items[:] = [item for item in items if item not in refused]
    _not_run.append(f"NOT RUN: {len(refused)} tests of the closed network. {reason}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for sentence in _not_run:
        terminalreporter.write_line(sentence, red=True)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where a range may live; a socket's path may have 107 characters at most, pytest's own folders have more."""
    place = Path(tempfile.mkdtemp(prefix="lk-", dir="/tmp"))
    yield place / "r"
    shutil.rmtree(place)


@pytest.fixture
def recorder() -> Recorder:
    """What the range tells of connections."""
    return Recorder()


@pytest.fixture
def network(folder: Path, recorder: Recorder) -> Iterator[Range]:
    """A range at the machine's own tier, with the entries of a default network ACL and IPv6 allowed."""
    built = Range(folder, recorder)
    built.up()
    built.apply(ALLOW_ALL)
    yield built
    built.down()
    assert not folder.exists()
