"""The HTML of a cell made part of a page: its style sheets, headings, links, pictures and anchors fit that page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from html import escape, unescape

from bs4 import BeautifulSoup, Tag

from labkit.handout.redact import LEFT_OUT, SECRET_NAME, TRACE, Redactor, without_traces
from labkit.handout.sanitize import CSS_ATTRIBUTES, ID_ATTRIBUTES, safe_style_sheet, sanitize

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


@dataclass
class Summary:
    """What the pieces of a page add to the page as a whole.

    styles: each style sheet once. headings: level, anchor and HTML of each heading that got an anchor. rounded:
    whether a measured value was replaced. tables: the captions of the long ones.
    """

    styles: list[str] = field(default_factory=list)
    headings: list[tuple[int, str, str]] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    tables: set[str] = field(default_factory=set)
    has_title: bool = False
    rounded: bool = False


@dataclass(frozen=True)
class Rules:
    """How a piece of HTML is rewritten.

    link: maps the address of a link; "" removes the link and keeps its words. picture: the same for a picture; ""
    leaves its alt text. anchored: headings get an anchor. rounded: measured values are replaced by what `data-as`
    says. deeper: how many levels headings go down. prefix: goes before each anchor. redactor: takes secrets out.
    """

    link: Callable[[str], str]
    picture: Callable[[str], str]
    anchored: bool = False
    rounded: bool = False
    deeper: int = 0
    prefix: str = ""
    redactor: Redactor = field(default_factory=Redactor)


def rewrite(html: str, rules: Rules, summary: Summary) -> str:
    """The piece of HTML, rewritten and safe; what belongs to the page as a whole is added to `summary`."""
    tree = BeautifulSoup(html, "html.parser")
    _move_styles(tree, rules, summary)
    _replace_controls(tree)
    if rules.rounded:
        _round(tree, summary)
    for block in tree("pre", string=lambda text: bool(text) and TRACE in text):
        block.string = without_traces(block.get_text())
    _scope_headers(tree)
    _dress_frames(tree)
    _shorten_repeats(tree, summary)
    _name_columns(tree)
    _empty_secret_cells(tree)
    for link in tree("a", href=True):
        address = str(link["href"])
        link["href"] = rules.link(address) if rules.redactor.redact(address) == address else ""
        if not link["href"]:
            link.unwrap()
    for recording in tree.select('details:has(img[src$=".webp"])'):
        recording.decompose()  # it plays what the still before it shows
    for picture in tree("img"):
        _embed(picture, rules)
    for picture in tree.select("img, svg[role=img]"):
        _describe(picture)
    _prefix_anchors(tree, rules.prefix, summary)
    for heading in tree(HEADINGS):
        _place(heading, rules, summary)
    return without_secrets(sanitize(str(tree)), rules.redactor)


_ATTRIBUTES = r"""[^>"]*(?:"[^"]*"[^>"]*)*"""
_INLINE_TAG = re.compile(
    "</?(?:a|abbr|b|bdi|cite|code|del|dfn|em|i|ins|kbd|mark|q|s|samp|small|span|strong|sub|sup|tspan|u|var|wbr)"
    rf"(?=[\s/>]){_ATTRIBUTES}>"
)
_TAG = re.compile(rf"</?[A-Za-z]{_ATTRIBUTES}>")


def without_secrets(html: str, redactor: Redactor) -> str:
    """Sanitized HTML without secrets, also those that have tags within them: `AKIA<b>…</b>`."""
    html = redactor.redact(html)
    words = unescape(_TAG.sub("\n", _INLINE_TAG.sub("", html)))
    if redactor.redact(words) == words:
        return html
    tree = BeautifulSoup(html, "html.parser")
    for element in [*reversed(tree(True)), tree]:
        words = element.get_text()
        if (cleaned := redactor.redact(words)) != words:
            element.string = cleaned
    return str(tree)


def _move_styles(tree: BeautifulSoup, rules: Rules, summary: Summary) -> None:
    """Move style sheets from the piece to the page."""
    for style in tree("style"):
        text = _style_sheet(style.extract().get_text(), rules.redactor)
        if text and text not in summary.styles:
            summary.styles.append(text)


@cache
def _style_sheet(text: str, redactor: Redactor) -> str:
    plain = re.sub(r"\\([0-9a-fA-F]{1,6})\s?", lambda letter: chr(int(letter[1], 16) % 0x110000), text)
    return safe_style_sheet(redactor.redact(text)) if redactor.redact(plain) == plain else ""


ONLY_IN_A_NOTEBOOK = ".notebook-only, .labkit-twin > .quiet, button.copy"
"""Sentences that tell what to do in a notebook, and buttons that copy: neither is of use on a page."""


def _replace_controls(tree: BeautifulSoup) -> None:
    """Replace what can only be used in a notebook: a checkbox by its state, a button by its words, the rest by
    nothing."""
    for one in tree.select(ONLY_IN_A_NOTEBOOK):
        around = one.parent
        one.decompose()
        if around is not None and around.name == "p" and not around.get_text(strip=True):
            around.decompose()
    for box in tree("input"):
        box.replace_with(("☑ " if box.has_attr("checked") else "☐ ") if box.get("type") == "checkbox" else "")


def _round(tree: BeautifulSoup, summary: Summary) -> None:
    """Replace what was measured by words that hold in every run."""
    for element in tree.select("[data-as]"):
        element.string, summary.rounded = str(element["data-as"]), True
    for element in tree.select("[data-label-as]"):
        element["aria-label"], summary.rounded = element["data-label-as"], True


def _scope_headers(tree: BeautifulSoup) -> None:
    """Say of each header cell whether it heads a column or a row; an empty one heads nothing."""
    for header in tree("th"):
        if not header.get_text(strip=True):
            header.name, header.attrs = "td", {}
        elif not header.has_attr("scope"):
            header["scope"] = "col" if header.find_parent("thead") else "row"


def _dress_frames(tree: BeautifulSoup) -> None:
    """Give the tables of pandas the style of the lab's own, which narrow screens can show."""
    for table in tree("table", class_="dataframe"):
        del table["border"]
        table.wrap(tree.new_tag("div", attrs={"class": "labkit"}))


LONG_TABLE = 8
"""Rows."""


def _shorten_repeats(tree: BeautifulSoup, summary: Summary) -> None:
    """Of a long table that the page has already, keep the row that matters."""
    for caption in tree("caption"):
        words, body = caption.get_text(), caption.find_next_sibling("tbody")
        others = body.select("tr:not(.chosen)") if body else []
        if len(others) < LONG_TABLE:
            continue
        if words in summary.tables and body and body.select("tr.chosen"):
            caption.append(f"; the other {len(others)} as above")
            for row in others:
                row.decompose()
        summary.tables.add(words)


def _name_columns(tree: BeautifulSoup) -> None:
    """Give each cell the name of its column, which narrow screens show above it."""
    for table in tree("table"):
        rows = [row.find_all(["th", "td"], recursive=False) for row in table("tr")]
        if not rows or not all(cell.name == "th" or not cell.get_text(strip=True) for cell in rows[0]):
            continue
        names = [cell.get_text(" ", strip=True) for cell in rows[0]]
        for row in (row for row in rows[1:] if len(row) == len(names)):
            for cell, name in zip(row, names, strict=True):
                if name:
                    cell["data-column"] = name


def _empty_secret_cells(tree: BeautifulSoup) -> None:
    """Take out one word below or beside a head such as `API_KEY`."""
    for cell in tree("td"):
        head = cell.find_previous_sibling("th")
        names = (str(cell.get("data-column", "")), head.get_text(strip=True) if head else "")
        words = cell.get_text(strip=True)
        if any(map(SECRET_NAME.fullmatch, names)) and re.fullmatch(r"[^\s*…]{5,}", words):
            cell.string = LEFT_OUT


def _embed(picture: Tag, rules: Rules) -> None:
    """Put the picture itself in place of its address, or else its alt text."""
    picture["src"] = rules.picture(str(picture.get("src", "")))
    if picture["src"]:
        picture.attrs.setdefault("alt", "")
        return
    words = BeautifulSoup("<em></em>", "html.parser").em
    assert words is not None
    words.string = f"[{picture.get('alt') or 'a picture that is not here'}]"
    picture.replace_with(words)


def _describe(picture: Tag) -> None:
    """Say below a picture in words what it shows, for screens on which its own are too small to read."""
    words = str(picture.get("alt") or picture.get("aria-label") or "")
    around = " ".join(picture.parent.get_text().split()) if picture.parent else ""
    if not all(sentence in around for sentence in words.rstrip(".").split(". ")):
        picture.insert_after(
            BeautifulSoup(f'<span class="in-words" aria-hidden="true">{escape(words)}</span>', "html.parser")
        )


def _prefix_anchors(tree: BeautifulSoup, prefix: str, summary: Summary) -> None:
    """Put the prefix before each id and each reference to one, and remove an id that the page has already."""
    for element in tree(True):
        anchor = f"{prefix}{element.get('id', '')}"
        if element.has_attr("id"):
            if anchor == prefix or re.search(r"\s", anchor) or anchor in summary.anchors:
                del element["id"]
            else:
                element["id"] = anchor
                summary.anchors.add(anchor)
        if prefix:
            _prefix_references(element, prefix)


def _prefix_references(element: Tag, prefix: str) -> None:
    for name, value in list(element.attrs.items()):
        if name in ID_ATTRIBUTES:
            ids = value if isinstance(value, list) else str(value).split()
            element[name] = " ".join(prefix + one for one in ids)
        elif name in CSS_ATTRIBUTES:
            element[name] = str(value).replace("url(#", f"url(#{prefix}")
        elif name in ("href", "xlink:href") and element.name != "a":
            element[name] = re.sub("^#", f"#{prefix}", str(value))


def _place(heading: Tag, rules: Rules, summary: Summary) -> None:
    """Give a heading its level on this page, which has one of level 1, and an anchor if wanted."""
    level = min(6, int(heading.name[1]) + rules.deeper)
    if level == 1:
        level = 2 if summary.has_title else 1
        summary.has_title = True
    heading.name = f"h{level}"
    if rules.anchored:
        words = rules.redactor.redact(heading.get_text().strip())
        anchor = next(one for one in _anchors(rules.prefix + words) if one not in summary.anchors)
        heading.attrs = {"id": anchor}
        summary.anchors.add(anchor)
        summary.headings.append((level, anchor, escape(words, quote=False)))


def _anchors(words: str) -> Iterator[str]:
    """Anchors for a heading, best first. The first is JupyterLab's own: blanks become hyphens."""
    plain = re.sub(r"\s", "-", words)
    yield plain
    number = 0
    while True:
        number += 1
        yield f"{plain}-{number}"
