"""The solved twin of a chapter: each exercise's blank filled in with the solution that its cell's metadata keeps.

As a program it writes the twins of all chapters that have exercises: `python -m tests.notebooks.solved FOLDER`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat

from labkit.handout.questions import solve
from tests.notebooks.chapters import PATHS, Cell, code_cells


def solved_cells(path: Path) -> list[Cell]:
    """The code cells of a chapter's solved twin."""
    solutions = {cell.id: cell.source for cell in solved(path).cells}
    return [Cell(cell.id, cell.kind, solutions[cell.id], cell.heading) for cell in code_cells(path)]


def solved(path: Path) -> nbformat.NotebookNode:
    """The solved twin; the same notebook where there is no exercise."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        solve(cell)
    return notebook


def main() -> None:
    folder = Path(sys.argv[1])
    for path in PATHS:
        if any(cell.blank for cell in code_cells(path)):
            nbformat.write(solved(path), folder / f"{path.stem}_solved.ipynb")


if __name__ == "__main__":
    main()
