"""The window of `labkit lab` says where JupyterLab is open, and nothing that would frighten."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.notebook_page import NotebookPage
from tests.browser.running_lab import RunningLab


def test_a_kernel_starts_without_a_warning_in_the_window(chapter_2: NotebookPage, lab: RunningLab) -> None:
    chapter_2.run("from labkit import open_lab")
    expect(chapter_2.run("lab.enter_student_number()")).to_contain_text("student number")

    assert "JupyterLab is open at" in lab.log()
    assert not re.search("eavesdropping|websocket_ping_timeout|not trusted", lab.log())
    assert "warning" not in lab.log().lower()
