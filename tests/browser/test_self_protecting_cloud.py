"""Chapter 3 in a real JupyterLab: a terminal on the host, `curl` typed in it twice, and the panel between."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from labkit import steps
from labkit.steps.session import LabSession
from tests.browser.notebook_page import OPEN_TAB, NotebookPage, TerminalPage
from tests.browser.running_lab import RunningLab

DADISMAD = "203.0.113.10/32"


def test_curl_typed_in_the_chapters_terminal_is_answered_once_and_the_panel_shows_why_not_again(
    page: Page, lab: RunningLab, session: LabSession, screenshot: Callable[[str], Path]
) -> None:
    session.notes.save(student="7")
    assert all(result.passed for _, result in steps.solve(session, steps.named("2")))
    notebook = NotebookPage(page)
    notebook.open(lab, "03_self_protecting_cloud.ipynb", "self-protecting-cloud")
    page.keyboard.press("Control+b")  # the file browser is not needed
    notebook.run("from labkit import open_lab")
    expect(notebook.run("lab.place_host()")).to_contain_text("Your host is in your VPC")
    form = notebook.run("lab.enter_detection_key()")
    notebook.press(form.get_by_role("button", name="Check and use"))
    expect(form).to_contain_text("accepts the key")
    panel = notebook.run("lab.responder()")
    notebook.press(panel.get_by_role("button", name="Start the responder"))
    expect(panel).to_contain_text("running")

    way = notebook.run("lab.terminal()")
    screenshot("03-terminal-button")
    terminal = TerminalPage.opened_by(notebook, way.get_by_role("button", name="Open a terminal on the host"))
    expect(terminal.rows).to_contain_text("(range)")
    terminal.type("curl dadismad.com")
    expect(terminal.rows).to_contain_text("You reached dadismad.com at 203.0.113.10")
    screenshot("03-first-curl")

    notebook.bring_to_front("03_self")
    expect(panel).to_contain_text(f"Added entry 1: deny all to {DADISMAD}")
    expect(panel.get_by_role("row", name=DADISMAD)).to_contain_text("deny")
    panel.scroll_into_view_if_needed()
    screenshot("03-panel-filled")

    notebook.bring_to_front("Terminal")
    terminal.type("true")
    expect(terminal.rows).to_contain_text("Entry 1 was written")
    screenshot("03-prompt")
    terminal.type("clear; curl dadismad.com; echo it ended with $?")
    expect(terminal.rows).to_contain_text("it ended with 28")
    screenshot("03-second-curl")
    notebook.bring_to_front("03_self")
    expect(notebook.run('lab.check("deny_entry")')).to_contain_text("done")
    counted = notebook.run('lab.entries(needs="deny_entry")').get_by_role("row", name=DADISMAD).get_by_role("cell").last
    expect(counted).to_have_text(re.compile("[1-9]"))
    notebook.press(panel.get_by_role("button", name="Stop it"))
    expect(panel).to_contain_text("The responder was stopped")
    screenshot("03-counted")


def test_what_is_missing_from_another_chapter_is_a_link_that_opens_that_chapter_at_its_place(
    page: Page, lab: RunningLab, session: LabSession
) -> None:
    notebook = NotebookPage(page)
    notebook.open(lab, "03_self_protecting_cloud.ipynb", "missing-part-2")
    notebook.run("from labkit import open_lab")
    stopped = notebook.run("lab.place_host()")
    expect(stopped).to_contain_text("Your student number")
    stopped.get_by_role("link", name="Go to that step").click()
    notebook.wait_for("02_create_environment.ipynb")
    heading = page.locator(f"{OPEN_TAB} h2").filter(has_text="Your student number")
    expect(heading).to_be_in_viewport()
