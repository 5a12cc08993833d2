"""The class board: a row for each student, a column for each step, and the class's alerts and deny entries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar

from labkit.model.check import CheckResult, Outcome
from labkit.views.marks import tone
from labkit.views.panels.basic import SYMBOLS
from labkit.views.view import View, text_table

TEMPLATES = "labkit.classroom.board"
MOST_CHANGES = 2
"""How many changes are named; the rest are counted."""


@dataclass(frozen=True)
class BoardRow:
    """One student's progress. results: each step's check, in the steps' order, the same steps in every row.

    last_seen: the student's last activity; None if unknown. joined: whether the student has used their keys or number.
    step_since: when a reading first found the student at their present step; None if unknown, or if there is no such
    step. or_earlier: whether they may have been there before.
    """

    student: int
    results: Sequence[CheckResult]
    last_seen: datetime | None = None
    joined: bool = True
    step_since: datetime | None = None
    or_earlier: bool = False

    @property
    def done(self) -> int:
        return sum(one.passed for one in self.results)


@dataclass(frozen=True)
class Denied:
    """A deny entry that a student's responder made."""

    student: int
    address: str


@dataclass(frozen=True)
class Raised:
    """An active alert of a student's rule, with the address that the program connected to."""

    student: int
    address: str


@dataclass(frozen=True)
class Cell:
    """One step of one student. private: only the student's own machine knows it, or nobody joined, which is normal."""

    result: CheckResult
    private: bool = False

    @property
    def symbol(self) -> str:
        return SYMBOLS[self.result.outcome]

    @property
    def tone(self) -> str:
        return "" if self.private else tone(self.symbol)

    @property
    def opens(self) -> bool:
        """Whether it can be opened to show what was found and what to do; a step that waits for another has no more."""
        return not self.private and not self.result.passed and not self.result.skipped

    @property
    def needs_help(self) -> bool:
        """Whether something is wrong, or could not be looked at."""
        return not self.private and self.result.outcome in (Outcome.WRONG, Outcome.COULD_NOT_LOOK)


@dataclass(frozen=True, repr=False)
class Board(View):
    """The class at one moment, `at`. The HTML does not depend on that moment.

    chapters: the chapter's number by the step's key, for the headings above the steps. private: the keys of the steps
    that only a student's own notes show. stuck_first: whether the rows are in that order, and show the time.
    names: the students' names by number, where the instructor gave them.
    Times are shown in this machine's time zone. A row's `data-key` is its student's number.
    """

    rows: Sequence[BoardRow]
    denies: Sequence[Denied]
    alerts: Sequence[Raised]
    at: datetime
    chapters: Mapping[str, str] = field(default_factory=dict)
    private: frozenset[str] = frozenset()
    stuck_first: bool = False
    names: Mapping[int, str] = field(default_factory=dict)

    template: ClassVar[str] = f"{TEMPLATES}:table.html.j2"
    own_style: ClassVar[str] = f"{TEMPLATES}:style.css"

    @property
    def steps(self) -> Sequence[CheckResult]:
        """A check of each step, for its key and title; empty without students."""
        return self.rows[0].results if self.rows else ()

    @property
    def caption(self) -> str:
        if not self.rows:
            return "No students yet."
        joined, done = sum(row.joined for row in self.rows), sum(row.done for row in self.rows)
        if joined < len(self.rows):
            return f"{joined} of {_counted(len(self.rows), 'student')} have joined, {_counted(done, 'step')} done"
        return f"{_counted(joined, 'student')}, {done} of {joined * len(self.steps)} steps done"

    def groups(self) -> list[tuple[str, int]]:
        """The headings above the steps: a chapter's name and the number of its steps, in the steps' order."""
        groups: list[tuple[str, int]] = []
        for step in self.steps:
            number = self.chapters.get(step.step, "")
            name = f"Part {number}" if number else ""
            before = groups.pop() if groups and groups[-1][0] == name else (name, 0)
            groups.append((name, before[1] + 1))
        return groups

    def starts(self) -> set[str]:
        """The keys of the steps that begin a group."""
        places, at = [], 0
        for _, count in self.groups():
            places.append(at)
            at += count
        return {self.steps[place].step for place in places}

    def cells(self, row: BoardRow) -> list[Cell]:
        return [
            Cell(result, not row.joined or (result.step in self.private and result.outcome is Outcome.COULD_NOT_LOOK))
            for result in row.results
        ]

    def present_step(self, row: BoardRow) -> str | None:
        """The key of the first step that is not done; None for a student who has not joined or has done all."""
        return next((one.result.step for one in self.cells(row) if not (one.private or one.result.passed)), None)

    def readable(self, row: BoardRow) -> bool:
        """Whether every step that the services show could be looked at."""
        return not any(one.result.outcome is Outcome.COULD_NOT_LOOK for one in self.cells(row) if not one.private)

    def by_time_at_step(self) -> Board:
        """The same board with those first who have been at their present step longest; without a time last."""
        rows = sorted(self.rows, key=lambda row: (row.step_since is None, row.step_since or self.at, row.student))
        return replace(self, rows=rows, stuck_first=True)

    def label(self, row: BoardRow) -> str:
        """The student's number, and the name if there is one."""
        return f"{row.student} {self.names.get(row.student, '')}".rstrip()

    def done_by_step(self) -> list[int]:
        """How many students have done each step."""
        return [sum(row.results[place].passed for row in self.rows) for place in range(len(self.steps))]

    def seen(self, row: BoardRow) -> str:
        """When a student was last seen: the time today, otherwise the date."""
        return "–" if row.last_seen is None else self._short(row.last_seen)

    def since(self, row: BoardRow) -> str:
        """Since when a student has been at their present step: like `seen`, "?" if unknown, "–" without such a step."""
        if row.step_since is None:
            return "–" if self.present_step(row) is None else "?"
        return f"before {self._short(row.step_since)}" if row.or_earlier else self._short(row.step_since)

    def _short(self, moment: datetime) -> str:
        shown, now = moment.astimezone(), self.at.astimezone()
        return f"{shown:%H:%M:%S}" if shown.date() == now.date() else f"{shown:%Y-%m-%d}"

    def below(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """The lists below the table: a title, and each address with its students."""
        return [
            (_counted(len(self.denies), "deny entry", "deny entries"), _by_address(self.denies)),
            (_counted(len(self.alerts), "active alert"), _by_address(self.alerts)),
        ]

    def text(self) -> str:
        headers = ["Student", *map(str, range(1, len(self.steps) + 1)), "Done", "Last seen"]
        rows = [
            [self.label(row), *(cell.symbol for cell in self.cells(row)), row.done, self.seen(row)] for row in self.rows
        ]
        legend = [f"{place:>2} {step.title}" for place, step in enumerate(self.steps, 1)]
        signs = ", ".join(f"{SYMBOLS[outcome]} {outcome.value}" for outcome in Outcome)
        table = [text_table(headers, rows), "", *legend, signs] if self.rows else []
        below = [": ".join(filter(None, (title, "; ".join(map(" ".join, listed))))) for title, listed in self.below()]
        return "\n".join([f"{self.caption} at {clock_time(self.at)}", *table, *self._reasons(), *below])

    def _reasons(self) -> list[str]:
        return [
            f"Student {row.student}: {cell.result}" for row in self.rows for cell in self.cells(row) if cell.needs_help
        ]

    def records(self) -> list[dict[str, object]]:
        return [
            {"student": row.student, "joined": row.joined, **{one.step: one.outcome.value for one in row.results},
             "done": row.done, "last_seen": row.last_seen}
            for row in self.rows
        ]  # fmt: skip


def clock_time(moment: datetime) -> str:
    """A time of day on this machine, with its zone, since students may be elsewhere: `10:41:07 UTC`."""
    return f"{moment.astimezone():%H:%M:%S %Z}"


def _counted(number: int, noun: str, nouns: str = "") -> str:
    """A number with its noun.

    >>> _counted(1, "student"), _counted(2, "deny entry", "deny entries")
    ('1 student', '2 deny entries')
    """
    return f"{number} {noun if number == 1 else nouns or noun + 's'}"


def _by_address(found: Iterable[Denied | Raised]) -> list[tuple[str, str]]:
    """Each address, the most frequent first, and its students in words.

    >>> _by_address([Denied(1, "203.0.113.10"), Denied(2, "203.0.113.10")])
    [('203.0.113.10', 'of students 1, 2')]
    """
    students: dict[str, set[int]] = {}
    for one in found:
        students.setdefault(one.address, set()).add(one.student)
    ordered = sorted(students.items(), key=lambda each: (-len(each[1]), each[0]))
    return [
        (address, f"of student{'s' if len(whose) > 1 else ''} {', '.join(map(str, sorted(whose)))}")
        for address, whose in ordered
    ]


def changes(before: Board, after: Board) -> str:
    """What changed between two boards, in one line for a screen reader: steps, alerts and deny entries."""
    found = [*_changed_steps(before, after), *_changed_counts(before, after)]
    more = len(found) - MOST_CHANGES
    named = found if more <= 0 else [*found[:MOST_CHANGES], f"and {_counted(more, 'more change')}"]
    return "; ".join(named)


def _changed_steps(before: Board, after: Board) -> Iterator[str]:
    known = {row.student: {one.step: one.outcome for one in row.results} for row in before.rows}
    for row in after.rows:
        if row.student not in known:
            yield f"Student {row.student} is here"
            continue
        for one in row.results:
            if known[row.student].get(one.step) is not one.outcome:
                yield f"Student {row.student}: {one.title} {one.outcome.value}"


def _changed_counts(before: Board, after: Board) -> Iterator[str]:
    if len(before.alerts) != len(after.alerts):
        yield _counted(len(after.alerts), "alert")
    if len(before.denies) != len(after.denies):
        yield _counted(len(after.denies), "deny entry", "deny entries")
