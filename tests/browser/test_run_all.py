"""Run All on a fresh kernel: a panel that says what to fill in, not a trace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.notebook_page import NotebookPage


def test_run_all_stops_with_a_panel_and_both_it_and_the_end_of_the_chapter_show_the_way_to_the_form(
    chapter_2: NotebookPage, screenshot: Callable[[str], Path]
) -> None:
    chapter_2.run_all()
    field = chapter_2.output("lab.enter_student_number()").get_by_label("Student number")
    way_back = chapter_2.page.get_by_role("link", name="your student number", exact=True)
    way_back.scroll_into_view_if_needed()  # JupyterLab mostly scrolls to the end by itself
    way_back.click()
    expect(field).to_be_in_viewport()

    stopped = chapter_2.output("lab.enter_aws_keys()")
    expect(stopped).to_contain_text("Your student number")
    expect(stopped).to_contain_text("Enter the number")
    expect(stopped).not_to_contain_text("Traceback")
    expect(chapter_2.cell("lab.create_vpc(").locator(".jp-InputArea-prompt")).to_have_text("[ ]:")
    stopped.scroll_into_view_if_needed()
    screenshot("run-all-stops")
    chapter_2.cell("lab.finish(").scroll_into_view_if_needed()
    expect(field).not_to_be_in_viewport()
    stopped.get_by_role("link").first.click()
    expect(field).to_be_in_viewport()
