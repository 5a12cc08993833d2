"""A whole lab on its own sandbox process; each test leaves the world as it found it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit import steps
from labkit.lab.base import StatusCells
from labkit.lab.lab import Lab, open_lab
from labkit.model.access_keys import AccessKeys
from labkit.model.settings import DEFAULT_REGION
from labkit.services import aws, sandbox_process
from labkit.services.aws.account import Account
from labkit.steps.session import open_session

KEPT: dict[tuple[AccessKeys, str | None, str], Account] = {}
"""The accounts of this process: a client of EC2 takes longer to make than ten calls."""


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
    """The lab with nothing done. What a test leaves is removed, so that a failing one fails alone."""
    at_first = vpc_ids()
    yield open_lab()
    list(steps.reset(open_session(), steps.STEPS))
    for vpc_id in vpc_ids() - at_first:
        account().ec2.delete_vpc(VpcId=vpc_id)


def account() -> Account:
    """The sandbox's account, whatever keys the student has entered."""
    session = open_session()
    keys = session.backend.aws.cloud_account()
    assert keys is not None
    now = session.account(keys, DEFAULT_REGION)
    return KEPT.setdefault((now.keys, now.endpoint_url, now.region), now)


def vpc_ids() -> set[str]:
    return {vpc.id for vpc in aws.describe_vpcs(account().ec2)}


def outcome_of(lab: StatusCells, key: str) -> str:
    """How one step's check ends now, in its own word."""
    return steps.check(lab._session, steps.BY_KEY[key]).outcome.value
