"""What a chapter's metadata say for its readers: answers are folded, forms filled in, results have a sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Any

FORM, BUTTON = "form", "button"
"""Keys of the metadata of a cell with a form: what is entered, by field, and what is pressed."""

NOTEBOOK_ONLY = "notebook-only"
"""The key in the metadata of a cell that is of no use to a reader."""

SOLUTION, BLANK = "solution", "blank"
"""Keys of an exercise's metadata: the line that solves it, as the chapter keeps it, and its source before that."""

ANSWERS_A_GUESS = re.compile(r'\bguess="')
"""In the source of a cell that answers what another one asked."""


def solve(cell: dict[str, Any]) -> None:
    """Put an exercise's solution into its blank."""
    if solution := cell["metadata"].get(SOLUTION):
        cell["metadata"][BLANK] = cell["source"]
        cell["source"] = cell["source"].replace(_blank(solution), solution)


def exercise(metadata: Mapping[str, object], source: str) -> tuple[str, str, bool]:
    """What a page shows of a cell: its source, the answer to fold ("" for none), and whether it ran with that answer.

    What a student answered stays as it is.
    """
    solution = str(metadata.get(SOLUTION, ""))
    if BLANK in metadata:
        return str(metadata[BLANK]), solution, True
    return source, solution if solution and _blank(solution) in source else "", False


def _blank(solution: str) -> str:
    return f"{solution.partition(' = ')[0]} = ..."


def folded(*pieces: str) -> str:
    """Pieces of HTML that open when the reader wants them, and on paper."""
    return f"<details><summary>The answer</summary>{''.join(pieces)}</details>"


def answer(solution: str) -> str:
    return f"<pre>{escape(solution)}</pre>"


def filled_form(form: object) -> str:
    """A still picture of a form: its fields with what was entered, and the button that was pressed; "" for no form."""
    if not isinstance(form, Mapping):
        return ""
    rows = [
        f"<p>{escape(name)} <samp>{escape(str(value))}</samp></p>" for name, value in form.items() if name != BUTTON
    ]
    return f'<div class="form">{"".join(rows)}<p><b>{escape(str(form.get(BUTTON, "")))}</b> <i>pressed</i></p></div>'


SHORT = "short"
"""The key in the metadata of a cell that the short edition shows; its value is the sentence, in Markdown."""

SHORT_RESULTS = "short-results"
"""The key of the numbers of the results that it shows of such a cell, from 0; without it, all."""

PICTURE = re.compile(r"^!\[.*$", re.MULTILINE)
"""A picture of a Markdown cell, on a line of its own."""


def shortened(notebook: Any) -> Any:
    """The notebook with its title and, of each marked cell, the sentence and the picture or result."""
    from nbformat.v4 import new_markdown_cell

    shown = [new_markdown_cell(cell.source.partition("\n")[0]) for cell in notebook.cells[:1]]
    for cell in notebook.cells:
        if sentence := str(cell.metadata.get(SHORT, "")):
            pictures = PICTURE.findall(cell.source) if cell.cell_type == "markdown" else []
            shown.append(new_markdown_cell("\n\n".join([sentence, *pictures]), attachments=cell.get("attachments", {})))
        if sentence and cell.cell_type == "code":
            wanted = cell.metadata.get(SHORT_RESULTS, range(len(cell.outputs)))
            outputs = [output for number, output in enumerate(cell.outputs) if number in wanted]
            bare = {"source": "", "metadata": type(cell)(), "execution_count": None, "outputs": outputs}
            shown.append(type(cell)({**cell, **bare}))
    return type(notebook)({**notebook, "cells": shown})
