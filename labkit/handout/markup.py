"""The HTML of a cell made fit for a page of its own: nothing runs, nothing is fetched, no element is left open."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape, unescape
from html.parser import HTMLParser

VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
NEED_NO_END = frozenset("p li dt dd tr td th thead tbody tfoot colgroup option optgroup rt rp".split())
"""Elements whose end tag may be left out."""
DROPPED = frozenset(
    "script iframe object embed applet noscript template link meta base title frame frameset"
    " animate set animatemotion animatetransform".split()
)
"""Elements that run or fetch something, or change the attributes of another; dropped with all that is in them."""
UNWRAPPED = frozenset("html head body main button form".split())
"""Elements that a page has elsewhere, or that do nothing on paper; what is in them stays."""
DROPPED_ATTRIBUTES = frozenset("border align valign bgcolor srcset poster background action formaction ping".split())
POINTING = frozenset("for headers list aria-labelledby aria-describedby aria-controls aria-owns".split())
"""Attributes that name anchors."""
FETCHING = re.compile(r"url\(\s*[\"']?(?!#|data:)[^)]*\)", re.IGNORECASE)
HEADING = re.compile(r"h[1-6]")

Attributes = dict[str, str]


@dataclass
class Found:
    """What a page's pieces left for its frame.

    styles: each style sheet once. headings: level, anchor and text of each heading with an anchor. rounded: whether
    a stand-in took a measured value's place.
    """

    styles: list[str] = field(default_factory=list)
    headings: list[tuple[int, str, str]] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    has_title: bool = False
    rounded: bool = False


@dataclass(frozen=True)
class Rules:
    """How a piece of HTML is rewritten.

    link: a new address for the address of a link; "" takes the link away and keeps its words. picture: the same for a
    picture's; "" puts its alt text in its place. anchored: headings get an anchor. rounded: what `data-as` says takes
    the place of an element's content. deeper: by how many levels headings sink. prefix: goes before each anchor.
    """

    link: Callable[[str], str]
    picture: Callable[[str], str]
    anchored: bool = False
    rounded: bool = False
    deeper: int = 0
    prefix: str = ""


def rewrite(html: str, rules: Rules, found: Found) -> str:
    """The piece rewritten; what belongs to the page as a whole is added to `found`."""
    writer = _Rewriter(rules, found)
    writer.feed(re.sub(r"<th\b[^>]*>\s*</th>", "<td></td>", html))
    writer.close()
    return writer.finished()


class _Rewriter(HTMLParser):
    """Copies what it reads, changed where the rules say so."""

    def __init__(self, rules: Rules, found: Found) -> None:
        super().__init__(convert_charrefs=False)
        self._rules, self._found = rules, found
        self._out: list[str] = []
        self._open: list[tuple[str, str]] = []  # the tag read, and the tag written: "" for none
        self._dropping: list[str] = []  # the open elements of what is being dropped
        self._stand_in: tuple[int, str] | None = None  # how deep the measured element lies, and what replaces it
        self._style: list[str] | None = None
        self._heading: tuple[int, int] | None = None  # its level, and where its words begin in what was written

    # --- what HTMLParser calls ---

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if self._dropping or tag in DROPPED:
            if tag not in VOID:
                self._dropping.append(tag)
        elif tag == "style":
            self._style = []
        elif self._stand_in is not None:
            if tag not in VOID:
                self._open.append((tag, ""))
        else:
            self._start(tag, attributes)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._dropping:
            if tag in self._dropping:
                while self._dropping.pop() != tag:
                    pass
        elif tag == "style":
            self._end_style()
        elif any(tag == read for read, _ in self._open):
            while self._open[-1][0] != tag:
                self._end_implied()
            self._end_last()

    def handle_data(self, data: str) -> None:
        if self._style is not None:
            self._style.append(data)
        elif not self._dropping and self._stand_in is None:
            self._out.append(data.replace("<", "&lt;"))

    def handle_entityref(self, name: str) -> None:
        self.handle_data(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.handle_data(f"&#{name};")

    # --- elements ---

    def _start(self, tag: str, attributes: Attributes) -> None:
        if tag == "img":
            self._out.append(self._picture(attributes))
            return
        if tag == "input":
            self._out.append(
                {"checkbox": "☑ " if "checked" in attributes else "☐ "}.get(attributes.get("type", ""), "")
            )
            return
        written = self._name(tag, attributes)
        if tag not in VOID:
            self._open.append((tag, written))
        stand_in = attributes.pop("data-as", None)
        if written:
            self._out.append(_tag(written, self._attributes(tag, attributes)))
        if HEADING.fullmatch(written):
            self._heading = (int(written[1]), len(self._out))
        if stand_in is not None and self._rules.rounded and tag not in VOID:
            self._stand_in = (len(self._open), stand_in)

    def _name(self, tag: str, attributes: Attributes) -> str:
        """The element to write for this one; "" where only its content stays."""
        if tag in UNWRAPPED:
            return ""
        if tag == "a" and "href" in attributes:
            attributes["href"] = self._rules.link(attributes["href"])
            return "a" if attributes["href"] else ""
        if not HEADING.fullmatch(tag):
            return tag
        level = min(6, int(tag[1]) + self._rules.deeper)
        if level == 1:
            level = 2 if self._found.has_title else 1
            self._found.has_title = True
        return f"h{level}"

    def _attributes(self, tag: str, attributes: Attributes) -> Attributes:
        label = attributes.pop("data-label-as", None)
        if label is not None and self._rules.rounded:
            attributes["aria-label"], self._found.rounded = label, True
        if tag == "th":
            attributes.setdefault("scope", "col" if any(read == "thead" for read, _ in self._open) else "row")
        kept = {name: self._attribute(tag, name, value) for name, value in attributes.items()}
        return {name: value for name, value in kept.items() if value is not None}

    def _attribute(self, tag: str, name: str, value: str) -> str | None:
        """The attribute's value; None for one that runs or fetches something, or an anchor that is there already."""
        prefix = self._rules.prefix
        if name.startswith("on") or name in DROPPED_ATTRIBUTES:
            return None
        if name in ("src", "data", "xlink:href") or (name == "href" and tag != "a"):
            if value.startswith("#"):
                return f"#{prefix}{value[1:]}"
            return value if value.startswith("data:image/") else None
        if name == "id":
            anchor = prefix + value
            if not value or re.search(r"\s", value) or anchor in self._found.anchors:
                return None
            self._found.anchors.add(anchor)
            return anchor
        if name in POINTING:
            return " ".join(prefix + one for one in value.split())
        return FETCHING.sub("none", value).replace("url(#", f"url(#{prefix}")

    def _picture(self, attributes: Attributes) -> str:
        source = self._rules.picture(attributes.get("src", ""))
        alt = attributes.get("alt", "")
        if not source:
            return f"<em>[{escape(alt or 'a picture that is not here')}]</em>"
        kept = {name: attributes[name] for name in ("width", "height", "title") if attributes.get(name)}
        return _tag("img", {"src": source, "alt": alt, **kept})

    def _end_implied(self) -> None:
        """Close the innermost open element, whose end was left out, as it may be for some."""
        read, written = self._open[-1]
        if written in NEED_NO_END:
            self._open[-1] = (read, "")
        self._end_last()

    def _end_last(self) -> None:
        """Close the innermost open element."""
        if self._stand_in is not None and len(self._open) == self._stand_in[0]:
            self._out.append(escape(self._stand_in[1]))
            self._stand_in, self._found.rounded = None, True
        _, written = self._open.pop()
        if HEADING.fullmatch(written):
            self._anchor()
        if written:
            self._out.append(f"</{written}>")

    def _anchor(self) -> None:
        """Give the heading that ends now an anchor of its own: as JupyterLab makes it, blanks become hyphens."""
        if self._heading is None or not self._rules.anchored:
            return
        level, start = self._heading
        self._heading = None
        words = re.sub(r"<[^>]*>", "", "".join(self._out[start:])).strip()
        plain = self._rules.prefix + re.sub(r"\s", "-", unescape(words))
        anchors = (plain, *(f"{plain}-{number}" for number in range(1, len(self._found.anchors) + 2)))
        anchor = next(one for one in anchors if one not in self._found.anchors)
        self._found.anchors.add(anchor)
        self._out[start - 1] = _tag(f"h{level}", {"id": anchor})
        self._found.headings.append((level, anchor, words))

    def _end_style(self) -> None:
        # A browser sees the end of a style sheet in more than this parser does.
        text = FETCHING.sub("none", "".join(self._style or [])).replace("</", "<\\/").strip()
        self._style = None
        if text and text not in self._found.styles:
            self._found.styles.append(text)

    def finished(self) -> str:
        """All that was written, with whatever is still open closed."""
        self._dropping.clear()
        while self._open:
            self._end_implied()
        return "".join(self._out)


def _tag(name: str, attributes: Mapping[str, str]) -> str:
    written = "".join(f' {name}="{escape(value)}"' if value else f" {name}" for name, value in attributes.items())
    return f"<{name}{written}>"
