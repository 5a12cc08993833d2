"""Handouts as a reader meets them: without a network, light and dark, small and large, on paper, from JupyterLab."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from playwright.sync_api import Browser, Page, Route, expect

from labkit.handout.cells import CellRenderer
from labkit.handout.page import HandoutExporter
from labkit.handout.pdf import find_chromium, to_pdf
from labkit.handout.redact import Redactor
from labkit.steps.session import LabSession, open_session
from tests import left_behind
from tests.browser.running_lab import RunningLab
from tests.handouts import CHAPTERS, WHOLE, Made, Outline, twice, with_real_values
from tests.wait import PATIENCE_SECONDS

ALL = [*CHAPTERS, WHOLE, "index"]
NARROW = {"width": 320, "height": 256}
"""1280 by 1024 at 400 %."""

PROJECTOR = {"width": 1024, "height": 768}
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
MOVES = """all => all.filter(one => one.clientWidth > 1 && one.scrollWidth > one.clientWidth + 1
    && getComputedStyle(one).overflowX !== 'visible' && !one.matches('pre.caret'))
    .map(one => one.outerHTML.slice(0, 100))"""
"""Elements that are moved sideways to see all of them."""
CUT = """() => [...document.querySelectorAll('main *')].filter(one => {
    const box = one.getBoundingClientRect(), main = document.querySelector('main').getBoundingClientRect();
    const inside = one.closest('pre.caret, svg, details:not([open])');
    return box.width > 1 && box.right > main.right + 1 && !inside;
}).map(one => one.outerHTML.slice(0, 100))"""
"""Elements that reach out of the page's column."""


@pytest.fixture(scope="module")
def made() -> Made:
    return twice()[0]


@pytest.fixture
def reader(browser: Browser) -> Iterator[Any]:
    """Opens a page of the handout with every request refused but the one for its own file."""
    opened: list[Page] = []

    def open_page(made: Made, name: str, **context: Any) -> tuple[Page, list[str]]:
        page, address = browser.new_page(**context), (made.folder / f"{name}.html").as_uri()
        asked: list[str] = []

        def answer(route: Route) -> None:
            asked.append(route.request.url)
            route.continue_() if route.request.url == address else route.abort()

        page.route("**/*", answer)
        page.goto(address)
        opened.append(page)
        return page, asked

    yield open_page
    for page in opened:
        page.close()


@pytest.mark.parametrize("name", ALL)
def test_with_every_request_refused_a_page_is_complete(reader: Any, made: Made, name: str) -> None:
    page, asked = reader(made, name)
    assert asked == [page.url]
    outline = Outline(made.page(name))
    for tag in ("h1", "h2", "h3", "table", "caption", "pre", "details", "progress", "svg", "img"):
        expect(page.locator(tag)).to_have_count(outline.elements.get(tag, 0))
    page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
    for tag in ("h1", "h2", "table", "svg", "img", "pre"):
        assert page.locator(tag).evaluate_all("all => all.every(one => one.checkVisibility())"), tag
    loaded = "all => all.every(one => one.complete && one.naturalWidth > 100 && one.alt)"
    assert page.locator("img").evaluate_all(loaded)
    assert page.locator("svg[role=img]").evaluate_all("all => all.every(one => one.getAttribute('aria-label'))")


HOSTILE = (
    '<p style="background:u\\72l(https://x.example/a.png)">a</p>',
    "<p style=\"background-image:image-set('https://x.example/b.png' 1x)\">b</p>",
    '<style>@import "https://x.example/c.css"; main{background:u\\72l(https://x.example/d.png)}</style>',
    "<style></style x><img src=x onerror=alert(1)><script>alert(1)</script></style>",
    '<svg><a><animate attributeName="href" values="javascript:alert(1)"/><text y="9">press</text></a></svg>',
)


def test_nothing_that_was_put_into_an_output_runs_or_fetches_anything(reader: Any, tmp_path: Path) -> None:
    outputs = [new_output("display_data", {"text/html": html}) for html in HOSTILE]
    notebook = new_notebook(cells=[new_markdown_cell("".join(HOSTILE)), new_code_cell("x", outputs=outputs)])
    page = HandoutExporter().page("hostile", notebook, CellRenderer(Redactor()), home="index.html", note="")
    (tmp_path / "hostile.html").write_text(page.html)

    opened, asked = reader(Made(tmp_path, tmp_path, ""), "hostile")
    dialogs: list[str] = []
    opened.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for one in opened.get_by_text("press").all():
        one.dispatch_event("click")
    opened.reload()
    assert set(asked) == {opened.url}
    assert dialogs == []


COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}
"""The rules of axe that may differ between light and dark. The first takes six times as long as all others."""

NO_CONTRAST = {"rules": {"color-contrast": {"enabled": False}}}
IN_THE_CHAPTERS = {"exclude": [[".cell"]]}
"""What the page of the whole lab shows as the chapters' own pages do."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(reader: Any, made: Made, scheme: str) -> None:
    for name in ALL:
        page, _ = reader(made, name, color_scheme=scheme)
        assert page.locator(".result" if name != "index" else "li").count() >= 3
        expect(page.locator("body")).to_have_css("background-color", "rgba(0, 0, 0, 0)")
        brightness = page.evaluate("getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/)[0]")
        assert (int(brightness) > 200) == (scheme == "light")
        asked = [(IN_THE_CHAPTERS if name == WHOLE else None, COLOURS)]
        if scheme == "light":
            asked.append((None, NO_CONTRAST))
        for context, rules in asked:
            found = Axe().run(page, context, {"resultTypes": ["violations"], **rules}).response
            findings = [(rule["id"], node["html"][:120]) for rule in found["violations"] for node in rule["nodes"]]
            assert findings == [], name
            assert rules is NO_CONTRAST or any(rule["id"] == "color-contrast" for rule in found["passes"])


@pytest.mark.parametrize("name", ALL)
def test_nothing_is_cut_on_a_narrow_screen_or_in_large_type(reader: Any, made: Made, name: str) -> None:
    page, _ = reader(made, name, viewport=NARROW)
    assert (page.evaluate(SIDEWAYS), page.evaluate(CUT)) == (0, [])
    page.set_viewport_size(PROJECTOR)
    page.get_by_label("Large type").check()
    assert (page.evaluate(SIDEWAYS), page.evaluate(CUT)) == (0, [])


def test_on_a_phone_tables_keep_their_column_names_and_pictures_can_be_read(reader: Any, made: Made) -> None:
    page, _ = reader(made, WHOLE, viewport={"width": 390, "height": 844})
    shown = "all => all.map(one => [one.dataset.column, getComputedStyle(one, '::before').content])"
    cells = page.locator(".result [data-column], .prose td").evaluate_all(shown)
    assert len(cells) > 150 and all(content == f'"{name}"' for name, content in cells)
    page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
    legible = """all => all.filter(one => {
        const letters = [...one.querySelectorAll('text')].map(
            text => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a);
        const words = one.nextElementSibling, described = words?.matches('.in-words') && words.checkVisibility();
        const label = (one.getAttribute('aria-label') ?? '-').replace(/\\.$/, '').split('. ');
        const panel = one.closest('.panel')?.textContent.replace(/\\s+/g, ' ') ?? '';
        if (label.every(sentence => panel.includes(sentence))) return false;
        const size = described ? [parseFloat(getComputedStyle(words).fontSize)] : letters;
        return !size.length || Math.min(...size) < 11;
    }).map(one => one.outerHTML.slice(0, 100))"""
    assert page.locator(".result svg[role=img], .prose img").evaluate_all(legible) == []
    assert page.locator("main *").evaluate_all(MOVES) == []
    assert page.evaluate(SIDEWAYS) == 0


def test_the_switch_for_large_type_works_by_keyboard_and_without_a_script(browser: Browser, made: Made) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto((made.folder / "index.html").as_uri())
    heading = page.get_by_role("heading", level=1)
    before = heading.bounding_box()
    page.get_by_label("Large type").focus()
    page.keyboard.press("Space")
    after = heading.bounding_box()
    assert before is not None and after is not None and after["height"] > 1.3 * before["height"]
    page.close()


def test_on_paper_it_is_light_hints_are_open_and_what_can_only_be_pressed_is_not_there(reader: Any, made: Made) -> None:
    page, _ = reader(made, "04_what_it_can_and_cannot_do", color_scheme="dark")
    hint = page.locator("details p").first
    assert not hint.evaluate("one => one.checkVisibility({contentVisibilityAuto: true})")
    page.emulate_media(media="print")
    assert hint.evaluate("one => one.checkVisibility({contentVisibilityAuto: true})")
    expect(page.locator("html")).to_have_css("background-color", "rgb(255, 255, 255)")
    expect(page.get_by_label("Large type")).to_be_hidden()


@pytest.mark.parametrize("name", ["05_clean_up", WHOLE])
def test_a_pdf_is_tagged_has_an_outline_and_names_no_file_of_this_machine(made: Made, name: str) -> None:
    printed = to_pdf(find_chromium(), (made.folder / f"{name}.html").read_bytes())
    assert printed.startswith(b"%PDF-") and b"/StructTreeRoot" in printed and b"/Outlines" in printed
    assert b"file:" not in printed and b"/tmp" not in printed and os.fsencode(made.folder) not in printed


def test_on_paper_the_whole_lab_is_some_50_pages_and_the_short_edition_some_7(made: Made) -> None:
    short = with_real_values(*CHAPTERS, short=True).encode()
    for page, most in ((made.page(WHOLE).encode(), 56), (short, 8)):
        assert most - 8 < len(re.findall(rb"/Type /Page\b", to_pdf(find_chromium(), page))) <= most


def exported(lab: RunningLab, name: str) -> str:
    """What File > Save and Export Notebook As > HTML asks of the server."""
    url = f"http://127.0.0.1:{lab.port}/nbconvert/html/notebooks/{name}?download=true"
    with urlopen(Request(url, headers={"Authorization": f"token {lab.token}"}), timeout=PATIENCE_SECONDS) as reply:
        assert "attachment" in reply.headers["Content-Disposition"]
        return str(reply.read().decode())


def test_jupyterlabs_own_export_of_what_a_student_left_is_readable_and_safe(
    lab: RunningLab, session: LabSession, browser: Browser
) -> None:
    session.notes.save(student="7")
    saved = left_behind.left_behind(lab.folder / "notebooks", {**os.environ, "LABKIT_HOME": str(lab.home)})
    nbformat.write(saved, lab.folder / "notebooks" / "mine.ipynb")

    made = exported(lab, "mine.ipynb")

    left_behind.is_safe_and_readable(made)
    keys = open_session().backend.aws.cloud_account()
    assert keys is not None and keys.secret_access_key not in made
    assert lab.token not in made and str(lab.top) not in made
    assert re.findall(r'(?:src|href)="(?!data:|#|03_self_protecting_cloud\.html)[^"]*"', made) == []
    page = browser.new_page(java_script_enabled=False)
    page.set_content(made)
    for seen in (page.locator(".labkit-twin"), page.get_by_text("The cell stopped with FileNotFoundError")):
        expect(seen).to_be_visible()
    page.close()


def test_jupyterlab_still_makes_slides_with_its_own_template(lab: RunningLab) -> None:
    url = f"http://127.0.0.1:{lab.port}/nbconvert/slides/notebooks/00_start_here.ipynb"
    with urlopen(Request(url, headers={"Authorization": f"token {lab.token}"}), timeout=PATIENCE_SECONDS) as reply:
        assert 'class="reveal"' in reply.read().decode()


def test_the_plain_export_of_jupyter_shows_the_twin_and_no_trace_of_the_labs_own_errors(
    lab: RunningLab, session: LabSession, browser: Browser
) -> None:
    from nbconvert import HTMLExporter

    session.notes.save(student="7")
    saved = left_behind.left_behind(lab.folder / "notebooks", {**os.environ, "LABKIT_HOME": str(lab.home)})
    saved.cells = [cell for cell in saved.cells if cell.source in left_behind.OF_THE_LAB]
    del saved.metadata["widgets"]

    html, _ = HTMLExporter().from_notebook_node(saved)

    assert "Traceback" not in html and str(lab.top) not in html
    page = browser.new_page(java_script_enabled=False)
    page.set_content(html)
    expect(page.locator(".labkit-twin")).to_be_visible()
    expect(page.get_by_role("link", name="Go to that step")).to_be_visible()
    page.close()
