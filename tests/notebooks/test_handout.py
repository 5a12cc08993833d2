"""`labkit handout`: the chapters run in a lab of their own, and become pages: whole, safe, and the same each time."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from difflib import unified_diff
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import psutil
import pytest
from click.testing import CliRunner
from nbconvert.filters.highlight import Highlight2HTML
from nbformat import read

from labkit.cli.main import main
from tests.handouts import CANARIES, CHAPTERS, ROOT, WHOLE, Made, Outline, begin, twice, with_real_values, words
from tests.html_validity import validity_errors
from tests.notebooks.chapters import PATHS, cells, headings
from tests.wait import PATIENCE_SECONDS, until

ALL = [*CHAPTERS, WHOLE, "index"]
STAND_INS = ("< 2 s", "< 10 s", "< 1 min", "hh:mm", "some bytes", "some packets", "a few dots", "≥ 1")
"""What a stable handout shows for measured values."""


@pytest.fixture(scope="module")
def made() -> Made:
    return twice()[0]


def test_the_same_lab_gives_the_same_files_byte_for_byte() -> None:
    first, second = twice()
    assert {path.stem for path in first.folder.iterdir()} == {path.stem for path in second.folder.iterdir()} == set(ALL)
    for name in ALL:
        assert list(unified_diff(first.page(name).splitlines(), second.page(name).splitlines(), name, n=1)) == []
        assert (first.folder / f"{name}.html").read_bytes() == (second.folder / f"{name}.html").read_bytes()


def test_it_says_how_far_it_is_and_where_it_wrote(made: Made) -> None:
    *progress, last = made.said.splitlines()
    assert [re.sub(r"about \d*[05] s left", "about N s left", line) for line in progress] == [
        f"{number} of {len(CHAPTERS)}: {name}: running, about N s left" for number, name in enumerate(CHAPTERS, 1)
    ]
    assert f"open {made.folder / 'index.html'}" in last


def test_nothing_of_the_lab_that_it_ran_in_is_left(made: Made) -> None:
    assert list(made.temporary.iterdir()) == []
    assert [one for one in psutil.process_iter(["cmdline"]) if str(made.temporary) in str(one.info["cmdline"])] == []


def test_no_secret_is_in_any_file(made: Made) -> None:
    for path in made.folder.iterdir():
        page = path.read_text(encoding="utf-8")
        for canary in CANARIES.values():
            assert canary not in page
        assert (
            re.findall(r"(?:AKIA|ASIA)[A-Z0-9]{16}|\b[0-9a-f]{64}\b|(?<![\w/+])[A-Z0-9a-z/+]{40}(?![\w/+=])", page)
            == []
        )


def test_no_path_of_this_machine_is_in_any_file(made: Made) -> None:
    folders = [str(ROOT), str(made.temporary), str(made.folder), os.environ["LABKIT_HOME"], sys.prefix]
    for path in made.folder.iterdir():
        text = re.sub(r"data:image/[^\"]*", "", path.read_text(encoding="utf-8"))
        assert [folder for folder in [*folders, f"{Path.home()}/"] if folder in text] == []


def test_an_exercise_keeps_its_blank_and_has_its_answer_folded_below_it_with_what_the_check_says(made: Made) -> None:
    for path in PATHS:
        page = made.page(path.stem)
        blanks = [cell for cell in cells(path) if cell.blank]
        assert all(highlighted(cell.source) in page for cell in blanks)
        folds = re.findall(r"<summary>The answer</summary><pre>(.*?)</pre>(.*?)</details>", page, re.DOTALL)
        assert len(folds) == len(blanks)
        for (answer, result), cell in zip(folds, blanks, strict=True):
            assert unescape(answer).startswith(f"{cell.blank} = ") and "done" in words(result)
        assert "in place of the three dots, and run" not in words(page)


def test_what_answers_a_guess_is_folded(made: Made) -> None:
    for path in PATHS:
        for cell in cells(path):
            if cell.is_code and 'guess="' in cell.source:
                rest = made.page(path.stem).partition(highlighted(cell.source))[2]
                assert rest.partition('<div class="result">')[2].startswith("<details><summary>The answer"), cell.id


def test_where_a_chapter_has_a_form_a_page_shows_it_filled_in_and_states_nobody_to_press_anything(made: Made) -> None:
    forms = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "labkit/views/forms").glob("*.py"))
    for path in PATHS:
        page = unescape(made.page(path.stem))
        for form in (cell.metadata.form for cell in read(path, as_version=4).cells if "form" in cell.metadata):
            for name, value in form.items():
                assert f'"{value if name == "button" else name}"' in forms
                assert (f"<b>{value}</b>" if name == "button" else f"<p>{name} <samp>{value}</samp>") in page
        for only in re.findall('<span class="notebook-only">(.*?)</span>', "".join(one.source for one in cells(path))):
            assert max(words(only).split("*"), key=len) not in words(page)
        for told in (
            "Press ",
            "press its button",
            "Run this cell",
            "Run the cell",
            "run the next cell",
            "Shift+Enter.",
            "Choose your guess",
            "the next cell answers",
            "In a hurry?",
            "Run it.",
        ):
            assert told not in words(page), (path.stem, told)


def highlighted(source: str) -> str:
    """The code as a page shows it."""
    return Highlight2HTML(pygments_lexer="python")(source)


def test_no_trace_and_no_control_is_shown(made: Made) -> None:
    for name in ALL:
        page = made.page(name)
        assert "Traceback" not in page and "The cell stopped" not in page
        assert "widget" not in page.lower().replace("jupyter-widgets-disconnected", "")
        assert Outline(page).count("script", "button", "iframe", "object", "form", "link") == 0
        assert Outline(page).elements["input"] == 1  # the switch for large type


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_page_holds_all_of_its_chapter(made: Made, path: Path) -> None:
    outline, text = Outline(made.page(path.stem)), made.page(path.stem)
    there = [cell for cell in cells(path) if not cell.notebook_only]
    prose = [cell for cell in there if not cell.is_code]
    titles = [title for cell in prose for _, title in headings(cell.source)]
    pictures = sum(len(re.findall(r"!\[", cell.source)) for cell in prose)
    recordings = sum(cell.source.count(".webp)") for cell in prose)  # each is folded behind its still
    assert {title.replace(" ", "-") for title in titles} <= set(outline.anchors)
    assert outline.elements["h1"] == 1 and outline.count("h2", "h3") == len(titles) - 1
    assert outline.elements.get("img", 0) == pictures - recordings
    assert text.count('<div class="cell"') == sum(cell.is_code for cell in there)
    assert text.count('<div class="result">') >= sum(bool(cell.checks) for cell in there)
    assert "revives F5's Agility lab" in words(text) and "make lab" in words(text)
    folded = sum(cell.source.count("<details>") for cell in prose) - recordings
    assert outline.elements.get("details", 0) >= folded


def test_the_whole_lab_is_one_page_with_one_title_and_everything_in_it(made: Made) -> None:
    whole = Outline(made.page(WHOLE))
    parts = [Outline(made.page(name)) for name in CHAPTERS]
    assert whole.elements["h1"] == 1 and whole.elements["h2"] == len(CHAPTERS)
    for tag in ("table", "svg", "img", "caption", "progress", "details", "pre"):
        assert whole.elements.get(tag, 0) == sum(part.elements.get(tag, 0) for part in parts), tag
    contents = made.page(WHOLE).partition('<nav class="contents"')[2].partition("</nav>")[0]
    assert len(Outline(contents).links) == whole.count("h2", "h3")
    assert whole.elements["h3"] == sum(part.elements.get("h2", 0) for part in parts)


@pytest.mark.parametrize("name", ALL)
def test_every_link_leads_somewhere_and_no_anchor_is_there_twice(made: Made, name: str) -> None:
    outline = Outline(made.page(name))
    assert len(outline.anchors) == len(set(outline.anchors))
    assert outline.links
    for link in outline.links:
        file, _, anchor = link.partition("#")
        there = Outline(made.page(unquote(file).removesuffix(".html"))) if file else outline
        assert not anchor or unquote(anchor) in there.anchors, link
    if name == WHOLE:
        assert {link for link in outline.links if not link.startswith("#")} == {"index.html"}


def test_every_page_is_valid_html(made: Made) -> None:
    assert validity_errors(*(made.page(name) for name in ALL)) == []


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_page_is_at_most_40_kb_more_than_its_content(made: Made, path: Path) -> None:
    """Its content: the chapter's markdown and code, its pictures, and each result's own markup once."""
    page = made.page(path.stem)
    sources = sum(len(cell.source.encode()) for cell in cells(path))
    pictures = sum(len(one) for one in re.findall(r'src="data:[^"]*"', page))
    results = page.split('<div class="result">')[1:]
    outputs = sum(
        len(one.partition('<div class="prose">')[0].partition('<div class="cell"')[0].encode()) for one in results
    )
    assert len(page.encode()) - sources - pictures - outputs <= 40_000


def test_asked_for_stable_pages_measured_values_give_way_to_their_size_and_the_page_says_so(made: Made) -> None:
    for name in CHAPTERS:
        page = made.page(name)
        assert "data-as" not in page and "data-label-as" not in page
        assert re.findall(r"\b\d\d:\d\d:\d\d\b|\b\d+ ms\b", words(page)) == []
        assert ("this handout gives their size" in page) == any(one in unescape(page) for one in STAND_INS)
    assert any(one in unescape(made.page(WHOLE)) for one in STAND_INS)


def test_a_reader_gets_what_the_programs_said_and_the_figures_of_the_run() -> None:
    pages = "".join(words(with_real_values(name)) for name in CHAPTERS)
    assert re.search(r"curl: \(28\) .* after \d+ (ms|milliseconds)", pages)
    assert re.search(r"\d\d:\d\d:\d\d\.\d{3}", pages) and re.search(r"\b\d+ ms\b|\b\d+\.\d s\b", pages)
    assert [one for one in STAND_INS if one in unescape(pages)] == []
    assert "this handout gives their size" not in pages


def test_the_short_edition_has_a_sentence_for_each_result_and_figure_and_no_code() -> None:
    page = with_real_values(*CHAPTERS, short=True)
    marked = [cell for path in PATHS for cell in read(path, as_version=4).cells if "short" in cell.metadata]
    sentences = re.split(r'<div class="prose">\n<p>', page)[1:]
    assert len(sentences) == len(marked) >= 12
    for shown, cell in zip(sentences, marked, strict=True):
        assert words(shown).strip().startswith(re.sub(r"[`*]", "", cell.metadata.short)[:25])
        assert ("<img" if cell.cell_type == "markdown" else '<div class="result">') in shown
    assert 'class="highlight' not in page and "The answer<" not in page and 'href="index.html"' not in page
    assert Outline(page).elements["h2"] == len(CHAPTERS) and validity_errors(page) == []
    assert "the short edition" in words(page) and "revives F5's Agility lab" in words(page)
    assert "It was “" not in words(page) and "Looked at" not in words(page)


def test_a_chapter_made_alone_is_the_same_page(made: Made, tmp_path: Path) -> None:
    alone = begin(tmp_path / "out", tmp_path / "tmp", "2")
    assert alone.wait(PATIENCE_SECONDS) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"02_create_environment.html", "index.html"}
    page = (tmp_path / "out" / "02_create_environment.html").read_text(encoding="utf-8")
    assert page == made.page("02_create_environment")


@pytest.fixture
def running(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A handout of chapter 3 that is being made: its sandbox and a kernel are there."""
    process = begin(tmp_path / "out", tmp_path / "tmp", "3")

    def under_way() -> bool:
        assert process.poll() is None, process.communicate()[0]
        return bool(list((tmp_path / "tmp").glob("*/sandbox.json"))) and len(processes_of(tmp_path)) >= 3

    try:
        until(under_way)
        yield process
    finally:
        process.kill()
        process.wait()


def processes_of(folder: Path) -> list[psutil.Process]:
    """Those that were given a file or folder below this one."""
    running = [one for one in psutil.process_iter(["cmdline", "status"]) if one.info["status"] != psutil.STATUS_ZOMBIE]
    return [one for one in running if str(folder) in " ".join(one.info["cmdline"] or [])]


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 1), (signal.SIGTERM, 128 + signal.SIGTERM)])
def test_ended_midway_it_leaves_no_process_no_home_and_no_half_file(
    running: subprocess.Popen[str], tmp_path: Path, sent: signal.Signals, status: int
) -> None:
    running.send_signal(sent)
    assert running.wait(PATIENCE_SECONDS) == status
    until(lambda: not processes_of(tmp_path))
    assert list((tmp_path / "tmp").iterdir()) == []
    assert list((tmp_path / "out").iterdir()) == []


def test_killed_midway_it_leaves_no_process_and_no_half_file(running: subprocess.Popen[str], tmp_path: Path) -> None:
    running.kill()
    running.wait()  # one that is not waited for counts as running still
    until(lambda: not processes_of(tmp_path))
    assert list((tmp_path / "out").iterdir()) == []


def test_a_chapter_that_stops_is_named_and_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("notebooks").mkdir()
    text = PATHS[0].read_text(encoding="utf-8")
    Path("notebooks", PATHS[0].name).write_text(text.replace("lab.choose_backend()", "lab.no_such_call()"))
    ended = CliRunner().invoke(main, ["handout"])
    assert ended.exit_code == 1
    assert "00_start_here.ipynb stopped at its cell 4.\nIt raised AttributeError." in ended.output
    assert list(Path("handout").iterdir()) == []


def test_a_chapter_whose_file_is_damaged_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("notebooks").mkdir()
    Path("notebooks", PATHS[0].name).write_text("<<<<<<< HEAD")
    ended = CliRunner().invoke(main, ["handout"])
    assert ended.exit_code == 1 and "00_start_here.ipynb cannot be read as a notebook." in ended.output


@pytest.mark.parametrize("options", [[], ["--from-mine"]])
def test_a_chapter_that_does_not_exist_is_reported_before_anything_is_run(options: list[str]) -> None:
    ended = CliRunner().invoke(main, ["handout", "7", *options])
    assert ended.exit_code == 1 and "There is no chapter “7”." in ended.output


def test_a_folder_that_cannot_be_written_is_reported_before_anything_is_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    ended = CliRunner().invoke(main, ["handout", "--out", str(tmp_path / "file")])
    assert ended.exit_code == 1 and "cannot be written" in ended.output


def test_without_a_browser_a_pdf_is_refused_before_anything_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    ended = CliRunner().invoke(main, ["handout", "--pdf"])
    assert ended.exit_code == 1 and "this machine has no Chromium" in ended.output
