"""Pasted text: removes what surrounds a value and the invisible characters in it, and names what it removed."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

QUOTES = "\"'`“”„‘’‚«»"
_SPACES = " \t\r\n\v\f"
_BLANK_LETTERS = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and symbols that are blank, though Unicode does not class them as spaces."""

NAMED_AT_MOST = 3


@dataclass(frozen=True)
class Pasted:
    """A pasted value. value: what is left. around: kinds of what surrounded it. invisible: removed characters."""

    value: str
    around: tuple[str, ...] = ()
    invisible: tuple[str, ...] = ()

    def sentences(self, name: str) -> tuple[str, ...]:
        """What was removed from the value with this name, one sentence each.

        >>> clean("‘7’").sentences("student number")
        ('Quotes around the student number were removed.',)
        """
        sentences = [f"{' and '.join(self.around).capitalize()} around the {name} were removed."] if self.around else []
        if self.invisible:
            what = "An invisible character was" if len(self.invisible) == 1 else "Invisible characters were"
            letters = ", ".join(map(_named, self.invisible[:NAMED_AT_MOST]))
            sentences.append(f"{what} removed from the {name}: {letters}.")
        return tuple(sentences)


def clean(text: str) -> Pasted:
    """The text without the quotes and spaces around it, and without any invisible character.

    Spaces that no keyboard types, such as U+00A0 and U+3000, count as invisible.

    >>> clean(' "acl-1f"')
    Pasted(value='acl-1f', around=('spaces', 'quotes'), invisible=())
    >>> clean("vpc-\u200e1f").value
    'vpc-1f'
    """
    seen = "".join(letter for letter in text if not is_invisible(letter))
    value = seen.strip(QUOTES + _SPACES)
    before, _, after = seen.partition(value) if value else ("", "", "")
    around = set(before + after)
    kinds = {"line breaks": "\r\n\v\f", "spaces": " \t", "quotes": QUOTES}
    return Pasted(
        value,
        tuple(kind for kind, letters in kinds.items() if around & set(letters)),
        tuple(dict.fromkeys(letter for letter in text if is_invisible(letter))),
    )


def without_invisible(text: str) -> str:
    """A text of several values without invisible characters; one that separates words, such as U+00A0, is a space.

    >>> without_invisible("a\u00a0b\u200e")
    'a b'
    """
    spaced = "".join(" " if is_invisible(letter) and letter.isspace() else letter for letter in text)
    return "".join(letter for letter in spaced if not is_invisible(letter))


def is_invisible(letter: str) -> bool:
    """Whether a character is invisible; a space that a keyboard types is not.

    >>> [is_invisible(letter) for letter in (" ", "\\n", "a", "\u00ad", "\u3000", "\u2028")]
    [False, False, False, True, True, True]
    """
    if letter in _SPACES:
        return False
    return unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp", "Zs") or letter in _BLANK_LETTERS


def _named(letter: str) -> str:
    name = unicodedata.name(letter, "")
    return f"U+{ord(letter):04X} ({name})" if name else f"U+{ord(letter):04X}"
