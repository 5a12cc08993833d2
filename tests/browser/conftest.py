"""One lab and one browser for all these tests; each test starts with nothing of the student's in the sandbox."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from labkit import steps
from labkit.steps.session import LabSession, open_session
from tests.browser.notebook_page import NotebookPage
from tests.browser.running_lab import CHROMIUM_ARGUMENTS, ROOT, RunningLab, chromium
from tests.wait import PATIENCE_SECONDS

SCREENSHOTS = ROOT / "test-results" / "browser"
FAILURES = ROOT / "test-results" / "failed"
FAILED = pytest.StashKey[bool]()
"""Whether the last phase of a test failed."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[FAILED] = report.failed
    return report


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_SECONDS * 1000)  # in place of 5 seconds
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_ARGUMENTS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def page_options() -> dict[str, Any]:
    """Options of Browser.new_page for the page of each test; a test file may have its own."""
    return {"viewport": {"width": 1400, "height": 1000}}


@pytest.fixture
def page(browser: Browser, page_options: dict[str, Any], request: pytest.FixtureRequest) -> Iterator[Page]:
    """An empty page of a browser without a past. When the test fails, a screenshot is kept."""
    opened = browser.new_page(**page_options)
    yield opened
    if request.node.stash[FAILED]:
        opened.screenshot(path=FAILURES / f"{request.node.name}.png")
    opened.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    running = RunningLab(tmp_path_factory.mktemp("browser"))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def session(lab: RunningLab, monkeypatch: pytest.MonkeyPatch) -> LabSession:
    """The lab as it was before any student came: its chapters and its world."""
    lab.start_afresh()
    monkeypatch.setenv("LABKIT_HOME", str(lab.home))
    opened = open_session()
    opened.notes.save(student="7")
    opened.use_keys(opened.backend.aws.cloud_account())
    for _, ended in steps.reset(opened, steps.named("")):
        assert not isinstance(ended, Exception), ended
    return opened


@pytest.fixture
def chapter_2(page: Page, lab: RunningLab, session: LabSession, request: pytest.FixtureRequest) -> NotebookPage:
    """Chapter 2, freshly opened."""
    notebook = NotebookPage(page)
    notebook.open(lab, "02_create_environment.ipynb", request.node.name.replace("[", "-").replace("]", ""))
    return notebook


@pytest.fixture
def screenshot(page: Page) -> Callable[[str], Path]:
    """Keeps a picture of what the person sees now."""

    def take(name: str) -> Path:
        path = SCREENSHOTS / f"{name}.png"
        page.screenshot(path=path)
        return path

    return take
