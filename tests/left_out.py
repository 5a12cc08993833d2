"""Tests that this machine cannot run: under CI they fail, elsewhere they are left out, and the end of the run says so.

Each worker of pytest-xdist leaves out the same tests, and hands that line to the process that prints.
"""

from __future__ import annotations

import os

import pytest

LINES = pytest.StashKey[list[str]]()
REASON = pytest.StashKey[str]()
OF_WORKER = "not_run"


def leave_out(config: pytest.Config, items: list[pytest.Item], refused: list[pytest.Item], what: str, why: str) -> None:
    """Remove `refused` from `items`. what: names them, as in "tests of the hub"."""
    if os.environ.get("CI") == "true":
        for item in refused:
            item.stash[REASON] = f"The {what} cannot run, and under CI that is a failure. {why}"
        return
    config.hook.pytest_deselected(items=refused)
    items[:] = [item for item in items if item not in refused]
    _lines(config).append(f"NOT RUN: {len(refused)} {what}. {why}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if reason := item.stash.get(REASON, ""):
        pytest.fail(reason, pytrace=False)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[OF_WORKER] = _lines(session.config)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    output = getattr(node, "workeroutput", None) or {}
    _lines(node.config).extend(output.get(OF_WORKER, ()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in dict.fromkeys(_lines(terminalreporter.config)):
        terminalreporter.write_line(line, red=True)


def _lines(config: pytest.Config) -> list[str]:
    return config.stash.setdefault(LINES, [])
