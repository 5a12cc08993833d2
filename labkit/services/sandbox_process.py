"""The sandbox process: find it, start it once, stop it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labkit.files import disk_errors, private_folder
from labkit.model.errors import LabError, ServiceUnreachable
from labkit.model.on_host import HOST_VARIABLE, NOT_ON_THE_HOST

START_TIMEOUT_SECONDS = 120
STOP_TIMEOUT_SECONDS = 60
ANSWER_TIMEOUT_SECONDS = 30
REFUSED = 409
"""The status of a call that the sandbox refused in words for people."""

SANDBOX, CLASS_HOST = "labkit.sandbox.server", "labkit.classroom.host"
LOGIN_FILE = "login.json"
"""In the folder of a student's host in a class: what it says to the class's sandbox. A home without it is a sandbox's
own."""


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox: where it answers, and the token of its control calls (never shown).

    No proxy of the environment is used: nothing of the sandbox leaves this machine.
    """

    pid: int
    created: float
    url: str
    token: str = field(repr=False)

    def alive(self) -> bool:
        """True while the very process that wrote the state file runs; asks the kernel, not the network."""
        import psutil

        try:
            process = psutil.Process(self.pid)
            return bool(process.create_time() == self.created and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    def health(self) -> Mapping[str, Any] | None:
        """What the sandbox says of itself (`warm`, `pid`); None when it does not answer."""
        import requests

        try:
            with requests.Session() as session:
                session.trust_env = False
                return dict(session.get(f"{self.url}/_lab/health", timeout=ANSWER_TIMEOUT_SECONDS).json())
        except (requests.RequestException, ValueError):
            return None

    def credentials(self) -> Mapping[str, Mapping[str, str]]:
        """The keys of both services: `aws` and `detection`. For the Cloud Accounts page and the detection client."""
        return dict(self.control("GET", "/_lab/credentials"))

    def cloud_account_url(self) -> str:
        """A URL that shows the sandbox's Cloud Accounts page once."""
        return self.url + str(self.control("POST", "/_lab/tickets")["path"])

    def control(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        timeout_seconds: float = ANSWER_TIMEOUT_SECONDS,
    ) -> Any:
        """The JSON reply to a control call. Raises ServiceUnreachable, or LabError in the reply's words."""
        import requests

        try:
            with requests.Session() as session:
                session.trust_env = False
                headers = {"X-Lab-Token": self.token}
                reply = session.request(method, self.url + path, headers=headers, json=body, timeout=timeout_seconds)
            if reply.status_code == REFUSED:
                raise LabError(**reply.json())
            reply.raise_for_status()
        except requests.RequestException as error:
            raise ServiceUnreachable(
                f"The sandbox at {self.url} did not answer.",
                "It was stopped, or is starting again.",
                "Run the cell again: it starts the sandbox when it is not there.",
            ) from error
        return reply.json()


def _read_state(home: Path) -> Sandbox | None:
    try:
        state = json.loads((home / "sandbox.json").read_text(encoding="utf-8"))
        return Sandbox(state["pid"], state["created"], state["url"], state["token"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def find(home: Path) -> Sandbox | None:
    """The sandbox that serves this home, None when none runs."""
    sandbox = _read_state(home)
    return sandbox if sandbox and sandbox.alive() and sandbox.health() is not None else None


def start(home: Path, parent: int | None = None, seed: str = "") -> tuple[Sandbox, bool]:
    """The sandbox of this home and whether this call started it; two kernels at once start one.

    parent: a pid with which the sandbox ends. seed: makes the ids and keys of a new world the same every time; its
    secrets can be told from it, so it is for throw-away worlds alone, which live for some seconds on this machine (the
    control token is random all the same). Raises LabError when it does not come up within two minutes, when the
    home cannot be written, or for a seed where there is a world already.
    """
    starting = Starting(home, parent, seed)
    return starting.finish(), starting.process is not None


def refuse_on_the_host() -> None:
    """Raise LabError for a program on the lab's host. The sandbox cannot be reached from there, so a start would take
    it for one that hangs, and end it."""
    if os.environ.get(HOST_VARIABLE):
        raise LabError(NOT_ON_THE_HOST.format("This command"))


class Starting:
    """A start under way, so that other work goes on meanwhile. Nobody else starts this sandbox before `finish`.

    process: the process that was started; None when the sandbox was running already.
    """

    def __init__(self, home: Path, parent: int | None = None, seed: str = "") -> None:
        from filelock import FileLock

        refuse_on_the_host()
        with disk_errors(home):
            self._home, self._lock = private_folder(home), FileLock(home / "sandbox.lock")
            self._lock.acquire()
        try:
            self._found = find(home)
            with disk_errors(home):
                if self._found is None and _world_is_held(home):
                    _end_lost(home)
                self.process = _launch(home, parent, seed) if self._found is None else None
        except BaseException:
            self._lock.release()
            raise

    def finish(self) -> Sandbox:
        """The sandbox as soon as it answers. Raises LabError when it does not within two minutes."""
        try:
            return self._found if self.process is None and self._found else self._wait()
        finally:
            self._lock.release()

    def _wait(self) -> Sandbox:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < deadline and self.process and self.process.poll() is None:
            sandbox = _read_state(self._home)
            if sandbox and sandbox.pid == self.process.pid and sandbox.health() is not None:
                return sandbox
            time.sleep(0.02)
        if self.process is not None:
            self.process.kill()  # one that nobody finds would keep the world for itself
            self.process.wait()
        log, world = self._home / "sandbox.log", self._home / "world"
        raise LabError(
            "The sandbox did not start.",
            f"Its last words: {_last_line(log) or 'none'}",
            f"{log} says more. If a file of its world is damaged, move {world} away: the next start makes a new world.",
        )


def revive(home: Path, parent: int) -> None:
    """Start the sandbox again if it died without being stopped; one that somebody stopped stays stopped."""
    sandbox = _read_state(home)
    if sandbox is not None and not sandbox.alive():
        start(home, parent)


def _launch(home: Path, parent: int | None, seed: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, *_program(home)]
    if parent is not None:
        command += ["--parent", str(parent)]
    if seed:
        command += ["--seed", seed]
    log = home / "sandbox.log"
    with open(log, "ab", opener=_private_opener) as file:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True, cwd=home
        )


def _program(home: Path) -> list[str]:
    """What serves a home: the sandbox, or in a class the student's host."""
    return ["-m", CLASS_HOST if (home / LOGIN_FILE).exists() else SANDBOX, "--home", str(home)]


def _private_opener(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


def stop(home: Path) -> bool:
    """Stop the sandbox of this home and wait for its end; False when none ran. Its world stays on disk."""
    import psutil
    from filelock import FileLock

    refuse_on_the_host()
    with disk_errors(home), FileLock(private_folder(home) / "sandbox.lock"):
        sandbox = _read_state(home)
        if sandbox is None or not sandbox.alive():
            return _world_is_held(home) and _end_lost(home)
        with contextlib.suppress(psutil.NoSuchProcess):  # it may end by itself meanwhile
            process = psutil.Process(sandbox.pid)
            process.terminate()
            if not _ended(sandbox):
                process.kill()
                _ended(sandbox)
        return True


def _world_is_held(home: Path) -> bool:
    """Whether a sandbox has the world of this home, though it may not be found by its state file."""
    from filelock import FileLock, Timeout

    lock = home / "world" / "lock"
    try:
        if lock.exists():
            FileLock(lock, timeout=0, mode=0o600).acquire().lock.release()
    except Timeout:
        return True
    return False


def _end_lost(home: Path) -> bool:
    """End a sandbox of this home whose state file was deleted or damaged; True when there was one."""
    import psutil

    ours = _program(home)
    lost = [one for one in psutil.process_iter(["cmdline"]) if (one.info["cmdline"] or [])[1:5] == ours]
    for process in lost:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    for process in psutil.wait_procs(lost, STOP_TIMEOUT_SECONDS)[1]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    return bool(lost)


def _ended(sandbox: Sandbox) -> bool:
    """Wait for its end. psutil's own wait would wait for a kernel that started it to notice, which it never does."""
    deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
    while sandbox.alive() and time.monotonic() < deadline:
        time.sleep(0.01)
    return not sandbox.alive()
