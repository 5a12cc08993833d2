"""A chapter as a page: nbconvert's exporter with the lab's template, which JupyterLab's own export uses too."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbconvert.exporters.html import HTMLExporter
from nbconvert.exporters.templateexporter import TemplateExporter
from nbconvert.filters.highlight import Highlight2HTML
from nbconvert.preprocessors import Preprocessor

from labkit.handout.markup import Found
from labkit.handout.notebook import NotebookReader
from labkit.handout.safety import cleaner_of_this_machine
from labkit.services.environment import settings

TEMPLATES = Path(__file__).parents[1] / "jupyter" / "config" / "nbconvert" / "templates"
CONTENTS_DOWN_TO = 3
"""The lowest level of heading that a table of contents names."""


@dataclass(frozen=True)
class Page:
    """A chapter rendered: as a page of its own, and as a part of a larger one.

    name: its file name without the ending. found: what its pieces left for a frame.
    """

    name: str
    title: str
    html: str
    part: str
    found: Found


class HandoutExporter(HTMLExporter):
    """nbconvert's exporter with the lab's template. One for all chapters."""

    def __init__(self) -> None:
        super().__init__(
            template_name="handout",
            extra_template_basedirs=[str(TEMPLATES)],
            optimistic_validation=True,  # once, and not after each of a dozen preprocessors that are not in use
        )

    def page(self, name: str, notebook: Any, reading: NotebookReader, **frame: Any) -> Page:
        """The notebook as a page. frame: `home`, the page to link back to, and `note`, a sentence to begin with."""
        language = notebook.metadata.get("language_info", {})
        lexer = language.get("pygments_lexer", language.get("name"))
        self.register_filter("highlight_code", Highlight2HTML(pygments_lexer=lexer, parent=self))
        resources = {"metadata": {"name": name}, "handout": {"reading": reading, **frame}}
        html, resources = TemplateExporter.from_notebook_node(self, notebook, resources)
        page = resources["handout"]
        part = self.render("part", nb=page["notebook"], resources={**resources, "handout": {**page, "headings": []}})
        return Page(name, page["title"], html, part, page["found"])  # nbconvert has worked on a copy

    def render(self, template: str, **context: Any) -> str:
        """One of the templates filled in."""
        return str(self.environment.get_template(f"{template}.html.j2").render(**context))


@dataclass
class Heading:
    """A line of a table of contents. words: HTML."""

    level: int
    anchor: str
    words: str
    below: list[Heading] = field(default_factory=list)


class HandoutPreprocessor(Preprocessor):
    """Makes a notebook safe, and collects what the template's frame shows.

    `resources["handout"]` may hold a `reading` made beforehand, a `home` to link to and a `note` to begin with; in
    JupyterLab's own export it is absent, and all is found out here.
    """

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        page = dict(resources.get("handout", {}))
        reading = page.pop("reading", None) or _reading_of(resources.get("metadata", {}))
        nb = reading.read(nb)
        found: Found = reading.found
        name = str(resources.get("metadata", {}).get("name", ""))
        headings = nested([Heading(*one) for one in found.headings if 1 < one[0] <= CONTENTS_DOWN_TO])
        resources["handout"] = {
            **page,
            "title": nb.metadata.title or next((words for level, _, words in found.headings if level == 1), name),
            "styles": found.styles,
            "rounded": found.rounded,
            "headings": headings,
            "notebook": nb,
            "found": found,
            "has_title": found.has_title,
        }
        return nb, resources


def _reading_of(metadata: Mapping[str, Any]) -> NotebookReader:
    """How to read a notebook that JupyterLab exports: its folder is known, its lab is this process's."""
    folder = Path(metadata.get("path") or os.getcwd())
    clone = folder.parent if folder.name == "notebooks" else folder
    return NotebookReader(cleaner_of_this_machine(settings().home, clone), folder, clone)


def nested(headings: list[Heading]) -> list[Heading]:
    """The headings as a tree: each below the nearest one before it that has a higher place.

    >>> [one.words for one in nested([Heading(2, "a", "A"), Heading(3, "b", "B"), Heading(2, "c", "C")])]
    ['A', 'C']
    """
    top: list[Heading] = []
    above: list[Heading] = []
    for heading in headings:
        while above and above[-1].level >= heading.level:
            above.pop()
        (above[-1].below if above else top).append(heading)
        above.append(heading)
    return top
