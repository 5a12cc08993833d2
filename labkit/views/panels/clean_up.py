"""Cleaning up: what would be removed, and what a look afterwards finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from labkit.views.marks import tone
from labkit.views.view import View


@dataclass(frozen=True, repr=False)
class CleanUpQuestion(View):
    """rows: each place and what is there of the student's. left_alone: other people's. asked: False once answered."""

    student: int
    rows: Sequence[tuple[str, str]]
    left_alone: Sequence[str] = ()
    asked: bool = True

    template: ClassVar[str] = "clean_up_question.html.j2"

    @property
    def title(self) -> str:
        if self.asked:
            return f"Remove everything of student {self.student}? Nothing has been removed yet."
        return f"Student {self.student} had this before you pressed the button."

    def text(self) -> str:
        lines = [self.title, *(f"  {place}: {words}" for place, words in self.rows)]
        return "\n".join([*lines, *([_left_alone(self.left_alone)] if self.left_alone else [])])


@dataclass(frozen=True, repr=False)
class CleanUpView(View):
    """What was removed, and what a look afterwards found.

    removed, failed: a step and the message about it. looked: each place that was looked at afterwards, and what was
    found there. still_there: what was found of the student's. unseen: the places that could not be looked at.
    untagged: a sentence about VPCs that may be the student's. left_alone: other people's things.
    onward: title and address of the chapter to go on with.
    """

    student: int
    removed: Sequence[tuple[str, str]]
    failed: Sequence[tuple[str, str]]
    looked: Sequence[tuple[str, str]]
    still_there: Sequence[str] = ()
    unseen: Sequence[str] = ()
    untagged: str = ""
    left_alone: Sequence[str] = ()
    onward: tuple[str, str] | None = None

    template: ClassVar[str] = "clean_up.html.j2"

    @property
    def symbol(self) -> str:
        if self.failed or self.still_there:
            return "✕"
        return "?" if self.unseen else "✓"

    @property
    def tone(self) -> str:
        return tone(self.symbol)

    @property
    def title(self) -> str:
        if self.symbol == "✕":
            return "Something of yours is still there."
        if self.symbol == "?":
            return "The lab could not look everywhere, so something of yours may be left."
        if self.untagged:
            return f"Nothing is left that carries your number, {self.student}."
        return "Nothing of yours is left."

    def text(self) -> str:
        lines = [f"{self.symbol} {self.title}"]
        lines += [f"  {step}: {words}" for step, words in self.removed]
        lines += [f"  ✕ {step}: {words}" for step, words in self.failed]
        lines += [f"  Looked for now: {place}: {words}" for place, words in self.looked]
        lines += [f"  {self.untagged}"] if self.untagged else []
        lines += [f"  {_left_alone(self.left_alone)}"] if self.left_alone else []
        lines += [f"To do it all again: {self.onward[0]}: {self.onward[1]}"] if self.onward is not None else []
        return "\n".join(lines)

    def records(self) -> list[dict[str, object]]:
        rows = [("removed", *pair) for pair in self.removed] + [("not removed", *pair) for pair in self.failed]
        rows += [("looked for", *pair) for pair in self.looked]
        rows += [("left alone", thing, "") for thing in self.left_alone]
        return [{"outcome": outcome, "what": what, "words": words} for outcome, what, words in rows]


def _left_alone(things: Sequence[str]) -> str:
    return f"Not yours, so left alone: {len(things)}"
