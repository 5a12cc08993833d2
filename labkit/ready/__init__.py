"""Will this machine carry the demo? Each look is one question; the lab itself is really tried, in a throw-away home.

Nothing of the instructor's own is touched: not the world, not the notes, not a chapter.
"""

from __future__ import annotations

import shutil
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from labkit.model.errors import LabError
from labkit.ready.installation import chapters_line, python_line
from labkit.ready.jupyter_trial import JupyterTrial
from labkit.ready.machine import browser_line, disk_line, memory_line, port_line, proxy_line
from labkit.ready.own_world import OwnWorld
from labkit.ready.trial import TrialSandbox
from labkit.services.environment import settings
from labkit.views.panels.readiness import Line


@dataclass(frozen=True)
class Look:
    """One question under way. title: what is looked at. answer: its lines, in time."""

    title: str
    answer: Future[Sequence[Line]]


@contextmanager
def looks() -> Iterator[tuple[Look, ...]]:
    """Every look, all begun at once; what was tried is ended, and its files deleted, when the block is left."""
    folder = Path(tempfile.mkdtemp(prefix="labkit-ready-"))
    trial, jupyter, own = TrialSandbox(folder / "lab"), JupyterTrial(folder), OwnWorld(folder / "copy")
    pool = ThreadPoolExecutor(max_workers=16, thread_name_prefix="ready")
    started = pool.submit(trial.start)

    def begin(title: str, look: Callable[[], Line | Iterable[Line]]) -> Look:
        return Look(title, pool.submit(_told, title, look))

    try:
        yield (
            begin("Python", python_line),
            begin("Chapters", chapters_line),
            begin("Port", port_line),
            begin("Browser", browser_line),
            begin("Memory", memory_line),
            begin("Disk", lambda: disk_line(settings().home)),
            begin("Proxy", proxy_line),
            begin("Sandbox", lambda: trial.sandbox_line(started)),
            begin("Steps and range", lambda: trial.lab_lines(started)),
            begin("JupyterLab", lambda: jupyter.line(trial.home, started)),
            begin("Your world", lambda: own.lines(started)),
        )
    finally:
        for each in (jupyter, own, trial):
            each.close()
        pool.shutdown(cancel_futures=True)
        for sandbox in (own, trial):  # a look that found its sandbox gone has started it again
            sandbox.close()
        shutil.rmtree(folder, ignore_errors=True)


def _told(title: str, look: Callable[[], Line | Iterable[Line]]) -> Sequence[Line]:
    """The lines of a look; where it ends in an error, the last one is the error's own words."""
    lines: list[Line] = []
    try:
        found = look()
        lines.extend([found] if isinstance(found, Line) else found)
    except LabError as error:
        lines.append(Line(title, "missing", " ".join(filter(None, (error.what, error.why))), "", error.next_step))
    except Exception as error:  # noqa: BLE001 - whatever breaks a trial would break the demo, so it is a finding like any other
        *_, last = traceback.extract_tb(error.__traceback__)
        fault = f"{type(error).__name__} in {last.filename}, line {last.lineno}"  # its message may hold a value
        lines.append(Line(title, "missing", f"a fault of the lab: {fault}", "", "Install the lab anew, or report it."))
    return lines
