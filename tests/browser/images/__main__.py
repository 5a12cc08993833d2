"""`make images`: the README's picture and the recordings of chapter 2, taken from the running lab."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from labkit.steps.session import open_session
from tests.browser.images.recordings import CHAPTER, RECORDINGS, SIZE, opened
from tests.browser.notebook_page import NotebookPage
from tests.browser.running_lab import CHROMIUM_ARGUMENTS, ROOT, RunningLab, chromium
from tests.wait import PATIENCE_SECONDS

IMAGES = ROOT / "images"


def take(page: Page, lab: RunningLab, picture: Path) -> None:
    """Chapter 2 with its first step done: the map, the form, the check."""
    notebook = NotebookPage(page)
    notebook.open(lab, CHAPTER, "screenshot")
    page.keyboard.press("Control+b")  # the file browser is not needed
    notebook.run("from labkit import open_lab")
    form = notebook.fill("lab.enter_student_number()", "Student number", "7", "Use this number")
    expect(form).to_contain_text("You are student 7.")
    expect(notebook.run('lab.check("student_number")')).to_contain_text("done")
    expect(notebook.run('lab.chapter("2")')).to_contain_text("1 of 8 steps done")
    notebook.cell('lab.chapter("2")').evaluate("cell => cell.scrollIntoView()")
    page.mouse.move(0, 0)
    page.screenshot(path=picture)


def main(names: list[str]) -> None:
    """Start the lab, take the picture and the recordings, or those of these names, end the lab."""
    expect.set_options(timeout=PATIENCE_SECONDS * 1000)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        lab = RunningLab(Path(folder))
        lab.start()
        (lab.top / "home" / ".bashrc").write_text("PS1='$ '\n")
        try:
            browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_ARGUMENTS)
            if not names:
                take(browser.new_page(viewport={"width": 1200, "height": 1350}), lab, IMAGES / "lab.png")
            os.environ["LABKIT_HOME"] = str(lab.home)
            session = open_session()
            session.notes.save(student="7")
            for name in names or RECORDINGS:
                done, record = RECORDINGS[name]
                page = browser.new_page(viewport=SIZE)
                page.context.grant_permissions(["clipboard-read", "clipboard-write"])
                notebook, recording = opened(page, lab, session, name, done)
                record(notebook, recording, session)
                recording.save(IMAGES / name)
                page.close()
            browser.close()
        finally:
            lab.stop()
    print(f"Took the pictures in {IMAGES.relative_to(ROOT)}.")


if __name__ == "__main__":
    main(sys.argv[1:])
