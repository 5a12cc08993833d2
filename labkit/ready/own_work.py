"""What earlier work left in the user's own home, which is only read."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

from labkit import steps
from labkit.files import disk_errors, private_folder
from labkit.model.check import Outcome
from labkit.model.errors import InvalidInput, LabError
from labkit.ready.trial import require_sandbox
from labkit.sandbox.classroom import certificate
from labkit.sandbox.classroom import settings as class_settings
from labkit.sandbox.classroom.settings import ClassSettings
from labkit.services import sandbox_process
from labkit.services.environment import settings
from labkit.steps.account import ACCOUNT, STUDENT, check_account
from labkit.steps.rehearsal import earlier_alerts
from labkit.steps.session import LabSession, open_existing, open_isolated
from labkit.views.panels.readiness import Line, State

TITLE = "Your work"
WORLD = "world"
NOTES_AND_KEYS = ("notes.json", "aws/config", "aws/credentials")


def lines(copy: Path, started: Future[float]) -> Iterator[Line]:
    """The AWS account if AWS is live, the class if this machine serves one, and how many steps are done.

    If no sandbox is running, one is started with a copy of the home, which also shows whether the files can be read.
    copy: the folder to create for it. started: the temporary sandbox. Raises LabError for files that cannot be used.
    """
    found, home = open_existing(), settings().home
    backend, running = found.backend, sandbox_process.find(home) is not None
    if backend.aws.asks_first:
        account = check_account(found)
        state: State = "ready" if account.passed else "missing"
        yield Line("AWS account", state, account.found, backend.aws.label, account.next_step)
    if (served := class_settings.load_class(home)) is not None:
        yield class_line(served, running)
    if backend.aws.assigned:
        yield _steps_line(found, backend.aws.label)
    elif running:
        yield from _kept_lines(found, home, f"{home}, served at {found.detection_login.url}")
    elif backend.aws.asks_first:
        yield Line(TITLE, "ready", "not checked: its sandbox is not running", str(home))
    elif not (home / WORLD).is_dir():
        yield Line(TITLE, "ready", "none yet: the first `labkit lab` creates the sandbox", str(home))
    else:
        require_sandbox(started)
        _copy_home(home, copy)
        _start_copy(home, copy)
        yield from _kept_lines(open_isolated(copy, settings().student), home, f"a copy of {home}")


def _copy_home(home: Path, copy: Path) -> None:
    """Copy the sandbox's files, the notes and the lab's AWS files. Raises LabError while a sandbox has them open."""
    from filelock import FileLock, Timeout

    private_folder(copy)
    try:
        with disk_errors(home), FileLock(home / WORLD / "lock", timeout=0, mode=0o600):
            shutil.copytree(home / WORLD, copy / WORLD, ignore=shutil.ignore_patterns("lock"))
            for name in NOTES_AND_KEYS:
                if (home / name).is_file():
                    private_folder((copy / name).parent)
                    shutil.copy(home / name, copy / name)
    except Timeout as error:
        raise LabError(
            "A sandbox is using your files, but it cannot be found.",
            f"Its state file in {home} is missing.",
            "Stop it: labkit sandbox stop",
        ) from error


def _kept_lines(session: LabSession, home: Path, looked_at: str) -> Iterator[Line]:
    """How many steps are done, and what the sandbox says about its files, which it has read by then, if anything."""
    yield _steps_line(session, looked_at)
    found, _, next_step = session.backend.aws.notice().partition(". ")
    if not any((home / WORLD).glob("*.damaged*")):
        next_step = f"The next start keeps a copy of the journal in {home / WORLD}."
    if found:
        next_step = next_step.replace(str(session.backend.home), str(home))
        yield Line(TITLE, "remark", found, looked_at, next_step)


def _start_copy(home: Path, copy: Path) -> None:
    try:
        sandbox_process.start(copy, parent=os.getpid())
    except LabError as error:
        next_step = f"Move {home / WORLD} away. The next start creates a new sandbox."
        raise LabError("The sandbox's files cannot be read.", error.why, next_step) from error


def _steps_line(session: LabSession, looked_at: str) -> Line:
    results = list(steps.status(session))
    blind = next((one for one in results if one.outcome is Outcome.COULD_NOT_LOOK), None)
    if blind is not None:
        return Line(TITLE, "missing", f"“{blind.title}”: {blind.found}", looked_at, blind.next_step)
    done_by_join = {STUDENT.key, ACCOUNT.key} if session.backend.aws.assigned else set()
    done = [one for one in results if one.passed and one.step not in done_by_join]
    if not done:
        return Line(TITLE, "ready", "no step is done yet", looked_at)
    count = sum(one.passed for one in results)
    found = f"{count} of {len(results)} steps done, the last one is “{done[-1].title}”"
    earlier = earlier_alerts(session)
    return Line(TITLE, "remark", found, looked_at, earlier or "To start over: labkit reset")


def class_line(served: ClassSettings, running: bool) -> Line:
    """Whether students can reach the class's sandbox at its address now, or could once it runs: networks change."""
    looked_at = f"{served.host}, port {served.port}"
    try:
        if running:
            socket.create_connection((served.host, served.port), timeout=10).close()
        else:
            family = socket.AF_INET6 if ":" in served.host else socket.AF_INET
            with socket.socket(family) as listener:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind((served.host, served.port))
    except OSError as error:
        found = f"{served.size} students cannot be served at {served.url}: {error.strerror or error}"
        next_step = f"With an address of this machine: labkit sandbox start --class {served.size} --host ADDRESS"
        return Line("Class", "missing", found, looked_at, next_step)
    if served.tls:
        try:
            certificate.check(Path(served.certificate), Path(served.key), served.name)
        except InvalidInput as error:
            found = f"{error.what} {error.why}"
            return Line("Class", "missing", found, served.certificate, "labkit sandbox stop; labkit sandbox start")
    found = f"{served.size} students at {served.url}, {'served now' if running else 'once the sandbox runs'}"
    return Line("Class", "ready", found, looked_at, "" if running else "labkit sandbox start, or labkit lab")
