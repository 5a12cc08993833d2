"""The readiness table: a line per item, with what was checked and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from labkit.views.view import TableView

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
class Readiness(TableView):
    """The lines of the host's readiness. A column that is empty, or the same in each line, is left out.

    looked_at: the one thing that every line was read from, if there is one. cli: commands that look at some of it.
    """

    lines: Sequence[Line]
    title: str = "The host"
    looked_at: str = ""
    cli: str = ""

    kinds: ClassVar[tuple[str, ...]] = ("", "state")
    cli_caption: ClassVar[str] = "In a terminal"

    @property
    def caption(self) -> str:
        missing = sum(line.state == "missing" for line in self.lines)
        of = f" ({self.looked_at})" if self.looked_at else ""
        return f"{self.title}: {f'{missing} missing' if missing else 'ready'}{of}"

    @property
    def _columns(self) -> dict[str, list[str]]:
        """The columns to show: header and cells."""
        columns = {
            "What": [line.title for line in self.lines],
            "State": [STATE_WORDS[line.state] for line in self.lines],
            "Found": [line.found for line in self.lines],
        }
        if not self.looked_at:
            columns["Looked at"] = [line.looked_at for line in self.lines]
        if any(line.next_step for line in self.lines):
            columns["What to do"] = [line.next_step or "nothing" for line in self.lines]
        return columns

    @property
    def headers(self) -> list[str]:
        return list(self._columns)

    def rows(self) -> list[tuple[list[str], bool]]:
        """Each line as cells; none is marked."""
        return [(list(cells), False) for cells in zip(*self._columns.values(), strict=True)]

    def records(self) -> list[dict[str, object]]:
        return [vars(line) for line in self.lines]
