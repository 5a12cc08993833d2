"""The pages that join the chapters: the contents, and the whole lab on one page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Any

from labkit.handout.markup import Rules, Summary, rewrite
from labkit.handout.page import CONTENTS_DOWN_TO, HandoutExporter, Heading, Page, nested

TITLE = "Self-Protecting Cloud"
CONTENTS, WHOLE, SHORT = "index", "self-protecting-cloud", "self-protecting-cloud-short"
"""The file names of these pages, without their endings."""


def contents(exporter: HandoutExporter, pages: Sequence[Page], *, whole: bool, has_pdf: bool, note: str) -> str:
    """The page with links to the others. whole: the whole lab has a page too. has_pdf: each page has a PDF."""
    frame = {"title": TITLE, "styles": [], "home": "", "note": note, "rounded": False}
    chapters = [
        (page.name, page.title, [words for level, _, words in page.summary.headings if level == 2]) for page in pages
    ]
    return exporter.render("contents", page=frame, chapters=chapters, whole=[WHOLE] * whole, has_pdf=has_pdf)


def whole_lab(exporter: HandoutExporter, pages: Sequence[Page], note: str, *, short: bool = False) -> str:
    """All chapters as one page: one h1, each chapter's headings one level down, links between chapters as anchors.

    short: whether these are the chapters' short editions.
    """
    summary = Summary(has_title=True, anchors={_prefix(page) for page in pages})
    parts, headings = [], []
    for page in pages:
        part = rewrite(page.part, _rules(page, pages), summary)
        if not page.summary.has_title:
            part = f"<h2>{escape(page.title)}</h2>\n{part}"
            headings.append(Heading(2, _prefix(page), escape(page.title)))
        parts.append((_prefix(page), part))
        headings += [
            Heading(level + 1, f"{_prefix(page)}--{anchor}", words)
            for level, anchor, words in page.summary.headings
            if level < CONTENTS_DOWN_TO
        ]
    frame: dict[str, Any] = {
        "title": TITLE,
        "styles": list(dict.fromkeys(style for page in pages for style in page.summary.styles)),
        "home": "" if short else f"{CONTENTS}.html",
        "note": note,
        "rounded": any(page.summary.rounded for page in pages),
    }
    return exporter.render("whole", page=frame, parts=parts, headings=[] if short else nested(headings), short=short)


def _rules(page: Page, pages: Sequence[Page]) -> Rules:
    names = {f"{one.name}.html": _prefix(one) for one in pages}

    def within(address: str) -> str:
        path, _, anchor = address.partition("#")
        if not path:
            return f"#{_prefix(page)}--{anchor}"
        if path in names:
            return f"#{names[path]}--{anchor}" if anchor else f"#{names[path]}"
        return address if re.match(r"(?:https?|mailto):", address) else ""

    return Rules(link=within, picture=lambda source: source, deeper=1, prefix=f"{_prefix(page)}--")


def _prefix(page: Page) -> str:
    """The anchor of a chapter, and the prefix of the anchors in it."""
    return re.sub(r"[^\w.-]+", "-", page.name)
