"""What every benchmark shares: a row of its table, and timing that compares like with like.

A goal is a ratio against a peer measured in the same run: seconds on another machine mean nothing. Ours and the peer
take turns, and the fastest of several rounds counts, since noise only ever adds.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

Work = Callable[[], Any]


class Row(NamedTuple):
    """One line of the table; `ours` and `peer` as text with their unit, `ratio` what `goal` speaks of."""

    work: str
    ours: str
    peer: str
    ratio: float
    goal: str
    held: bool


def best_seconds(*works: Work, rounds: int = 5) -> list[float]:
    """The fastest run of each work in seconds, all of them taking turns, without garbage collection in between.

    On a busy machine many short rounds find a quiet moment sooner than a few long ones.
    """
    best = [float("inf")] * len(works)
    was_collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for number, work in enumerate(works):
                start = time.perf_counter()
                work()
                best[number] = min(best[number], time.perf_counter() - start)
    finally:
        if was_collecting:
            gc.enable()
    return best


def at_least(work: str, ours: str, peer: str, ratio: float, goal: float) -> Row:
    """A row whose ratio should reach the goal."""
    return Row(work, ours, peer, ratio, f"≥ {goal:g}×", ratio >= goal)


def at_most(work: str, ours: str, peer: str, ratio: float, goal: float) -> Row:
    """A row whose ratio should stay within the goal."""
    return Row(work, ours, peer, ratio, f"≤ {goal:g}×", ratio <= goal)


def per_second(count: int, seconds: float) -> str:
    """A rate as text, such as `3.36 M/s`."""
    rate = count / seconds
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if rate >= size:
            return f"{rate / size:.3g} {unit}/s"
    return f"{rate:.3g} /s"


def now() -> float:
    """Seconds of the one clock that every process of this machine shares."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)


def milliseconds(seconds: float) -> str:
    """A duration as text, such as `5.23 ms`."""
    return f"{seconds * 1000:.3g} ms"


def table(rows: Iterable[Row]) -> str:
    """The rows as a table in plain text."""
    lines = [("work", "ours", "peer", "ratio", "goal", "held")]
    lines += [(*row[:3], f"{row.ratio:.3g}×", row.goal, "yes" if row.held else "NO") for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
