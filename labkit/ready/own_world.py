"""What an earlier hour left in the instructor's own world; looked at, never touched."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

from labkit import backends, steps
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
from labkit.steps.host import READY
from labkit.steps.session import LabSession
from labkit.views.panels.readiness import Line

NOTES, AWS_FILES, WORLD = "notes.json", "aws", "world"


class OwnWorld:
    """The world of the home. Where no sandbox serves it, a copy is served in a throw-away home, which shows too whether
    the world can be read at all.

    copy: the throw-away home, which does not exist yet.
    """

    def __init__(self, copy: Path) -> None:
        self._copy = copy

    def close(self) -> None:
        """End the sandbox of the copy."""
        if self._copy.exists():
            with contextlib.suppress(LabError):
                sandbox_process.stop(self._copy)

    def lines(self, started: Future[float]) -> Iterator[Line]:
        """How far the steps are there; the account, where AWS is live; and the class, where one is served.

        started: the sandbox of the trial, without which none would start here. Raises LabError for a world that cannot
        be read.
        """
        found = backends.open_existing()
        if found.backend.ask_first:
            yield _account_line(found)
        home = settings().home
        running = sandbox_process.find(home) is not None
        if (served := class_settings.load(home)) is not None:
            yield class_line(served, running)
        if found.backend.assigned:
            yield _steps_line(found, found.backend.aws)
        elif running:
            yield _steps_line(found, f"{home}, served at {found.detection_login.url}")
        elif found.backend.ask_first:
            yield Line("Your world", "ready", "not looked at: its sandbox is not running", str(home))
        elif not (home / WORLD).is_dir():
            yield Line("Your world", "ready", "none yet: the first `labkit lab` makes one", str(home))
        else:
            require_sandbox(started)
            self._take_copy(home)
            self._start_copy(home)
            yield _steps_line(backends.open_isolated(self._copy, settings().student), f"{home}, in a copy")

    def _start_copy(self, home: Path) -> None:
        try:
            sandbox_process.start(self._copy, parent=os.getpid())
        except LabError as error:
            next_step = f"Move {home / WORLD} away: the next start makes a new world."
            raise LabError("It cannot be read.", error.why, next_step) from error

    def _take_copy(self, home: Path) -> None:
        """Copy world, notes and the lab's AWS files. Raises LabError when a sandbox holds the world."""
        from filelock import FileLock, Timeout

        private_folder(self._copy)
        try:
            with disk_errors(home), FileLock(home / WORLD / "lock", timeout=0, mode=0o600):
                shutil.copytree(home / WORLD, self._copy / WORLD, ignore=shutil.ignore_patterns("lock"))
                for name in (NOTES, f"{AWS_FILES}/config", f"{AWS_FILES}/credentials"):
                    if (home / name).is_file():
                        private_folder((self._copy / name).parent)
                        shutil.copy(home / name, self._copy / name)
        except Timeout as error:
            raise LabError(
                "A sandbox holds your world, and cannot be found.",
                f"Its state file in {home} is gone.",
                "End it: labkit sandbox stop",
            ) from error


def class_line(served: ClassSettings, running: bool) -> Line:
    """Whether students find the class's sandbox at its address, or would once it runs: networks change."""
    looked_at = f"{served.host}, port {served.port}"
    try:
        if running:
            socket.create_connection((served.host, served.port), timeout=2).close()
        else:
            family = socket.AF_INET6 if ":" in served.host else socket.AF_INET
            with socket.socket(family) as listener:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind((served.host, served.port))
    except OSError as error:
        found = f"{served.size} students cannot be served at {served.url}: {error.strerror or error}"
        next_step = f"labkit sandbox start --class {served.size} --host ADDRESS, with an address of this machine."
        return Line("Class", "missing", found, looked_at, next_step)
    if served.tls:
        try:
            certificate.check(Path(served.certificate), Path(served.key), served.name)
        except InvalidInput as error:
            found = f"{error.what} {error.why}"
            return Line("Class", "missing", found, served.certificate, "labkit sandbox stop; labkit sandbox start")
    found = f"{served.size} students at {served.url}, {'served now' if running else 'served once the sandbox runs'}"
    return Line("Class", "ready", found, looked_at, "" if running else "labkit sandbox start, or labkit lab")


def _steps_line(session: LabSession, looked_at: str) -> Line:
    results = list(steps.status(session))
    blind = next((one for one in results if one.outcome is Outcome.COULD_NOT_LOOK), None)
    if blind is not None:
        return Line("Your world", "missing", f"“{blind.title}”: {blind.found}", looked_at, blind.next_step)
    by_itself = {
        READY.key,
        *((STUDENT.key, ACCOUNT.key) if session.backend.assigned else ()),
    }  # `labkit join` did those
    done = [one for one in results if one.passed and one.step not in by_itself]
    if not done:
        return Line("Your world", "ready", "nothing of the lab is done in it", looked_at)
    count = sum(one.passed for one in results)
    found = f"{count} of {len(results)} steps done, the last of them “{done[-1].title}”"
    return Line("Your world", "remark", found, looked_at, "labkit reset takes you back to the start.")


def _account_line(session: LabSession) -> Line:
    result = check_account(session)
    return Line(
        "AWS account", "ready" if result.passed else "missing", result.found, session.backend.aws, result.next_step
    )
