"""What is new between two boards, in one line for a screen reader."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.classroom.board.table import Board

MOST = 2
"""So many changes are told one by one; more are counted."""


def news(before: Board, after: Board) -> str:
    """The students' steps that ended otherwise than before, and how many alerts and deny entries came or went."""
    changes = [*_steps(before, after), *_counts(before, after)]
    more = len(changes) - MOST
    told = changes if more <= 0 else [*changes[:MOST], f"and {more} more change{'s' if more > 1 else ''}"]
    return "; ".join(told)


def _steps(before: Board, after: Board) -> Iterator[str]:
    known = {row.student: {one.step: one.outcome for one in row.results} for row in before.rows}
    for row in after.rows:
        if row.student not in known:
            yield f"Student {row.student} is here"
            continue
        for one in row.results:
            if known[row.student].get(one.step) is not one.outcome:
                yield f"Student {row.student}: {one.title} {one.outcome.value}"


def _counts(before: Board, after: Board) -> Iterator[str]:
    for noun, nouns, was, now in (
        ("alert", "alerts", len(before.alerts), len(after.alerts)),
        ("deny entry", "deny entries", len(before.denies), len(after.denies)),
    ):
        if was != now:
            yield f"{now} {noun if now == 1 else nouns}"
