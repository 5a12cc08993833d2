"""Tests marked `tier_1` make a closed network for real. Where this machine refuses one, they are left out."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.left_out import leave_out

MARKER = "tier_1: makes a closed network, for which the machine has to allow namespaces"
WHAT = "tests of the closed network"
PROGRAMS = ("curl", "bash")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    refused = [item for item in items if item.get_closest_marker("tier_1")]
    if not refused:
        return
    from labkit.range.tiers import detect  # once the environment of the tests is set

    missing = [program for program in PROGRAMS if shutil.which(program, path=f"{os.defpath}:/usr/sbin:/sbin") is None]
    if missing:
        leave_out(config, items, refused, WHAT, f"They need {' and '.join(missing)}.")
    elif (found := detect()).tier > 1:
        leave_out(config, items, refused, WHAT, str(found))
