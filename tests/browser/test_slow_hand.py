"""A person holds the mouse button down for a tenth of a second and more: nothing moves, and nothing is lost."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from labkit import steps
from labkit.model.detection.criteria import wanted_criteria
from labkit.steps.session import LabSession
from tests.browser.notebook_page import NotebookPage
from tests.browser.running_lab import RunningLab

SLOW = 400
"""Milliseconds: long enough for the kernel to answer what leaving a field has sent."""


@pytest.fixture(scope="module")
def page_options() -> dict[str, Any]:
    return {"viewport": {"width": 1366, "height": 768}}


def answered(form: Locator, words: str) -> None:
    """The answer to a press says this, and can be seen without scrolling."""
    answer = form.locator(".labkit-answer")
    expect(answer).to_contain_text(words)
    expect(answer.get_by_text(words).first).to_be_in_viewport(ratio=1)


def test_each_form_of_chapter_2_takes_the_first_press(page: Page, chapter_2: NotebookPage, session: LabSession) -> None:
    def press(form: Locator, name: str | re.Pattern[str]) -> None:
        chapter_2.press(form.get_by_role("button", name=name), SLOW)

    chapter_2.run("from labkit import open_lab")
    form = chapter_2.run("lab.enter_student_number()")
    form.get_by_label("Student number").fill("7")
    press(form, "Use this number")
    answered(form, "You are student 7.")
    form.get_by_label("Student number").fill("1000")
    press(form, "Use this number")
    answered(form, "from 1 to 999")
    form.get_by_label("Student number").fill("7")
    press(form, "Use this number")
    answered(form, "You are student 7.")

    keys = session.backend.aws.cloud_account()
    assert keys is not None
    form = chapter_2.run("lab.enter_aws_keys()")
    press(form, re.compile("Show .*Cloud Accounts"))
    expect(chapter_2.cloud_account(form).locator("#api-key")).to_be_visible()
    form.get_by_label("API Key (access key id)").fill(keys.access_key_id)
    form.get_by_label("API Secret Key").fill(keys.secret_access_key[:-1] + "!")
    press(form, "Check and use")
    answered(form, "This is not a secret access key.")
    form.get_by_label("API Secret Key").fill(keys.secret_access_key)
    press(form, "Check and use")
    answered(form, "AWS answers: account")
    press(form, "Hide that page")
    answered(form, "AWS answers: account")

    list(steps.solve(session, steps.named("vpc")))
    form = chapter_2.run("lab.choose_network_acl()")
    for choice in form.locator(".labkit-form").get_by_role("button").all():
        chapter_2.press(choice, SLOW)
        answered(form, "acl-")

    list(steps.solve(session, steps.named("rule")))
    form = chapter_2.run("lab.set_criteria()")
    form.get_by_label("Alert Title").fill("Not this")
    press(form, "Save the rule")
    form.get_by_label("Alert Title").fill(wanted_criteria(7).title)
    press(form, "Save the rule")
    answered(form, "5 of 5")


def test_enter_in_a_field_does_what_the_button_does_and_a_double_click_is_one_press(
    chapter_2: NotebookPage, session: LabSession
) -> None:
    chapter_2.run("from labkit import open_lab")
    form = chapter_2.run("lab.enter_student_number()")
    form.get_by_label("Student number").press_sequentially("7")
    form.get_by_label("Student number").press("Enter")
    answered(form, "You are student 7.")

    keys = session.backend.aws.cloud_account()
    assert keys is not None
    form = chapter_2.run("lab.enter_aws_keys()")
    form.get_by_label("API Key (access key id)").fill(keys.access_key_id)
    form.get_by_label("API Secret Key").fill(keys.secret_access_key[:-1] + "!")
    form.get_by_label("API Secret Key").press("Enter")
    answered(form, "This is not a secret access key.")
    form.get_by_label("API Secret Key").fill(keys.secret_access_key)
    form.get_by_role("button", name="Check and use").dblclick(delay=80)
    answered(form, "AWS answers: account")
    chapter_2.page.wait_for_timeout(1000)
    answered(form, "AWS answers: account")


def test_the_students_own_aws_account_is_used_after_a_second_yes_and_the_top_says_so(
    page: Page, lab: RunningLab, session: LabSession
) -> None:
    notebook = NotebookPage(page)
    notebook.open(lab, "00_start_here.ipynb", "backend")
    notebook.run("from labkit import open_lab")
    form = notebook.run("lab.choose_backend()").locator(".labkit-form")
    expect(form.locator(".labkit").first).to_contain_text("AWS: sandbox")
    notebook.press(form.get_by_role("button", name=re.compile("^live")), SLOW)
    answered(form, "Switch to your own AWS account?")
    expect(form.locator(".labkit").first).to_contain_text("AWS: sandbox")
    notebook.press(form.get_by_role("button", name="Yes, use my own AWS account"), SLOW)
    answered(form, "AWS is now")
    expect(form.locator(".labkit").first).not_to_contain_text("AWS: sandbox")
    notebook.press(form.get_by_role("button", name=re.compile("^sandbox")), SLOW)
    expect(form.locator(".labkit").first).to_contain_text("AWS: sandbox")


def test_the_keys_page_has_the_theme_that_was_chosen_by_hand(
    page: Page, chapter_2: NotebookPage, lab: RunningLab, session: LabSession, screenshot: Callable[[str], Path]
) -> None:
    session.notes.save(student="7")
    page.emulate_media(color_scheme="light")
    chapter_2.menu("Settings", "Theme", "Synchronize with System Settings")
    chapter_2.menu("Settings", "Theme", "JupyterLab Dark")
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
    try:
        chapter_2.run("from labkit import open_lab")
        form = chapter_2.run("lab.enter_aws_keys()")
        chapter_2.press(form.get_by_role("button", name=re.compile("Show .*Cloud Accounts")), SLOW)
        expect(chapter_2.cloud_account(form).locator("html")).to_have_css("color-scheme", "dark")
        screenshot("02-keys-dark-by-hand")
    finally:
        shutil.rmtree(lab.settings / "@jupyterlab/apputils-extension", ignore_errors=True)
