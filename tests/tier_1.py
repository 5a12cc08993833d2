"""Tests marked `tier_1` make a closed network for real.

Where this machine refuses one, CI fails; elsewhere they are deselected, and the reason stands at the end of the run.
"""

from __future__ import annotations

import os
import shutil

import pytest

MARKER = "tier_1: makes a closed network, for which the machine has to allow namespaces"
PROGRAMS = ("curl", "bash")
_not_run: list[str] = []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    refused = [item for item in items if item.get_closest_marker("tier_1")]
    if not refused:
        return
    from labkit.range.reach import reach  # once the environment of the tests is set

    missing = [program for program in PROGRAMS if shutil.which(program, path=f"{os.defpath}:/usr/sbin:/sbin") is None]
    if missing:
        pytest.exit(f"The tests of the range need these programs: {', '.join(missing)}", returncode=1)
    found = reach()
    if found.tier > 1:
        _leave_out(config, items, refused, str(found))


def _leave_out(config: pytest.Config, items: list[pytest.Item], refused: list[pytest.Item], reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.exit(f"The tests of the range need tier 1, and under CI that is a failure. {reason}", returncode=1)
    config.hook.pytest_deselected(items=refused)
    items[:] = [item for item in items if item not in refused]
    _not_run.append(f"NOT RUN: {len(refused)} tests of the closed network. {reason}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for sentence in _not_run:
        terminalreporter.write_line(sentence, red=True)
