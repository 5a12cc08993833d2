"""The chapters of the lab as a map: how far each is done, how long it takes, and which one is open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from labkit.views.view import View


@dataclass(frozen=True)
class ChapterOnMap:
    """A chapter. title: such as "Part 2: create the environment". address: of its notebook. remark: beside its minutes.
    total: 0 without steps.
    """

    title: str
    address: str
    minutes: int
    remark: str = ""
    done: int = 0
    total: int = 0
    is_here: bool = False

    @property
    def part(self) -> str:
        return self.title.partition(": ")[0]

    @property
    def name(self) -> str:
        """What the chapter is about; "" for one whose title is one phrase."""
        return self.title.partition(": ")[2]

    @property
    def words(self) -> str:
        """How many of its steps are done, where it has any, and how long it takes."""
        steps = f"{'✓ ' if self.is_done else ''}{self.done} of {self.total}" if self.total else ""
        return " · ".join(filter(None, (steps, f"{self.minutes} min", self.remark)))

    @property
    def is_done(self) -> bool:
        return 0 < self.total == self.done

    @property
    def tone(self) -> str:
        return "good" if self.is_done else "wait" if self.done else ""


@dataclass(frozen=True, repr=False)
class ChapterMap(View):
    """All chapters, in order."""

    chapters: Sequence[ChapterOnMap]

    template: ClassVar[str] = "chapter_map.html.j2"

    @property
    def onward(self) -> ChapterOnMap | None:
        """The chapter after this one; None in the last, or where no chapter is open."""
        here = next((place for place, one in enumerate(self.chapters) if one.is_here), len(self.chapters))
        return next(iter(self.chapters[here + 1 :]), None)

    def text(self) -> str:
        return "\n".join(
            f"{'▶' if one.is_here else ' '} {one.title} · {one.words}{' · you are here' if one.is_here else ''}"
            for one in self.chapters
        )
