"""The syntax tree of a rule filter; `str()` of a node is the filter again.

Redundant parentheses are dropped, others are kept as grouping.
"""

from __future__ import annotations

from dataclasses import dataclass, field

NEGATIVE = "!="
EQUALITY = ("=", "!=")


@dataclass(frozen=True, slots=True)
class Number:
    """A number without quotes, kept as typed: `007` stays `007`."""

    text: str

    def __str__(self) -> str:
        return self.text


Value = str | Number | None
"""A string without its quotes, a bare number, or None for the word `null`."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One `key operator value`; `position` is the key's offset in the text as typed and is ignored in comparisons.

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
    """True if all of its two or more terms are true."""

    terms: tuple[Node, ...]

    def __str__(self) -> str:
        return " and ".join(map(_grouped, self.terms))


@dataclass(frozen=True, slots=True)
class Or:
    """True if any of its two or more terms is true."""

    terms: tuple[Node, ...]

    def __str__(self) -> str:
        return " or ".join(map(_grouped, self.terms))


Node = And | Or | Clause


@dataclass(frozen=True, slots=True)
class Remark:
    """A warning about a valid filter; `position` is its 0-based offset in the text as typed."""

    position: int
    sentence: str

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True)
class Filter:
    """A parsed rule filter: `tree` is its syntax tree, `str()` its canonical text.

    warnings: what is valid but probably not intended.
    """

    tree: Node
    warnings: tuple[Remark, ...] = ()

    def __str__(self) -> str:
        return str(self.tree)


def clauses(node: Node) -> list[Clause]:
    """The clauses of a node, in the order written."""
    if isinstance(node, Clause):
        return [node]
    return [clause for term in node.terms for clause in clauses(term)]


def value_text(value: Value) -> str:
    """The value as written in a filter.

    Raises ValueError for a string with both kinds of quotes, which no filter can contain: there are no escapes.

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
    raise ValueError(f"no filter can contain a string with both kinds of quotes: {value!r}")


def _grouped(node: Node) -> str:
    return str(node) if isinstance(node, Clause) else f"({node})"
