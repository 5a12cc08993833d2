"""A projector's 1024 by 768: nothing that the lab shows is wider than its place."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from labkit import steps
from labkit.steps.session import LabSession
from tests.browser.notebook_page import NotebookPage

LONG_FILTER = "  • " + 'event_type = "audit" and syscall = "connect" and connection.dst_addr != "127.0.0.0/8" and x'


@pytest.fixture(scope="module")
def page_options() -> dict:
    return {"viewport": {"width": 1024, "height": 768}, "color_scheme": "dark"}


def cut_off(output: Locator) -> list[str]:
    """The beginnings of the parts of an output that reach beyond it or must be scrolled sideways; labels of fields."""
    return output.evaluate(
        """output => {
            const wide = one => one.scrollWidth > one.clientWidth + 1 && !one.closest('pre') && one.clientWidth > 0;
            const cut = [...output.querySelectorAll('.jp-OutputArea-output, .widget-html')]
                .filter(wide).map(one => one.textContent.trim().slice(0, 60));
            const edge = one => one.getBoundingClientRect().right;
            const fields = [...output.querySelectorAll(':is(input, textarea):not([type=checkbox])')]
                .filter(one => edge(one) > edge(one.closest('.jp-OutputArea-output')));
            return [...cut, ...fields.map(one => one.labels[0].textContent)];
        }"""
    )


def test_tables_and_a_filter_that_cannot_be_read_fit(page: Page, session: LabSession, chapter_2: NotebookPage) -> None:
    session.use_keys(None)  # else solving finds the account open, and keeps no keys for the kernel
    session.notes.save(student="7")  # else what is solved is student 1's, and nobody takes it away
    list(steps.solve(session, steps.named("2")))
    chapter_2.run("from labkit import open_lab")
    for cell in ("lab.vpcs()", "lab.network_acls()", "lab.entries()", "lab.decide(", "lab.rules()"):
        output = chapter_2.run(cell)
        expect(output.get_by_role("table").first).to_be_visible()
        assert cut_off(output) == [], cell
    form = chapter_2.run("lab.set_criteria()")
    form.get_by_label("Rule Filter").fill(LONG_FILTER)
    page.keyboard.press("Tab")
    expect(form).to_contain_text("cannot be read at character 3")
    assert cut_off(form) == []
