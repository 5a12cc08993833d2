"""Notebooks as a student saved them. They are read, never run."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat

from labkit.handout.running import DAMAGES, unreadable

AS_SAVED = "This is a notebook as it was saved. Nothing was run for this page."
NO_RESULTS = "This is a notebook as it was saved, without results: its cells were not run, or were cleared."


def read(path: Path) -> Any:
    """The notebook in a file, of any notebook format. For one that is damaged, see damage_errors."""
    notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    for cell in notebook.cells:
        cell.setdefault("metadata", nbformat.NotebookNode())
        cell.source = "".join(cell.get("source", ""))
        if cell.cell_type == "code":
            cell.setdefault("outputs", [])
    return notebook


@contextmanager
def damage_errors(path: Path, wanted: Sequence[Path]) -> Iterator[None]:
    """Translate the errors of a damaged notebook, any part of which may have the wrong type, to LabError.

    wanted: all notebooks of the handout; the error names the command for the others.
    """
    try:
        yield
    except (OSError, *DAMAGES, nbformat.ValidationError) as error:
        others = shlex.join(one.stem for one in wanted if one != path)
        instead = f"leave it out: labkit handout --from-mine {others}" if others else "choose another notebook."
        raise unreadable(path, error, f"Repair it, or {instead}") from error


def note(notebook: Any) -> str:
    """The sentence at the top of its page."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return NO_RESULTS if code and not any(cell.outputs for cell in code) else AS_SAVED
