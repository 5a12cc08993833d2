"""JupyterLab as a person uses it: cells are run with Shift+Enter, forms are filled in, text is read from the page."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import FrameLocator, Locator, Page, expect

from tests.browser.running_lab import RunningLab
from tests.wait import PATIENCE_SECONDS

SECONDS = 1000
PRESS_MILLISECONDS = 100
"""How long a person holds a mouse button down; a robot's click is over before the page has changed."""

OPEN_TAB = ".jp-NotebookPanel:not(.lm-mod-hidden)"
EXECUTED = re.compile(r"^\s*\[\d+\]:\s*$")


class NotebookPage:
    """One notebook open in JupyterLab."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.set_default_timeout(PATIENCE_SECONDS * SECONDS)

    def open(self, lab: RunningLab, notebook: str, workspace: str) -> None:
        """Open it with nothing else beside it, and wait for its kernel."""
        self.page.goto(lab.address(notebook, workspace))
        self.wait_for(notebook)

    def follow(self, link: str, notebook: str) -> None:
        """Click a link to another chapter, and wait for that one's kernel."""
        self.page.locator(OPEN_TAB).get_by_role("link", name=link).first.click()
        self.wait_for(notebook)

    def wait_for(self, notebook: str) -> None:
        """Wait until this notebook's tab is in front and its kernel rests: a cell run earlier is not run at all."""
        tab = self.page.locator("#jp-main-dock-panel .lm-TabBar-tab.lm-mod-current")
        expect(tab).to_contain_text(notebook[:10])
        self._expect_kernel("idle")
        expect(self.page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()

    def _expect_kernel(self, state: str) -> None:
        indicator = self.page.locator(f"{OPEN_TAB} .jp-Notebook-ExecutionIndicator")
        expect(indicator).to_have_attribute("data-status", state)

    def cell(self, source: str) -> Locator:
        """The code cell with a line that begins with this text, which is the first line or follows a call."""
        line = re.compile(rf"(^|\)){re.escape(source)}")
        editor = self.page.locator(".jp-InputArea-editor").filter(has_text=line)
        return self.page.locator(f"{OPEN_TAB} .jp-CodeCell").filter(has=editor)

    def active_cell(self) -> Locator:
        """The cell that Shift+Enter would run."""
        return self.page.locator(f"{OPEN_TAB} .jp-Cell.jp-mod-active")

    def place(self, cell: Locator) -> int:
        """A cell's place in the notebook, from 0."""
        return int(cell.get_attribute("data-windowed-list-index") or 0)

    def cell_at(self, place: int) -> Locator:
        return self.page.locator(f'{OPEN_TAB} .jp-Cell[data-windowed-list-index="{place}"]')

    def output(self, source: str) -> Locator:
        """The output of that cell."""
        return self.cell(source).locator(".jp-Cell-outputArea")

    def run(self, source: str, which: int | None = None) -> Locator:
        """Click into the cell, press Shift+Enter, wait for its number; its output. which: of several alike, from 0.

        Pressed again where nothing happened: JupyterLab drops it while a kernel connects.
        """
        cell = self.cell(source) if which is None else self.cell(source).nth(which)
        prompt = cell.locator(".jp-InputArea-prompt")
        before = prompt.inner_text()
        for _ in range(5):
            cell.locator(".jp-InputArea-editor").click()
            self.page.keyboard.press("Shift+Enter")
            try:
                expect(prompt).not_to_have_text(before, timeout=5 * SECONDS)
                break
            except AssertionError:
                continue
        expect(prompt).to_have_text(EXECUTED)
        return cell.locator(".jp-Cell-outputArea")

    def fill(self, source: str, label: str, value: str, button: str) -> Locator:
        """Run a form's cell, fill in one field, press the button; the form."""
        form = self.run(source)
        form.get_by_label(label).fill(value)
        self.press(form.get_by_role("button", name=button))
        return form

    def press(self, button: Locator, milliseconds: int = PRESS_MILLISECONDS) -> None:
        """Press the mouse on it as long as a person does; fails if it moves from under the mouse meanwhile."""
        expect(button).to_be_enabled()
        button.scroll_into_view_if_needed()
        before = button.bounding_box()
        assert before is not None
        self.page.mouse.move(before["x"] + before["width"] / 2, before["y"] + before["height"] / 2)
        self.page.mouse.down()
        self.page.wait_for_timeout(milliseconds)
        now = button.bounding_box()
        self.page.mouse.up()
        assert now == before, "The button moved while it was pressed."

    def bring_to_front(self, tab: str) -> None:
        """Click a tab of the main area."""
        self.page.locator("#jp-main-dock-panel .lm-TabBar-tab").filter(has_text=tab).click()

    def run_all(self) -> None:
        """Run > Run All Cells, and wait until the kernel rests again."""
        self.menu("Run", "Run All Cells")
        self._expect_kernel("busy")
        self._expect_kernel("idle")

    def menu(self, *names: str) -> None:
        """Choose from the menu bar."""
        self.page.get_by_role("menuitem", name=names[0], exact=True).click()
        for name in names[1:-1]:
            self._menu_item(name).hover()
        self._menu_item(names[-1]).click()

    def _menu_item(self, name: str) -> Locator:
        label = self.page.locator(".lm-Menu-itemLabel").get_by_text(name, exact=True)
        return self.page.locator(".lm-Menu-item").filter(has=label)

    def save(self) -> None:
        """Ctrl+S, until the tab's dot is gone."""
        self.page.keyboard.press("Control+s")
        expect(self.page.locator(".lm-TabBar-tab.lm-mod-current.jp-mod-dirty")).to_have_count(0)

    def cloud_account(self, output: Locator) -> FrameLocator:
        """The Cloud Accounts page inside the keys form."""
        return output.frame_locator("iframe")

    def focused(self) -> str:
        """What has the keyboard focus, as a screen reader would name it."""
        return str(
            self.page.evaluate(
                """() => {
                    const one = document.activeElement, label = one.labels && one.labels[0];
                    return (label ? label.textContent : one.getAttribute('aria-label') || one.textContent || '').trim();
                }"""
            )
        )

    def press_until(self, key: str, reached: Callable[[], bool], most: int = 60) -> None:
        """Press a key until the condition holds."""
        for _ in range(most):
            if reached():
                return
            self.page.keyboard.press(key)
        raise AssertionError(f"{most} times {key} did not get there; the focus is on “{self.focused()}”.")


class TerminalPage:
    """A terminal of JupyterLab. Its screen-reader mode makes its rows text."""

    def __init__(self, notebook: NotebookPage) -> None:
        """The terminal that was just opened."""
        self.page = notebook.page
        self.rows = self.page.locator(".jp-Terminal .xterm-accessibility-tree")
        expect(self.rows).to_contain_text(re.compile(r"[$#]"))  # the prompt

    @classmethod
    def opened_from_menu(cls, notebook: NotebookPage) -> TerminalPage:
        notebook.menu("File", "New", "Terminal")
        return cls(notebook)

    @classmethod
    def opened_by(cls, notebook: NotebookPage, button: Locator) -> TerminalPage:
        notebook.press(button)
        return cls(notebook)

    def type(self, command: str) -> None:
        self.page.locator(".jp-Terminal .xterm-helper-textarea").focus()
        self.page.keyboard.type(command)
        self.page.keyboard.press("Enter")
