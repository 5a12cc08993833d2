"""What a rule filter says, as small values that print themselves back as a filter.

Parentheses that change nothing are dropped, others are kept as grouping, so the tree reads as its writer grouped it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

NEGATIVE = "!="
EQUALITY = ("=", "!=")


@dataclass(frozen=True, slots=True)
class Number:
    """A number without quotes, kept as it was typed: `007` stays `007`, however many digits it has."""

    text: str

    def __str__(self) -> str:
        return self.text


Value = str | Number | None
"""A string without its quotes, a bare number, or None for the word `null`."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One `key operator value`; `position` is the key's offset in the text as typed and no part of equality.

    >>> print(Clause("tty", "!=", None))
    tty != null
    """

    key: str
    operator: str
    value: Value
    position: int = field(default=0, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.key} {self.operator} {value_text(self.value)}"


@dataclass(frozen=True, slots=True)
class And:
    """True when each of its two or more terms is."""

    terms: tuple[Node, ...]

    def __str__(self) -> str:
        return " and ".join(map(_grouped, self.terms))


@dataclass(frozen=True, slots=True)
class Or:
    """True when any of its two or more terms is."""

    terms: tuple[Node, ...]

    def __str__(self) -> str:
        return " or ".join(map(_grouped, self.terms))


Node = And | Or | Clause


@dataclass(frozen=True, slots=True)
class Substitution:
    """One character that was read as another; `position` is its 0-based offset in the text as typed."""

    position: int
    found: str
    put: str

    @property
    def sentence(self) -> str:
        """The change in words, characters counted from 1."""
        if self.put != " ":
            return f"The typographic quote {self.found} at character {self.position + 1} was read as {self.put}."
        name = "line break" if self.found in "\r\n" else "unusual space"
        return f"The {name} at character {self.position + 1} was read as a space."


@dataclass(frozen=True, slots=True)
class Remark:
    """Something a reader should know of a filter that can be read; `position` as in `Substitution`."""

    position: int
    sentence: str

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True)
class Filter:
    """A rule filter that was read: `text` as typed, `tree` what it says, `str()` its canonical text.

    changes: the characters that were straightened before reading. warnings: what is legal but likely not meant.
    """

    text: str
    tree: Node
    changes: tuple[Substitution, ...] = ()
    warnings: tuple[Remark, ...] = ()

    def __str__(self) -> str:
        return str(self.tree)


def clauses(node: Node) -> list[Clause]:
    """The clauses below a node, in the order written."""
    if isinstance(node, Clause):
        return [node]
    return [clause for term in node.terms for clause in clauses(term)]


def value_text(value: Value) -> str:
    """The value as a filter spells it.

    Raises ValueError for a string with both kinds of quote: the language has no escapes, so no filter can hold one.

    >>> value_text('say "hi"')
    '\\'say "hi"\\''
    """
    if value is None:
        return "null"
    if isinstance(value, Number):
        return value.text
    if '"' not in value:
        return f'"{value}"'
    if "'" not in value:
        return f"'{value}'"
    raise ValueError(f"no filter can hold a string with both kinds of quote: {value!r}")


def _grouped(node: Node) -> str:
    return str(node) if isinstance(node, Clause) else f"({node})"
