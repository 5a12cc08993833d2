"""The chapters as files: their cells, the section of each cell, and the addresses that they link to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import nbformat

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
CHAPTER_1 = FOLDER / "01_initial_configuration.ipynb"
CHAPTER_2 = FOLDER / "02_create_environment.ipynb"
CHAPTER_3 = FOLDER / "03_self_protecting_cloud.ipynb"
CHAPTER_4 = FOLDER / "04_what_it_can_and_cannot_do.ipynb"
CHAPTER_5 = FOLDER / "05_clean_up.ipynb"
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Cell:
    """A cell, and the heading of its section. notebook_only: whether a handout leaves it out."""

    id: str
    kind: str
    source: str
    heading: str
    notebook_only: bool = False

    @property
    def is_code(self) -> bool:
        return self.kind == "code"

    @property
    def is_check(self) -> bool:
        """Whether it checks a step, and does nothing else."""
        return self.source.startswith("lab.check(")

    @property
    def checks(self) -> list[str]:
        """The steps that it checks."""
        return re.findall(r'^lab\.check\("(\w+)"\)$', self.source, re.MULTILINE) if self.is_code else []

    @property
    def blank(self) -> str:
        """The name that an exercise leaves to the student; "" for any other cell."""
        found = re.search(r"^(\w+) = \.\.\.\n", self.source, re.MULTILINE)
        return found[1] if found and self.is_code else ""

    @property
    def prose(self) -> str:
        """The text without its fenced blocks."""
        return FENCED.sub("", self.source)


def cells(path: Path) -> list[Cell]:
    """The chapter's cells in order."""
    found, heading = [], ""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            heading = ([heading] + [title for _, title in headings(cell.source)])[-1]
        found.append(Cell(cell.id, cell.cell_type, cell.source, heading, "notebook-only" in cell.metadata))
    return found


def code_cells(path: Path) -> list[Cell]:
    return [cell for cell in cells(path) if cell.is_code]


def headings(markdown: str) -> list[tuple[int, str]]:
    """Each heading's level and text."""
    lines = FENCED.sub("", markdown).splitlines()
    return [(len(m[1]), m[2].strip()) for line in lines if (m := re.match(r"(#+) (.*)", line))]


def anchors(path: Path) -> set[str]:
    """The addresses that JupyterLab gives to a chapter's headings: blanks become hyphens, nothing else changes."""
    return {title.replace(" ", "-") for cell in cells(path) if not cell.is_code for _, title in headings(cell.source)}


def links(cell: Cell) -> list[tuple[str, str]]:
    """Text and target of each link and image; an image's text is its alt text."""
    return re.findall(r"\[([^\]]*)\]\(([^)\s]+)\)", cell.prose)
