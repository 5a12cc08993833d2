"""`labkit handout --from-mine`: notebooks as they were saved, whatever state they are in; nothing is run."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import nbformat
import pytest
from click.testing import CliRunner, Result
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from labkit.cli.main import main
from labkit.handout import build
from labkit.steps.session import LabSession
from tests import left_behind
from tests.handouts import Outline, words
from tests.html_validity import validity_errors
from tests.notebooks.chapters import PATHS
from tests.notebooks.kernel import STUDENT

CHAPTER_2 = "02_create_environment"


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A student's clone, in which nothing may be run."""
    (tmp_path / "notebooks").mkdir()
    for path in PATHS:
        shutil.copy(path, tmp_path / "notebooks")
    shutil.copytree(PATHS[0].parents[1] / "images", tmp_path / "images")
    monkeypatch.chdir(tmp_path)

    def never(*_: object) -> None:
        raise AssertionError("a lab was started")

    monkeypatch.setattr(build, "temporary_lab", never)
    return tmp_path


def handout(*options: str) -> Result:
    return CliRunner().invoke(main, ["handout", "--from-mine", *options])


def save(clone: Path, name: str, notebook: nbformat.NotebookNode) -> None:
    nbformat.write(notebook, clone / "notebooks" / f"{name}.ipynb")


def page(clone: Path, name: str) -> str:
    return (clone / "handout" / f"{name}.html").read_text(encoding="utf-8")


def test_what_a_student_left_is_readable_and_safe(clone: Path, session: LabSession, by_hand: Mapping[str, str]) -> None:
    session.notes.save(student=STUDENT)
    saved = left_behind.left_behind(clone, by_hand)
    assert left_behind.HALF_FILLED in str(saved.metadata.widgets), "the half filled form is in what was saved"
    save(clone, CHAPTER_2, saved)

    assert handout("2").exit_code == 0

    made = page(clone, CHAPTER_2)
    left_behind.is_safe_and_readable(made)
    assert validity_errors(made, page(clone, "index")) == []
    assert str(clone) not in made and str(session.backend.home) not in made


def test_real_values_are_shown_and_their_marks_are_gone(clone: Path) -> None:
    html = '<div class="labkit"><p data-as="&lt; 1 s">4 ms</p></div>'
    output = new_output("execute_result", {"text/html": html})
    save(clone, CHAPTER_2, new_notebook(cells=[new_code_cell("x", outputs=[output])]))
    handout("2")

    made = page(clone, CHAPTER_2)
    assert "<p>4 ms</p>" in made and "data-as" not in made and "differ from run to run" not in made


def test_notebooks_without_results_say_so(clone: Path) -> None:
    assert handout().exit_code == 0
    assert "without results: its cells were not run" in words(page(clone, CHAPTER_2))
    assert "lab.enter_aws_keys()" in re.sub("<[^>]+>", "", page(clone, CHAPTER_2))
    outline = Outline(page(clone, "self-protecting-cloud"))
    assert outline.elements["h1"] == 1 and outline.elements["h2"] == len(PATHS)


def test_the_short_edition_is_one_page_and_nothing_else(clone: Path) -> None:
    said = handout("--short").output
    assert [path.name for path in (clone / "handout").iterdir()] == ["self-protecting-cloud-short.html"]
    assert "self-protecting-cloud-short.html" in said.replace("\n", "")


def test_copies_and_notebooks_with_any_name_and_make_up_come_along(clone: Path) -> None:
    save(clone, "02_create_environment-Copy1", new_notebook(cells=[new_code_cell("1 + 1", execution_count=3)]))
    save(clone, "my #1 notes & more", new_notebook(cells=[new_markdown_cell("# One\n\n# Two"), new_code_cell("")]))
    save(clone, "empty", new_notebook())

    assert handout().exit_code == 0

    names = ["02_create_environment-Copy1", "my #1 notes & more", "empty", "index", "self-protecting-cloud"]
    pages = [page(clone, name) for name in names]
    assert validity_errors(*pages) == []
    assert [Outline(made).elements["h1"] for made in pages] == [1] * len(pages)
    assert 'href="my%20%231%20notes%20%26%20more.html"' in page(clone, "index")
    anchors = Outline(pages[-1]).anchors
    assert len(anchors) == len(set(anchors)) and "my-1-notes-more--Two" in anchors
    assert {link for link in Outline(pages[-1]).links if unquote(link[1:]) not in anchors} == {"index.html"}


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"cells": 1, "nbformat": 4, "nbformat_minor": 5}', "<<<<<<< HEAD\n{}\n=======", "\x00\xff"],
)
def test_a_file_that_is_not_a_notebook_is_named_and_nothing_is_written(clone: Path, text: str) -> None:
    (clone / "notebooks" / "03_broken.ipynb").write_text(text, encoding="latin-1")
    ended = handout()
    assert ended.exit_code == 1
    assert "03_broken.ipynb cannot be read as a notebook." in ended.output
    assert list((clone / "handout").iterdir()) == []

    *_, command = ended.output.partition("leave it out: labkit handout --from-mine ")
    assert command and handout(*shlex.split(command.replace("\n", " "))).exit_code == 0
    assert {path.stem for path in (clone / "handout").iterdir()} == {"index", *(path.stem for path in PATHS)}


@pytest.mark.parametrize(
    "output",
    [
        {"output_type": "stream", "name": "stdout"},
        {"output_type": "display_data"},
        {"output_type": "display_data", "data": {"image/png": {"a": 1}}, "metadata": {}},
        {"output_type": "error", "ename": None, "traceback": 7},
        7,
    ],
)
def test_a_notebook_with_an_output_that_is_none_is_named_without_a_trace(clone: Path, output: Any) -> None:
    cells = [{"cell_type": "code", "source": "x", "metadata": {}, "execution_count": 1, "outputs": [output]}]
    damaged = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    (clone / "notebooks" / "mine.ipynb").write_text(json.dumps(damaged))
    ended = handout("mine")
    assert isinstance(ended.exception, SystemExit | None)
    assert ended.exit_code == 0 or "mine.ipynb cannot be read as a notebook." in ended.output


def test_half_a_letter_does_not_keep_a_page_from_being_written(clone: Path) -> None:
    half = {"cells": [{"cell_type": "markdown", "source": "# One \ud800 half", "metadata": {}}]}
    half |= {"metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    (clone / "notebooks" / "mine.ipynb").write_text(json.dumps(half))
    assert handout("mine").exit_code == 0
    assert "One ? half" in page(clone, "mine")
