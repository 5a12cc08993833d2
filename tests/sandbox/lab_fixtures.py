"""A whole lab on its own sandbox process; each test leaves the world as it found it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit import backends, steps
from labkit.cells.base import StatusCells
from labkit.clients import sandbox_process
from labkit.lab import Lab, open_lab


@pytest.fixture(scope="module")
def lab_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of a sandbox that runs for this module's tests; LABKIT_HOME names it meanwhile."""
    home = tmp_path_factory.mktemp("lab")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABKIT_HOME", str(home))
        sandbox_process.start(home, parent=os.getpid())
        yield home
        sandbox_process.stop(home)


@pytest.fixture
def lab(lab_home: Path) -> Iterator[Lab]:
    """The lab with nothing done."""
    opened = open_lab()
    yield opened
    undo_everything(opened)


def undo_everything(lab: StatusCells) -> None:
    world = backends.open_world()
    if world.keys is None:
        world.use_keys(world.opened.cloud_account())
    list(steps.reset(world, steps.STEPS))


def outcome_of(lab: StatusCells, key: str) -> str:
    """How one step's check ends now, in its own word."""
    return steps.check(lab.world, steps.BY_KEY[key]).outcome.value
