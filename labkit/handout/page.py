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

from labkit.handout.cells import CellRenderer
from labkit.handout.markup import Summary
from labkit.handout.redact import redactor_of_this_machine
from labkit.services.environment import settings

TEMPLATES = Path(__file__).parents[1] / "jupyter" / "config" / "nbconvert" / "templates"
CONTENTS_DOWN_TO = 3
"""The deepest level of heading in a table of contents."""


@dataclass(frozen=True)
class Page:
    """A rendered chapter, as a page of its own and as a part of a larger one.

    name: its file name without the ending. summary: what its cells add to the page as a whole.
    """

    name: str
    title: str
    html: str
    part: str
    summary: Summary


class HandoutExporter(HTMLExporter):
    """nbconvert's exporter with the lab's template. One instance serves all chapters."""

    def __init__(self) -> None:
        super().__init__(
            template_name="handout",
            extra_template_basedirs=[str(TEMPLATES)],
            optimistic_validation=True,  # validate once, not after each of a dozen unused preprocessors
        )

    def page(self, name: str, notebook: Any, cells: CellRenderer, **frame: Any) -> Page:
        """The notebook as a page. frame: `home`, the page to link back to, and `note`, a sentence for its top."""
        language = notebook.metadata.get("language_info", {})
        lexer = language.get("pygments_lexer", language.get("name"))
        self.register_filter("highlight_code", Highlight2HTML(pygments_lexer=lexer, parent=self))
        resources = {"metadata": {"name": name}, "handout": {"cells": cells, **frame}}
        html, resources = TemplateExporter.from_notebook_node(self, notebook, resources)
        page = resources["handout"]
        part = self.render("part", nb=page["notebook"], resources={**resources, "handout": {**page, "headings": []}})
        return Page(name, page["title"], html, part, page["summary"])  # nbconvert renders a copy

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
    """Renders the cells of a notebook, and collects what the template's frame shows.

    `resources["handout"]` may hold `cells` (a CellRenderer), a `home` to link to and a `note` for the top of the page.
    In JupyterLab's own export it is absent, and a renderer is made here.
    """

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        page = dict(resources.get("handout", {}))
        cells = page.pop("cells", None) or _renderer_for(resources.get("metadata", {}))
        nb = cells.render(nb)
        summary: Summary = cells.summary
        name = str(resources.get("metadata", {}).get("name", ""))
        headings = nested([Heading(*one) for one in summary.headings if 1 < one[0] <= CONTENTS_DOWN_TO])
        resources["handout"] = {
            **page,
            "title": nb.metadata.title or next((words for level, _, words in summary.headings if level == 1), name),
            "styles": summary.styles,
            "rounded": summary.rounded,
            "headings": headings,
            "notebook": nb,
            "summary": summary,
            "has_title": summary.has_title,
        }
        return nb, resources


def _renderer_for(metadata: Mapping[str, Any]) -> CellRenderer:
    """The renderer for a notebook that JupyterLab exports: its folder is in the metadata, its lab is this process's."""
    folder = Path(metadata.get("path") or os.getcwd())
    clone = folder.parent if folder.name == "notebooks" else folder
    return CellRenderer(redactor_of_this_machine(settings().home, clone), folder, clone)


def nested(headings: list[Heading]) -> list[Heading]:
    """The headings as a tree: each below the last one before it with a smaller level.

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
