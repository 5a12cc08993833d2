"""What a chapter asks of a student, for readers, who cannot answer: answers are folded, forms are shown filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Any

FORM, BUTTON = "form", "button"
"""Keys of the metadata of a cell with a form: what is entered, by field, and what is pressed."""

SOLUTION, BLANK = "solution", "blank"
"""Keys of an exercise's metadata: the line that solves it, as the chapter keeps it, and its source before that."""

GUESS = "**Guess"
"""How prose asks for a guess about the cell below it."""

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
