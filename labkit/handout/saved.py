"""Notebooks as a student saved them. They are read, never run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat

from labkit.handout.running import unreadable

AS_SAVED = "This is a notebook as it was saved. Nothing was run for this page."
NO_RESULTS = "This is a notebook as it was saved, without results: its cells were not run, or were cleared."


def read(path: Path) -> Any:
    """The notebook in a file, of any notebook format. Raises LabError if it is not a notebook."""
    with damage_errors(path):
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        for cell in notebook.cells:
            cell.setdefault("metadata", nbformat.NotebookNode())
            cell.source = "".join(cell.get("source", ""))
            if cell.cell_type == "code":
                cell.setdefault("outputs", [])
        return notebook


@contextmanager
def damage_errors(path: Path) -> Iterator[None]:
    """Translate the errors of a damaged notebook, any part of which may have the wrong type, to LabError."""
    try:
        yield
    except (OSError, ValueError, LookupError, TypeError, AttributeError, nbformat.ValidationError) as error:
        raise unreadable(path, error) from error


def note(notebook: Any) -> str:
    """The sentence at the top of its page."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return NO_RESULTS if code and not any(cell.outputs for cell in code) else AS_SAVED
