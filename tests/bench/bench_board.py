"""What a refresh of the board costs for a class of thirty: beside its calls alone, and beside asking for each student.

Run from the repository's folder: `python -m tests.bench board`. The calls alone are the same requests with nothing made
of the replies; asking for each student is `steps.status`, what every student's own `lab.status()` does.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from labkit import steps
from labkit.classroom.board.source import BASE_RULE_SET
from labkit.classroom.board.take import taker
from labkit.services.detection.api import DetectionApi
from labkit.steps.session import LabSession, open_existing
from tests.bench.measure import Row, at_most, best_seconds, milliseconds
from tests.classroom.board_class import SIZE, a_class, at_different_steps


def run(scale: float = 1.0) -> list[Row]:
    """The rows; scale: how many rounds, 1 for a few."""
    rounds = max(5, round(60 * scale))
    with (
        tempfile.TemporaryDirectory(prefix="labkit-bench-") as folder,
        a_class(Path(folder, "home"), Path(folder, "students")) as students,
    ):
        return _rows(at_different_steps(students), rounds)


def _rows(worlds: dict[int, LabSession], rounds: int) -> list[Row]:
    session = open_existing()
    take, api = taker(session), session.detection
    ours, calls = best_seconds(take, lambda: _calls(session, api), rounds=rounds)
    once, each = best_seconds(take, lambda: [list(steps.status(one)) for one in worlds.values()], rounds=3)
    return [
        at_most(
            f"a board of {SIZE} students, against its calls alone",
            milliseconds(ours),
            milliseconds(calls),
            ours / calls,
            1.4,
        ),
        at_most(
            f"a board of {SIZE} students, against each one's own checks",
            milliseconds(once),
            milliseconds(each),
            once / each,
            0.1,
        ),
    ]


def _calls(session: LabSession, api: DetectionApi) -> None:
    session.backend.aws.class_view()
    base = next(one for one in api.rulesets() if one.name == BASE_RULE_SET)
    api.rules(base.id), list(api.alerts("active")), list(api.agents("online"))
