"""`make images`: the README's picture, taken from the running lab."""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.notebook_page import NotebookPage
from tests.browser.running_lab import CHROMIUM_ARGUMENTS, ROOT, RunningLab, chromium

PICTURE = ROOT / "images" / "lab.png"


def take(page: Page, lab: RunningLab, picture: Path) -> None:
    """Chapter 2 with its first step done: the text, the form, the check."""
    notebook = NotebookPage(page)
    notebook.open(lab, "02_create_environment.ipynb", "screenshot")
    page.keyboard.press("Control+b")  # the file browser is not needed
    notebook.run("from labkit import open_lab")
    form = notebook.fill("lab.enter_student_number()", "Student number", "7", "Use this number")
    expect(form).to_contain_text("You are student 7.")
    expect(notebook.run('lab.check("student_number")')).to_contain_text("done")
    expect(notebook.run('lab.chapter("2")')).to_contain_text("1 of 8 steps done")
    notebook.cell('lab.chapter("2")').evaluate("cell => cell.scrollIntoView()")
    page.mouse.move(0, 0)
    page.screenshot(path=picture)


def main() -> None:
    """Start the lab, take the picture, end the lab."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        lab = RunningLab(Path(folder))
        lab.start()
        try:
            browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_ARGUMENTS)
            take(browser.new_page(viewport={"width": 1200, "height": 990}), lab, PICTURE)
            browser.close()
        finally:
            lab.stop()
    print(f"Took {PICTURE.relative_to(ROOT)}.")


if __name__ == "__main__":
    main()
