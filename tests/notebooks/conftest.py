"""One sandbox for the chapters' tests; every test begins with nothing of the student's in its world."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from labkit.jupyter.loading import skip_needless_imports

skip_needless_imports()  # before nbformat is imported

from labkit import steps  # noqa: E402
from labkit.services import sandbox_process  # noqa: E402
from labkit.steps.session import LabSession, open_session  # noqa: E402
from tests.notebooks.kernel import STUDENT  # noqa: E402


@pytest.fixture(scope="session")
def sandbox_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The LABKIT_HOME of these tests."""
    home = tmp_path_factory.mktemp("notebooks") / "home"
    yield home
    sandbox_process.stop(home)


@pytest.fixture
def session(sandbox_home: Path, monkeypatch: pytest.MonkeyPatch) -> LabSession:
    """The world as it was before any student came."""
    monkeypatch.setenv("LABKIT_HOME", str(sandbox_home))
    sandbox_process.start(sandbox_home)
    opened = open_session()
    opened.notes.save(student=STUDENT)
    opened.use_keys(opened.backend.aws.cloud_account())
    for _, ended in steps.reset(opened, steps.named("")):
        assert not isinstance(ended, Exception), ended
    return opened


@pytest.fixture
def by_hand(session: LabSession) -> Mapping[str, str]:
    """The environment of a kernel whose forms a person fills in."""
    return dict(os.environ)


@pytest.fixture
def unattended(session: LabSession) -> Mapping[str, str]:
    """The environment of a kernel that is given every value."""
    keys = session.backend.aws.cloud_account()
    assert keys is not None
    return dict(os.environ) | {
        "LABKIT_STUDENT": STUDENT,
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
    }
