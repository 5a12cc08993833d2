"""Whether the host is ready: a line a thing, with what was looked at and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from labkit.views.shown import Shown, text_table

State = Literal["ready", "missing", "remark"]
STATE_WORDS: dict[State, str] = {"ready": "✓ ready", "missing": "✕ missing", "remark": "○ good to know"}


@dataclass(frozen=True)
class Line:
    """One line of the host's readiness. state: a `remark` needs no action. next_step: what to do; "" for nothing."""

    title: str
    state: State
    found: str
    looked_at: str
    next_step: str = ""


@dataclass(frozen=True, repr=False)
class Readiness(Shown):
    """The lines of the host's readiness."""

    lines: Sequence[Line]
    title: str = "The host"

    template: ClassVar[str] = "readiness.html.j2"
    headers: ClassVar[list[str]] = ["What", "State", "Found", "Looked at", "What to do"]

    @property
    def caption(self) -> str:
        missing = sum(line.state == "missing" for line in self.lines)
        return f"{self.title}: {f'{missing} missing' if missing else 'ready'}"

    def rows(self) -> list[tuple[list[str], bool]]:
        """Each line as cells; none is marked."""
        return [
            ([line.title, STATE_WORDS[line.state], line.found, line.looked_at, line.next_step or "nothing"], False)
            for line in self.lines
        ]

    def text(self) -> str:
        return f"{self.caption}\n" + text_table(self.headers, [cells for cells, _ in self.rows()])

    def records(self) -> list[dict[str, object]]:
        return [vars(line) for line in self.lines]
