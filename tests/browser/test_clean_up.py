"""Chapter 5 with a slow hand, from its first cell to its last; and a number that somebody works with already."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from labkit import steps
from labkit.classroom.as_student import open_as_student
from labkit.steps.session import LabSession
from labkit.views.forms.basic import MINE
from labkit.views.forms.clean_up import REMOVE
from tests.browser.notebook_page import NotebookPage
from tests.browser.running_lab import RunningLab

SLOW = 400
Screenshot = Callable[[str], Path]


@pytest.fixture(scope="module")
def page_options() -> dict[str, Any]:
    return {"viewport": {"width": 1366, "height": 768}}


def test_a_slow_hand_cleans_up_from_the_first_cell_to_the_last(
    page: Page, lab: RunningLab, session: LabSession, screenshot: Screenshot
) -> None:
    session.notes.save(student=7)
    assert all(result.passed for _, result in steps.solve(session, steps.STEPS))
    untagged = session.aws.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    notebook = NotebookPage(page)
    notebook.open(lab, "05_clean_up.ipynb", "clean-up")
    expect(notebook.run("from labkit import open_lab")).to_contain_text("Student 7")
    expect(notebook.run('lab.chapter("5")')).to_contain_text("12 of 12 steps done")
    form = notebook.run("lab.clean_up()")
    expect(form).to_contain_text("Nothing has been removed yet")
    expect(form).to_contain_text(re.compile("entry 1 .deny "))
    form.get_by_label(re.compile(f"{untagged}.*I made it")).check()
    screenshot("clean-up-asked")
    assert session.notes.get("student") == "7"
    notebook.press(form.get_by_role("button", name=REMOVE), SLOW)
    answer = form.locator(".labkit-answer")
    expect(answer).to_contain_text("Nothing of yours is left.")
    expect(answer.get_by_text("Nothing of yours is left.")).to_be_in_viewport(ratio=1)
    expect(form).not_to_contain_text("Nothing has been removed yet")
    screenshot("clean-up-done")
    expect(notebook.run('lab.check("vpc")')).to_contain_text("none")
    screenshot("clean-up-check")
    last = notebook.run('lab.finish("5")')
    expect(last).to_contain_text("Nothing of yours is left.")
    expect(last).to_contain_text("none with the tag labkit:student=7")
    screenshot("clean-up-end")
    again = notebook.run("lab.clean_up()")
    expect(again).to_contain_text("Nothing of yours is left.")
    expect(again.get_by_role("button", name=REMOVE)).to_have_count(0)
    screenshot("clean-up-again")


def test_a_number_that_somebody_works_with_takes_a_second_press(
    page: Page, chapter_2: NotebookPage, session: LabSession, screenshot: Screenshot
) -> None:
    other = open_as_student("8")
    list(steps.solve(other, (steps.BY_KEY["vpc"], steps.BY_KEY["rule"])))
    try:
        chapter_2.run("from labkit import open_lab")
        form = chapter_2.run("lab.enter_student_number()")
        form.get_by_label("Student number").fill("8")
        chapter_2.press(form.get_by_role("button", name="Use this number"), SLOW)
        answer = form.locator(".labkit-answer")
        expect(answer).to_contain_text("Already there of student 8")
        assert session.notes.get("student") == ""
        screenshot("number-asked")
        chapter_2.press(form.get_by_role("button", name=MINE), SLOW)
        expect(answer).to_contain_text("You are student 8.")
        screenshot("number-taken")
    finally:
        list(steps.reset(other, steps.named("2")))
