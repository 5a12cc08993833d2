"""Inline markup for text: a state such as `✓ done` becomes a pill; ids, addresses and `code` get the code font."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

TONES = {"✓": "good", "✕": "bad", "?": "wait", "⊘": "stop", "○": ""}
"""The CSS class that colours a state, by its symbol. The symbol and the word say the same without colour.

✕ is a mistake. ⊘ is a packet that is denied: often just what was wanted.
"""

HEX = "[0-9a-f]"
_GROUPS = rf"{HEX}{{1,4}}(?::{HEX}{{1,4}})*"
_SHORT = re.compile(
    rf"\b(?:vpc|acl|subnet|igw|rtb|sg)-{HEX}+\b"  # an id of EC2
    r"|(?<![\w/.])\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?\b"  # an IPv4 address or CIDR block
    rf"|(?<![\w:])(?:{_GROUPS})?::(?:{_GROUPS})?(?:/\d{{1,3}})?(?![\w:])"  # the same of IPv6, shortened
)
_CODE = re.compile(r"`([^`\n]+)`|(\blab\.[a-z_]+\([^()\n]*\))")
_LONG = re.compile(rf"\b{HEX}{{8}}(?:-{HEX}{{4}}){{3}}-{HEX}{{12}}\b|\barn:aws:[\w:/.-]*\w")


def tone(words: str) -> str:
    """The tone of a state, by its first character.

    >>> tone("✓ done"), tone("○ not yet")
    ('good', '')
    """
    return TONES.get(words[:1], "")


def pill(words: str) -> Markup:
    """Render a state, such as `✓ done`, as a pill.

    >>> pill("⊘ deny")
    Markup('<b class="stop">⊘ deny</b>')
    """
    kind = tone(words)
    return Markup('<b class="{}">{}</b>').format(kind, words) if kind else Markup("<b>{}</b>").format(words)


def mono(words: object) -> object:
    """The text with everything in backticks, each call such as lab.status(), each id and each address in the code
    font. A short id is not broken across lines.

    Markup, and objects that render their own, are returned unchanged.

    >>> mono("vpc-1f (10.0.0.0/16) <b>")
    Markup('<samp>vpc-1f</samp> (<samp>10.0.0.0/16</samp>) &lt;b&gt;')
    >>> mono("Say `labkit solve`.")
    Markup('Say <code>labkit solve</code>.')
    >>> mono("Take it: lab.take_vpc('vpc-1')")
    Markup('Take it: <code>lab.take_vpc(&#39;vpc-1&#39;)</code>')
    """
    if hasattr(words, "__html__"):
        return words
    html, done, text = "", 0, str(escape(words))
    for found in _CODE.finditer(text):
        html += f"{_ids(text[done : found.start()])}<code>{found[1] or found[2]}</code>"
        done = found.end()
    return Markup(html + _ids(text[done:]))


def _ids(text: str) -> str:
    return _LONG.sub(r"<code>\g<0></code>", _SHORT.sub(r"<samp>\g<0></samp>", text))
