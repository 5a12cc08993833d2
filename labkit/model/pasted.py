"""Text as it was pasted: what surrounds a value, and the characters that nobody sees, are taken away and named."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

QUOTES = "\"'`“”„‘’‚«»"
_SPACES = " \t\r\n\v\f"
_BLANK_LETTERS = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and symbols that show nothing, though Unicode does not file them under spaces."""

NAMED_AT_MOST = 3


@dataclass(frozen=True)
class Pasted:
    """A value as pasted. value: what is left. around: kinds of what surrounded it. invisible: characters taken out."""

    value: str
    around: tuple[str, ...] = ()
    invisible: tuple[str, ...] = ()

    def sentences(self, name: str) -> tuple[str, ...]:
        """What was taken away from the value of this name, a sentence each.

        >>> clean("‘7’").sentences("student number")
        ('Quotes around the student number were removed.',)
        """
        said = [f"{' and '.join(self.around).capitalize()} around the {name} were removed."] if self.around else []
        if self.invisible:
            what = "An invisible character was" if len(self.invisible) == 1 else "Invisible characters were"
            said.append(f"{what} removed from the {name}: {', '.join(map(_named, self.invisible[:NAMED_AT_MOST]))}.")
        return tuple(said)


def clean(text: str) -> Pasted:
    """The text without the quotes and spaces around it, and without any character that nobody sees.

    A space that a keyboard does not type, such as U+00A0 or U+3000, is among those.

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


def is_invisible(letter: str) -> bool:
    """Whether a character shows nothing and is no space that a keyboard types.

    >>> [is_invisible(letter) for letter in (" ", "\\n", "a", "\u00ad", "\u3000", "\u2028")]
    [False, False, False, True, True, True]
    """
    if letter in _SPACES:
        return False
    return unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp", "Zs") or letter in _BLANK_LETTERS


def _named(letter: str) -> str:
    name = unicodedata.name(letter, "")
    return f"U+{ord(letter):04X} ({name})" if name else f"U+{ord(letter):04X}"
