"""Foreign HTML made safe for a page: an allow-list of elements and attributes, and CSS that loads nothing.

nh3 parses as a browser does and writes what it understood, so no element is left open and nothing hides in malformed
markup. The page's Content-Security-Policy is the second lock.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

import nh3
import tinycss2
from tinycss2.ast import Node

TAGS = frozenset(
    "a abbr b bdi blockquote br caption cite code col colgroup dd del details dfn div dl dt em figcaption figure"
    " h1 h2 h3 h4 h5 h6 hr i img ins kbd label li mark meter ol p pre progress q rp rt ruby s samp section small span"
    " strong sub summary sup table tbody td tfoot th thead time tr u ul var wbr"
    " svg g defs symbol use title desc path rect circle ellipse line polyline polygon text tspan marker clipPath mask"
    " linearGradient radialGradient stop pattern".split()
)
REMOVED_WITH_CONTENT = frozenset(
    "script style iframe object embed applet noscript template frameset"
    " animate animateMotion animateTransform set foreignObject".split()
)
CSS_ATTRIBUTES = frozenset("clip-path fill filter marker-end marker-mid marker-start mask stroke style".split())
"""Attributes that a browser reads as CSS."""
ID_ATTRIBUTES = frozenset("for headers aria-controls aria-describedby aria-labelledby aria-owns".split())
"""Attributes that name the ids of other elements."""
_IGNORED = re.compile("[\x00-\x20]")
"""What a browser leaves out of an address: control characters and blanks at its ends, tabs and line breaks anywhere."""
_EVERYWHERE = frozenset("class dir hidden id lang role style tabindex title".split())
_CELL = frozenset("abbr colspan data-column headers rowspan scope".split())
_PLACE = frozenset("x y dx dy width height rx ry cx cy r x1 x2 y1 y2 d points transform".split())
_DRAWN = _PLACE | frozenset(
    "clip-path clip-rule dominant-baseline fill fill-opacity fill-rule filter font-family font-size font-style"
    " font-weight gradientTransform gradientUnits href letter-spacing marker-end marker-mid marker-start markerHeight"
    " markerUnits markerWidth mask offset opacity orient patternUnits preserveAspectRatio refX refY stop-color"
    " stop-opacity stroke stroke-dasharray stroke-linecap stroke-linejoin stroke-opacity stroke-width text-anchor"
    " viewBox vector-effect xmlns".split()
)
_SVG_TAGS = (
    "svg g defs symbol use path rect circle ellipse line polyline polygon text tspan marker clipPath mask"
    " linearGradient radialGradient stop pattern"
).split()
ATTRIBUTES = {
    "*": _EVERYWHERE | {"aria-hidden"},
    "a": {"href", "hreflang"},
    "col": {"span"},
    "colgroup": {"span"},
    "details": {"open"},
    "div": {"data-number"},  # a cell's number, in a chapter that becomes a part of a larger page
    "img": {"src", "alt", "width", "height"},
    "label": {"for"},
    "li": {"value"},
    "meter": {"value", "min", "max", "low", "high", "optimum"},
    "ol": {"start", "reversed", "type"},
    "progress": {"value", "max"},
    "td": _CELL,
    "th": _CELL,
    "time": {"datetime"},
    **dict.fromkeys(_SVG_TAGS, _DRAWN),
}
_AT_RULES = frozenset("container media supports".split())
_FUNCTIONS = frozenset(
    "calc clamp color-mix fit-content grayscale has is light-dark linear-gradient max min minmax not nth-child"
    " nth-last-child nth-of-type repeat rgb rgba hsl hsla rotate scale translate var where".split()
)
"""The CSS that is let through; none of it loads anything. So is `url()` with an address within the page."""


def sanitize(html: str) -> str:
    """The HTML with only what is on the lists; the words of any other element stay.

    >>> sanitize('<p onclick="x()">a<script>x()</script> <blink>b</blink>')
    '<p>a b</p>'
    """
    return _cleaner().clean(html.encode(errors="replace").decode())  # a lone surrogate is no text to nh3


@cache
def _cleaner() -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=TAGS,
        clean_content_tags=REMOVED_WITH_CONTENT,
        attributes=ATTRIBUTES,
        generic_attribute_prefixes={"aria-"},
        attribute_filter=_filtered,
        url_schemes={"http", "https", "mailto", "data"},
        link_rel=None,
    )


def _filtered(tag: str, attribute: str, value: str) -> str | None:
    """The value, or None for an attribute that would load something."""
    if attribute in CSS_ATTRIBUTES:
        return None if _loads(tinycss2.parse_component_value_list(value)) else value
    if attribute == "src":
        return value if value.startswith("data:image/") else None
    if attribute == "href":
        scheme = _IGNORED.sub("", value).lower()
        allowed = not scheme.startswith("data:") if tag == "a" else value.startswith("#")
        return value if allowed else None
    return value


@cache
def safe_style_sheet(text: str) -> str:
    """The style sheet without the rules that load something or cannot be parsed.

    >>> safe_style_sheet("@import 'x'; p { color: red } i { background: u\\\\72l(x) }")
    'p { color: red }'
    """
    rules = tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True)
    kept = tinycss2.serialize([rule for rule in rules if not _loads([rule])])
    return str(kept).replace("</", "<\\/").strip()


def _loads(nodes: Iterable[Node]) -> bool:
    """Whether CSS has anything that could load something from outside of the page, or that is not on the lists."""
    for node in nodes:
        if node.type == "error" or (node.type == "at-rule" and node.lower_at_keyword not in _AT_RULES):
            return True
        if node.type == "at-keyword" and node.lower_value not in _AT_RULES:
            return True
        if node.type == "url" and not node.value.startswith("#"):
            return True
        if node.type == "function" and node.lower_name not in _FUNCTIONS:
            within = all(one.type == "string" and one.value.startswith("#") for one in node.arguments)
            if node.lower_name != "url" or not within:
                return True
        parts = ("prelude", "content", "arguments")
        if any(_loads(part) for part in (getattr(node, name, None) for name in parts) if part):
            return True
    return False
