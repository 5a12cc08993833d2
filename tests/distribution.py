"""Which tests one worker of pytest-xdist runs together, and in which order: a file at a time, the slowest rooms first.

A room whose files share something slow is run whole by one worker.
"""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SLOWEST_FIRST = ("tests/browser", "tests/hub", "tests/notebooks", "tests/range", "tests/classroom", "tests/sandbox")
TOGETHER = {
    "tests/hub/": "the hub",
    "tests/notebooks/test_handout": "the handout of the whole lab",
    "tests/browser/test_handout": "the handout of the whole lab",
    "tests/browser/test_looks": "the handout of the whole lab",
}
"""What the files whose path starts like this share."""


def group(nodeid: str) -> str:
    """The name of the group whose tests one worker runs."""
    file = nodeid.partition("::")[0]
    return next((shared for start, shared in TOGETHER.items() if file.startswith(start)), file)


def rank(item: pytest.Item) -> int:
    folder = "/".join(item.path.relative_to(ROOT).parts[:2])
    return SLOWEST_FIRST.index(folder) if folder in SLOWEST_FIRST else len(SLOWEST_FIRST)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    from xdist.scheduler import LoadScopeScheduling

    config.option.loadscopereorder = False  # by the number of tests, which says little here

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid)

    return ByGroup(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        items.sort(key=rank)
