"""The five criteria: yours against the expected ones, with differences shown character by character."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from labkit.model.detection.criteria import Comparison, Piece
from labkit.views.view import View

WORTH_SPELLING_OUT = 0.4
"""Texts that share a smaller part of their characters are shown whole: a scattered difference helps nobody."""

_VISIBLE = str.maketrans({" ": "␣", "\u00a0": "⍽", "\t": "⇥", "\n": "⏎\n", "\r": "␍"})


def visible(text: str) -> str:
    """Make white space visible.

    >>> visible("Student 7")
    'Student␣7'
    """
    return text.translate(_VISIBLE)


def worth_spelling_out(comparison: Comparison) -> bool:
    """True if the two texts are similar enough for a character-by-character difference."""
    same = sum(len(text) for kind, text in comparison.pieces if kind == "same")
    return same >= WORTH_SPELLING_OUT * max(len(comparison.there), len(comparison.wanted), 1)


def pieces_text(pieces: Sequence[Piece]) -> str:
    """The difference in plain text: remove `[-extra]`, add `[+missing]`.

    >>> pieces_text((("same", "Student"), ("extra", " "), ("same", "7")))
    'Student[-␣]7'
    """
    marks = {"same": "{}", "extra": "[-{}]", "missing": "[+{}]"}
    return "".join(marks[kind].format(text if kind == "same" else visible(text)) for kind, text in pieces)


@dataclass(frozen=True, repr=False)
class FieldComparison(View):
    """One criterion: what the rule has, what is expected, and where they differ.

    with_there: also show what the rule has; a form shows that in the field above.
    """

    comparison: Comparison
    with_there: bool = True

    template: ClassVar[str] = "field_comparison.html.j2"

    @property
    def verdict(self) -> str:
        return "✓ correct" if self.comparison.equal else "✕ differs"

    @property
    def tone(self) -> str:
        return "good" if self.comparison.equal else "bad"

    def pieces(self) -> list[tuple[str, str]]:
        """The runs of the difference, with visible white space where they differ; empty if it would not help."""
        if not worth_spelling_out(self.comparison):
            return []
        return [(kind, text if kind == "same" else visible(text)) for kind, text in self.comparison.pieces]

    def text(self) -> str:
        one = self.comparison
        lines = [f"{self.verdict}: {one.label}"]
        if not one.equal:
            lines += [f"  yours:    {one.there or '(empty)'}", f"  expected: {one.wanted}"]
            lines += [f"  difference: {pieces_text(one.pieces)}"] if self.pieces() else []
        return "\n".join(lines + ([f"  {one.remark}"] if one.remark else []))


@dataclass(frozen=True, repr=False)
class CriteriaTable(View):
    """All five criteria, each with its verdict."""

    comparisons: Sequence[Comparison]
    title: str = "The five criteria of your rule"

    template: ClassVar[str] = "criteria_table.html.j2"

    @property
    def caption(self) -> str:
        return f"{self.title}: {sum(one.equal for one in self.comparisons)} of {len(self.comparisons)} correct"

    @property
    def spells_out(self) -> bool:
        """True if any criterion shows a difference, whose marks then need a legend."""
        return any(field.pieces() for field in self.fields())

    def fields(self) -> list[FieldComparison]:
        return [FieldComparison(one) for one in self.comparisons]

    def text(self) -> str:
        return "\n".join([self.caption, *(field.text() for field in self.fields())])

    def records(self) -> list[dict[str, object]]:
        return [
            {"criterion": one.label, "equal": one.equal, "there": one.there, "wanted": one.wanted, "remark": one.remark}
            for one in self.comparisons
        ]
