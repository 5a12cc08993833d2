"""One lab and one browser for all these tests; each test begins with nothing of the student's in the world."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from labkit import backends, steps
from labkit.steps.session import LabSession
from tests.browser.notebook_page import NotebookPage
from tests.browser.running_lab import CHROMIUM_ARGUMENTS, ROOT, RunningLab, chromium

SCREENSHOTS = ROOT / "test-results" / "browser"


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, "executable_path": chromium(), "args": CHROMIUM_ARGUMENTS}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "viewport": {"width": 1400, "height": 1000}}


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
    opened = backends.open_session()
    opened.notes.save(student="7")
    opened.use_keys(opened.backend.cloud_account())
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
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        page.screenshot(path=path)
        return path

    return take
