"""Ranges for tests: up on a short path, down and gone afterwards."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.range.range import Range
from tests.range.ranges import ALLOW_ALL, Recorder


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
