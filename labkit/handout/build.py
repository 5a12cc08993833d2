"""Builds a handout: chapters in, files out."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.handout.redact import Redactor, redactor_of_this_machine
from labkit.handout.running import Chapter, run, temporary_lab
from labkit.model.errors import InvalidInput, LabError
from labkit.services.environment import settings

if TYPE_CHECKING:
    from labkit.handout.page import HandoutExporter, Page

CHAPTER = re.compile(r"[0-9]{2}_[a-z_]+\.ipynb")
"""A chapter's file name; a copy of one has another."""

SECONDS_A_CELL, CELLS = 0.25, 40
"""About how long a code cell takes with two cores, and as how many measured ones that counts: the first chapter, of few
cells, waits for the sandbox."""

Say = Callable[[str], None]


@dataclass
class Handout:
    """A handout that is being built.

    folder: holds `notebooks/`. wanted: the notebooks asked for. whole: whether those are all there are.
    say: called with each line of progress. browser: the program that prints each page as a PDF; "" for no PDF.
    stable: whether measured values are replaced by their order of magnitude, so that each run gives the same bytes.
    short: whether only what a chapter marks for the short edition is shown, all on one page.
    """

    folder: Path
    wanted: Sequence[Path]
    whole: bool
    say: Say
    browser: str = ""
    stable: bool = False
    short: bool = False
    note: str = ""
    pages: list[Page] = field(default_factory=list)

    @cached_property
    def exporter(self) -> HandoutExporter:
        from labkit.handout.page import HandoutExporter

        return HandoutExporter()

    def add(self, name: str, notebook: Any, redactor: Redactor, *, note: str = "") -> None:
        """Make the page of one notebook."""
        from labkit.handout.cells import CellRenderer
        from labkit.handout.questions import shortened

        cells = CellRenderer(redactor, self.folder / "notebooks", self.folder, rounded=self.stable)
        notebook = shortened(notebook) if self.short else notebook
        self.pages.append(self.exporter.page(name, notebook, cells, home="index.html", note=note))

    def files(self) -> dict[str, bytes]:
        """The files of the handout by name. Raises LabError if a PDF cannot be made."""
        from labkit.handout.book import CONTENTS, SHORT, WHOLE, contents, whole_lab

        pages = {} if self.short else {page.name: _encoded(page.html) for page in self.pages}
        if self.whole or self.short:
            name = SHORT if self.short else WHOLE
            pages[name] = _encoded(whole_lab(self.exporter, self.pages, self.note, short=self.short))
        files = {f"{name}.html": text for name, text in pages.items()}
        files |= {f"{name}.pdf": self._print(name, text) for name, text in pages.items() if self.browser}
        if self.short:
            return files
        first = contents(self.exporter, self.pages, whole=self.whole, has_pdf=bool(self.browser), note=self.note)
        return files | {f"{CONTENTS}.html": _encoded(first)}

    def _print(self, name: str, page: bytes) -> bytes:
        from labkit.handout.pdf import to_pdf

        self.say(f"{name}: printing")
        return to_pdf(self.browser, page)


def chapters(folder: Path, names: Sequence[str], *, copies: bool) -> list[Path]:
    """The notebooks of these chapters, in order; all of them for none.

    copies: whether copies of chapters and other notebooks count.
    A name is a chapter's number, `2` or `02`, or its file's name. Raises InvalidInput if no notebook has it.
    """
    notebooks = sorted((folder / "notebooks").glob("*.ipynb"), key=lambda path: path.stem)  # a copy after its original
    there = [path for path in notebooks if copies or CHAPTER.fullmatch(path.name)]
    chosen: set[Path] = set()
    for name in names:
        found = [path for path in there if _is_called(path, name)]
        if not found:
            raise InvalidInput(
                f"There is no chapter “{name}”.",
                f"Chapters here: {', '.join(path.stem for path in there) or 'none'}.",
                "Give a chapter's number, such as 2, or no number for all chapters.",
                field="chapter",
            )
        chosen.update(found)
    return [path for path in there if path in chosen or not names]


def _is_called(path: Path, name: str) -> bool:
    number = re.fullmatch(r"[0-9]{1,2}", name)
    return path.name.startswith(f"{name:0>2}_") if number else name in (path.stem, path.name)


def build_by_running(handout: Handout) -> None:
    """Run the wanted chapters and those that they build on, and make the pages. Raises LabError."""
    needed, started = list(_with_needs(handout)), time.monotonic()

    def begun(chapter: Chapter) -> None:
        number = needed.index(chapter)
        left = _seconds_left(needed, number, time.monotonic() - started)
        handout.say(f"{number + 1} of {len(needed)}: {chapter.path.stem}: running, about {left} s left")

    with temporary_lab() as lab:
        for chapter in run(needed, lab, lambda: _preload_templates(handout, needed[0]), begun):
            if chapter.path in handout.wanted:
                redactor = redactor_of_this_machine(lab.home, handout.folder)
                handout.add(chapter.path.stem, _as_node(chapter.notebook), redactor)


def _seconds_left(needed: Sequence[Chapter], number: int, elapsed: float) -> int:
    """About how long the chapters from this one on take: each code cell as long as one so far, in steps of 5 s."""
    cells = [len(chapter.cells) for chapter in needed]
    rate = (elapsed + CELLS * SECONDS_A_CELL) / (sum(cells[:number]) + CELLS)
    return 5 * math.ceil(sum(cells[number:]) * rate / 5)


FIRST_STEPS = "01"
"""The first chapter with a step: what is done there shows in all later ones."""


def _with_needs(handout: Handout) -> Iterator[Chapter]:
    """What was asked for, and, from the first that builds on another, all before it: the same pages either way."""
    last = max(handout.wanted)
    for path in chapters(handout.folder, (), copies=False):
        if path in handout.wanted or FIRST_STEPS <= path.name < last.name:
            yield Chapter.read(path)


def _preload_templates(handout: Handout, chapter: Chapter) -> None:
    """Load what pages need, by making one that is thrown away, while this process would only wait."""
    handout.add(chapter.path.stem, _as_node(chapter.notebook), Redactor())
    handout.pages.clear()


def _encoded(page: str) -> bytes:
    """The page in UTF-8. A lone surrogate, which a notebook may contain, becomes a question mark."""
    return page.encode(errors="replace")


def _as_node(notebook: Any) -> Any:
    from nbformat import from_dict

    return from_dict(notebook)


def build_from_saved(handout: Handout) -> None:
    """Make the pages of the notebooks as they were saved. Raises LabError for one that cannot be read."""
    from labkit.handout import saved

    if not handout.wanted:
        raise LabError(
            "There is nothing to make a handout of.",
            f"{handout.folder / 'notebooks'} holds no notebook.",
            "Change into the folder of the clone, and try again.",
        )
    redactor = redactor_of_this_machine(settings().home, handout.folder)
    for path in handout.wanted:
        with saved.damage_errors(path, handout.wanted):
            notebook = saved.read(path)
            handout.add(path.stem, notebook, redactor, note=saved.note(notebook))
    handout.note = saved.AS_SAVED.replace("a notebook as it was", "what was").replace("page", "handout")
