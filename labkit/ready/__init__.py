"""`labkit ready`: can this machine run the demo? The lab is tried in a temporary home; the user's own is only read."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from labkit.model.errors import LabError
from labkit.ready import installation, machine, own_work, trial
from labkit.ready.jupyter_trial import JupyterTrial
from labkit.services import sandbox_process
from labkit.views.panels.readiness import Line


@dataclass(frozen=True)
class Check:
    """A check that is running, and the lines that it will return."""

    title: str
    lines: Future[Sequence[Line]]


@contextmanager
def checks() -> Iterator[tuple[Check, ...]]:
    """Start every check at once. Leaving the block ends whatever they started and deletes their files."""
    folder = Path(tempfile.mkdtemp(prefix="labkit-ready-"))
    home, copy = folder / "lab", folder / "copy"
    jupyter = JupyterTrial(folder)
    pool = ThreadPoolExecutor(max_workers=16, thread_name_prefix="ready")
    started = pool.submit(trial.start, home)

    def begin(title: str, check: Callable[[], Line | Iterable[Line]]) -> Check:
        return Check(title, pool.submit(_run, title, check))

    try:
        yield (
            begin("Python", installation.python_line),
            begin("Chapters", installation.chapters_line),
            begin("Port", machine.port_line),
            begin("Browser", machine.browser_line),
            begin("Memory", machine.memory_line),
            begin("Disk", machine.disk_line),
            begin("Proxy", machine.proxy_line),
            begin("Sandbox", lambda: trial.sandbox_line(home, started)),
            begin("Steps and range", lambda: trial.lab_lines(home, started)),
            begin("JupyterLab", lambda: jupyter.line(home, started)),
            begin("Your work", lambda: own_work.lines(copy, started)),
        )
    finally:
        jupyter.close()
        _stop_sandboxes(copy, home)
        pool.shutdown(cancel_futures=True)
        _stop_sandboxes(copy, home)  # a check that lost its sandbox has started it again
        shutil.rmtree(folder, ignore_errors=True)


def _stop_sandboxes(*homes: Path) -> None:
    for home in homes:
        if home.exists():
            with contextlib.suppress(LabError):
                sandbox_process.stop(home)


def _run(title: str, check: Callable[[], Line | Iterable[Line]]) -> Sequence[Line]:
    """The lines of a check. An error becomes the last line."""
    lines: list[Line] = []
    try:
        found = check()
        lines.extend([found] if isinstance(found, Line) else found)
    except LabError as error:
        lines.append(Line(title, "missing", f"{error.what} {error.why}".strip(), "", error.next_step))
    except Exception as error:  # noqa: BLE001 - whatever breaks a check would break the demo
        *_, last = traceback.extract_tb(error.__traceback__)
        # Without the error's message, which may contain a secret.
        bug = f"a bug in the lab: {type(error).__name__} in {last.filename}, line {last.lineno}"
        lines.append(Line(title, "missing", bug, "", "Reinstall the lab, or report the bug."))
    return lines
