"""Repairs filters that word processors and web pages changed: typographic quotes and unusual spaces.

The original console refused typographic quotes, although its help pages and the printed lab show them. Each change
replaces one character by one, so positions in the straightened text are those in the text as typed.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_STRAIGHT = dict.fromkeys("“”„‟″", '"') | dict.fromkeys("‘’‚‛′", "'")
_BREAKS = "\n\r\v\f\x85\u2028\u2029"
_JOINING_WORD = re.compile(r"(and|or)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Straightened:
    """A text with straight quotes and plain spaces, and as it was typed."""

    text: str
    typed: str

    @property
    def sentence(self) -> str:
        """All changes in one sentence; "" without changes.

        >>> straighten("user = “root”").sentence
        'Read with straight quotes for “ and ”.'
        """
        changes = {found: put for found, put in zip(self.typed, self.text, strict=True) if found != put}
        quotes = [found for found, put in changes.items() if put != " "]
        spaces = " " in changes.values()
        parts = [f"straight quotes for {_listed(quotes)}"] if quotes else []
        parts += ["plain spaces for line breaks or unusual spaces"] if spaces else []
        return f"Read with {' and '.join(parts)}." if parts else ""


def straighten(text: str) -> Straightened:
    """The text with straight quotes, and with a plain space for each line break and unusual space.

    A typographic apostrophe between two letters inside a single-quoted string is kept: straightened, it would end the
    string. Straightening twice changes nothing more.

    >>> straighten("user = “root”").text
    'user = "root"'
    """
    letters, opened = [], ""
    for position, found in enumerate(text):
        put = _plain(found)
        if put == "'" != found and opened == "'" and _is_apostrophe(text, position):
            put = found
        if put in ('"', "'"):
            opened = "" if opened == put else opened or put
        letters.append(put)
    return Straightened("".join(letters), text)


def _plain(found: str) -> str:
    if found in _STRAIGHT:
        return _STRAIGHT[found]
    return " " if found in _BREAKS or unicodedata.category(found) == "Zs" else found


def _is_apostrophe(text: str, position: int) -> bool:
    before, after = text[:position][-1:], text[position + 1 :][:1]
    return before.isalnum() and after.isalnum() and not _JOINING_WORD.match(text, position + 1)


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
