"""The window of `labkit lab` says where JupyterLab is open, and nothing that would frighten."""

from __future__ import annotations

import logging
import re

import pytest
from playwright.sync_api import expect

from labkit.jupyter.launch import is_worth_saying
from tests.browser.notebook_page import NotebookPage
from tests.browser.running_lab import RunningLab


@pytest.mark.parametrize(
    ("message", "worth"),
    [
        ("Uncaught exception GET /api/kernels/5366d4f3/channels?session_id=573f35b1 (127.0.0.1)", False),
        ('{\n  "Host": "127.0.0.1:8888",\n  "User-Agent": "Mozilla/5.0"\n}', False),
        ("500 GET /api/kernels/5366d4f3/channels?session_id=573f35b1 (127.0.0.1) 1057.50ms referer=None", False),
        ("Uncaught exception PUT /api/contents/notebooks/03.ipynb (127.0.0.1)", True),
    ],
)
def test_a_tab_that_is_closed_while_its_kernel_starts_leaves_no_trace_in_the_window(message: str, worth: bool) -> None:
    assert is_worth_saying(logging.makeLogRecord({"msg": message})) == worth


def test_a_kernel_starts_without_a_warning_in_the_window(chapter_2: NotebookPage, lab: RunningLab) -> None:
    chapter_2.run("from labkit import open_lab")
    expect(chapter_2.run("lab.enter_student_number()")).to_contain_text("student number")

    assert "JupyterLab is open at" in lab.log()
    assert not re.search("eavesdropping|websocket_ping_timeout|not trusted", lab.log())
    assert "warning" not in lab.log().lower()
