"""The result of cleaning up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from labkit.views.view import View


@dataclass(frozen=True, repr=False)
class CleanUpView(View):
    """removed, failed: a step and what was said of it. still_there: found afterwards. left_alone: others'."""

    removed: Sequence[tuple[str, str]]
    failed: Sequence[tuple[str, str]]
    still_there: Sequence[str]
    left_alone: Sequence[str]

    template: ClassVar[str] = "clean_up.html.j2"

    @property
    def clean(self) -> bool:
        """True when nothing of the student's is left."""
        return not self.failed and not self.still_there

    @property
    def title(self) -> str:
        return "Nothing of yours is left." if self.clean else "Something of yours is still there."

    def text(self) -> str:
        lines = [f"{'✓' if self.clean else '✕'} {self.title}"]
        lines += [f"  {step}: {words}" for step, words in (*self.removed, *self.failed)]
        lines += [f"  Still there: {thing}" for thing in self.still_there]
        lines += [f"  Not yours, so left alone: {len(self.left_alone)}"] if self.left_alone else []
        return "\n".join(lines)

    def records(self) -> list[dict[str, object]]:
        rows = [("removed", *pair) for pair in self.removed] + [("not removed", *pair) for pair in self.failed]
        rows += [("still there", thing, "") for thing in self.still_there]
        rows += [("left alone", thing, "") for thing in self.left_alone]
        return [{"outcome": outcome, "what": what, "words": words} for outcome, what, words in rows]
