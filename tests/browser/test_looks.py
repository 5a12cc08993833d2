"""Everything that the lab shows, looked at by axe and measured for width: on the gallery, and in JupyterLab itself."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from nbformat.sign import NotebookNotary
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.notebook_page import OPEN_TAB, SECONDS, NotebookPage, TerminalPage
from tests.browser.running_lab import RunningLab
from tests.gallery.page import page as gallery_page
from tests.handouts import twice
from tests.html_validity import validity_errors
from tests.wait import PATIENCE_SECONDS, until

CHAPTERS = ("02_create_environment.ipynb", "03_self_protecting_cloud.ipynb", "04_what_it_can_and_cannot_do.ipynb")
SAID = {
    "02": (
        "You are student 7.",
        "The five criteria of your rule: 5 of 5 correct",
        "Allowed: 100 allows all.",
        "you are here",
    ),
    "03": (
        "From the connection to the deny entry (UTC)",
        "Denied: 1 denies all to 203.0.113.10/32.",
        "exit code 28",
        "⊘ responder",
    ),
    "04": ("⊘ responder", "Your cloud protects itself: 3 of 3 steps of part 3.", "the responder", "you are here"),
}
"""Words that the outputs of a chapter must hold: a page that had lost them would be clean too."""

PROJECTOR = {"width": 1024, "height": 768}
ZOOMED = {"width": 320, "height": 256}
"""1280 by 1024 at 400 %."""

FAULTS = {"resultTypes": ["violations"]}
"""Of what passed axe names one element then, which takes half the time."""

CUT = """root => [...root.querySelectorAll('.labkit *')].filter(one => {
    const around = one.closest('.sample, .jp-OutputArea-output, .widget-html').getBoundingClientRect();
    const box = one.getBoundingClientRect();
    return box.width && (box.right > around.right + 1 || box.left < around.left - 1)
        && !one.closest('pre.caret code, details:not([open]), .said');
}).map(one => one.outerHTML.slice(0, 90))"""
"""Elements that reach out of the place of an output. A filter with its caret may be scrolled, by keyboard too."""


BROKEN = r"""root => [...root.querySelectorAll('.labkit :is(th, dt, tr > :first-child)')].flatMap(cell => {
    const walk = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), words = [];
    while (walk.nextNode())
        for (const word of walk.currentNode.data.matchAll(/\p{L}{3,}/gu)) words.push([walk.currentNode, word]);
    return words.filter(([node, word]) => {
        const range = document.createRange();
        range.setStart(node, word.index);
        range.setEnd(node, word.index + word[0].length);
        return range.getClientRects().length > 1;
    }).map(([, word]) => `${word[0]} in ${cell.textContent.slice(0, 40)}`);
})"""
"""Words of headers and first columns that are broken over two lines."""

SMALL = """root => [...root.querySelectorAll('.labkit svg[role=img]')].map(picture => {
    const size = one => parseFloat(getComputedStyle(one).fontSize);
    const drawn = picture.getScreenCTM().a * size(picture.querySelector('text'));
    return [drawn / size(picture.closest('.labkit')), picture.getAttribute('aria-label')];
}).filter(([share]) => share && share < 0.6)"""
"""Pictures whose text is smaller than three fifths of the prose beside it."""


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the gallery."""
    path = tmp_path_factory.mktemp("gallery") / "gallery.html"
    path.write_text(gallery_page(), encoding="utf-8")
    return path.as_uri()


def opened(browser: Browser, address: str, **context: Any) -> Page:
    page = browser.new_page(**context)
    page.goto(address)
    return page


def findings(page: Page, context: str | dict[str, Any] | None = None) -> list[str]:
    """What axe finds wrong; fails where it could not measure the contrast of anything."""
    found = Axe().run(page, context, FAULTS).response
    assert any(rule["id"] == "color-contrast" and rule["nodes"] for rule in found["passes"])
    return [f"{rule['id']}: {node['html'][:120]}" for rule in found["violations"] for node in rule["nodes"]]


def test_axe_finds_nothing_in_the_gallery_and_so_in_no_state_of_any_component(browser: Browser, gallery: str) -> None:
    page = opened(browser, gallery)
    expect(page.locator(".sample.dark").last).to_contain_text("No students yet.")
    page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    assert findings(page) == []
    page.close()
    page = opened(browser, gallery, color_scheme="dark")  # which changes what is around the samples only
    assert findings(page, {"exclude": [[".sample"]]}) == []
    page.close()


@pytest.mark.parametrize("size", [PROJECTOR, ZOOMED], ids=["projector", "400 %"])
@pytest.mark.parametrize("large", [False, True], ids=["as ever", "large type"])
def test_nothing_in_the_gallery_is_cut(browser: Browser, gallery: str, size: Any, large: bool) -> None:
    if large and size is ZOOMED:
        size = {"width": 640, "height": 512}  # 200 %: the switch adds to it
    page = opened(browser, gallery, viewport=size)
    page.locator("#large-type").set_checked(large)
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert page.locator("body").evaluate(CUT) == []
    assert page.locator("body").evaluate(BROKEN) == []
    if size is PROJECTOR:
        assert page.locator("body").evaluate(SMALL) == []
    page.close()


def test_large_type_enlarges_what_is_shown(browser: Browser, gallery: str) -> None:
    page = opened(browser, gallery)
    words = page.locator(".sample .labkit p").first
    picture = page.locator(".sample .labkit svg[role=img]").first
    before, width = font_size(words), picture.bounding_box()["width"]
    page.get_by_label("Large type").check()
    assert font_size(words) == pytest.approx(1.5 * before)
    assert picture.bounding_box()["width"] == pytest.approx(1.5 * width, rel=0.01)
    button = page.locator(".sample .labkit button[data-commandlinker-command]").first
    assert font_size(button) == font_size(words)
    page.close()


def test_the_keyboard_reaches_what_is_scrolled_and_what_is_wrong_on_the_board(browser: Browser, gallery: str) -> None:
    page = opened(browser, gallery, viewport=ZOOMED)
    caret = page.locator("pre.caret").first
    caret.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("pre => pre.scrollLeft > 0", arg=caret.element_handle())
    wrong = page.locator("#class-board td.bad summary").first
    wrong.focus()
    assert wrong.evaluate("one => getComputedStyle(one).outlineStyle") != "none"
    page.keyboard.press("Enter")
    expect(page.get_by_text("Student 3: The five criteria").first).to_be_visible()
    page.close()


def test_the_gallery_is_valid_html(gallery: str) -> None:
    assert validity_errors(Path(gallery.removeprefix("file://")).read_text("utf-8")) == []


@pytest.fixture(scope="module")
def run_chapters(lab: RunningLab) -> Iterator[dict[str, list[int]]]:
    """Chapters 2 to 4 in the student's folder as they are after a run; which of their cells have an output.

    They are trusted, as what was run here is; and JupyterLab keeps every cell in its page, seen or not.
    """
    setting = lab.settings / "@jupyterlab/notebook-extension/tracker.jupyterlab-settings"
    setting.parent.mkdir(parents=True, exist_ok=True)
    setting.write_text('{"windowingMode": "none"}')
    notary, shown = NotebookNotary(data_dir=str(lab.top / "jupyter" / "data")), {}
    run = twice()[1].chapters
    assert run is not None
    for chapter in CHAPTERS:
        name = f"run_{chapter}"
        shutil.copy(run / chapter, lab.folder / "notebooks" / name)
        notebook = nbformat.read(run / chapter, as_version=4)
        notary.sign(notebook)
        shown[name] = [
            place
            for place, cell in enumerate(notebook.cells)
            if any("text/html" in each.get("data", ()) for each in cell.get("outputs", ()))
        ]
    yield shown
    setting.unlink()
    for name in shown:
        (lab.folder / "notebooks" / name).unlink()


WIDER = "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.innerText)"
"""The words of the outputs that are wider than their place."""

CLONE = """outputs => {
    const clone = document.createElement('div');
    clone.id = 'clone';
    clone.style = 'position:relative;z-index:99999;width:70em;padding:1em;background:var(--jp-layout-color0)';
    clone.className = 'jp-ThemedContainer';
    for (const output of outputs) {
        const copy = output.cloneNode(true);
        copy.style.display = 'block';
        clone.append(copy);
    }
    document.body.append(clone);
    for (const other of document.body.children) if (other !== clone) other.style.display = 'none';
    return clone.innerText;
}"""
"""axe measures no contrast inside a notebook: a copy of the outputs alone in the page is what it is shown."""


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_output_of_chapters_2_to_4_fits_and_is_clean_inside_jupyterlab_in_both_themes(
    browser: Browser, lab: RunningLab, run_chapters: dict[str, list[int]], chapter: str
) -> None:
    name = f"run_{chapter}"
    page = browser.new_page(color_scheme="light", viewport=PROJECTOR)
    page.goto(lab.address(name, f"looks-{chapter[:2]}"))
    outputs = page.locator(f"{OPEN_TAB} .jp-OutputArea-output:has(> .labkit)")
    expect(page.locator(f"{OPEN_TAB} .jp-Cell-outputArea:has(.labkit, .dataframe)")).to_have_count(
        len(run_chapters[name]), timeout=PATIENCE_SECONDS * SECONDS
    )
    page.keyboard.press("Control+b")  # the file browser leaves no room in a narrow window
    expect(page.locator("#filebrowser")).to_be_hidden()
    for size in (PROJECTOR, ZOOMED):
        page.set_viewport_size(size)
        assert outputs.evaluate_all(WIDER) == []
        assert page.locator(OPEN_TAB).evaluate(CUT) == []
    page.set_viewport_size(PROJECTOR)
    words = outputs.evaluate_all(CLONE)
    assert [each for each in SAID[chapter[:2]] if each not in words] == []
    for scheme, is_light in (("light", "true"), ("dark", "false")):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        expect(page.locator("body")).to_have_attribute("data-jp-theme-light", is_light)
        assert findings(page, "#clone") == []
    page.close()


OTHER_WORK = """{"metadata": {"id": "default"}, "data": {
  "layout-restorer:data": {"main": {"dock": {"type": "tab-area", "currentIndex": 0,
    "widgets": ["notebook:notebooks/01_initial_configuration.ipynb"]}}},
  "notebook:notebooks/01_initial_configuration.ipynb":
    {"data": {"path": "notebooks/01_initial_configuration.ipynb", "factory": "Notebook"}}}}"""
"""The tabs of another JupyterLab of the user's, as JupyterLab keeps them."""


@pytest.fixture(scope="module")
def large_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    running = RunningLab(tmp_path_factory.mktemp("large"), ("--large", "--chapter", "2"))
    users_tabs(running).parent.mkdir(parents=True)
    users_tabs(running).write_text(OTHER_WORK)
    running.start()
    yield running
    running.stop()


def users_tabs(lab: RunningLab) -> Path:
    return lab.top / "jupyter/config/lab/workspaces/default-37a8.jupyterlab-workspace"


def test_labkit_lab_opens_its_chapter_alone_and_leaves_the_tabs_of_the_users_other_work(
    browser: Browser, large_lab: RunningLab
) -> None:
    page = browser.new_page(viewport=PROJECTOR)
    page.goto(large_lab.address(CHAPTERS[0]))
    NotebookPage(page).wait_for(CHAPTERS[0])

    expect(page.locator("#filebrowser")).to_be_hidden()
    expect(page.locator("#jp-main-dock-panel .lm-TabBar-tab")).to_have_count(1)
    own = large_lab.home / "jupyter" / "workspaces-large" / users_tabs(large_lab).name
    until(lambda: CHAPTERS[0] in own.read_text())
    assert users_tabs(large_lab).read_text() == OTHER_WORK
    page.close()


def font_size(one: Locator) -> float:
    """In CSS pixels."""
    return float(one.evaluate("one => parseFloat(getComputedStyle(one).fontSize)"))


def test_labkit_lab_large_enlarges_all_of_it_and_a_projector_cuts_nothing(
    browser: Browser, large_lab: RunningLab
) -> None:
    page = browser.new_page(viewport=PROJECTOR)
    notebook = NotebookPage(page)
    page.goto(large_lab.address(CHAPTERS[0]))
    notebook.wait_for(CHAPTERS[0])
    notebook.run("from labkit import open_lab")
    form = notebook.fill("lab.enter_student_number()", "Student number", "7", "Use this number")
    expect(form).to_contain_text("You are student 7.")
    field = form.get_by_label("Student number")
    prose = page.locator(f"{OPEN_TAB} .jp-RenderedMarkdown p").first
    for one in (prose, notebook.cell("from labkit").locator(".cm-content"), form.locator(".labkit p").first, field):
        assert font_size(one) >= 19, one
    assert field.evaluate("one => one.scrollHeight - one.clientHeight") <= 0
    assert form.evaluate(CUT) == []

    before = font_size(prose)
    notebook.menu("Settings", "Theme", "Increase Content Font Size")
    page.wait_for_function(
        "([one, before]) => parseFloat(getComputedStyle(one).fontSize) > before", arg=[prose.element_handle(), before]
    )
    terminal = TerminalPage.opened_from_menu(notebook)
    terminal.type("stty size")
    columns = terminal.rows.get_by_role("listitem").filter(has_text=re.compile(r"^\d\d [78]\d\s*$"))
    expect(columns).to_have_count(1)  # 13 pixels would leave room for 120
    page.close()
