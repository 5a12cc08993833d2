"""Run All on a fresh kernel: a panel that says what to fill in, not a trace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.notebook_page import NotebookPage


def test_run_all_stops_with_a_panel_whose_link_leads_to_the_form(
    chapter_2: NotebookPage, screenshot: Callable[[str], Path]
) -> None:
    chapter_2.run_all()
    stopped = chapter_2.output("lab.enter_aws_keys()")
    expect(stopped).to_contain_text("Your student number")
    expect(stopped).to_contain_text("Type the number")
    expect(stopped).not_to_contain_text("Traceback")
    expect(chapter_2.cell("lab.create_vpc(").locator(".jp-InputArea-prompt")).to_have_text("[ ]:")
    stopped.scroll_into_view_if_needed()
    screenshot("run-all-stops")
    stopped.get_by_role("link").first.click()
    expect(chapter_2.output("lab.enter_student_number()").get_by_label("Student number")).to_be_in_viewport()


def test_after_run_all_the_end_of_the_chapter_where_jupyterlab_scrolls_shows_the_way_to_the_form(
    chapter_2: NotebookPage,
) -> None:
    chapter_2.run_all()
    way_back = chapter_2.page.get_by_role("link", name="your student number", exact=True)
    expect(way_back).to_be_in_viewport()
    way_back.click()
    expect(chapter_2.output("lab.enter_student_number()").get_by_label("Student number")).to_be_in_viewport()
