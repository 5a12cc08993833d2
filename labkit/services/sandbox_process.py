"""The sandbox process: find it, start it once, stop it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from labkit.files import disk_errors, full_disk, private_folder
from labkit.model.errors import LabError
from labkit.model.host.on_host import HOST_VARIABLE, NOT_ON_THE_HOST
from labkit.services.environment import RUN_MODULE, own_environment
from labkit.services.running_sandbox import Sandbox

START_TIMEOUT_SECONDS = 120
STOP_TIMEOUT_SECONDS = 60
QUICK_SECONDS, HANGING_SECONDS = 1.5, 8.5
"""How long a sandbox may take to answer in silence, and how long after that until it is taken for one that hangs."""

SANDBOX, CLASS_HOST = "labkit.sandbox.server", "labkit.classroom.host"
LOGIN_FILE = "login.json"
"""In the home of a student's host in a class: its login to the class's sandbox. Any other home is a sandbox's."""


def _read_state(home: Path) -> Sandbox | None:
    try:
        state = json.loads((home / "sandbox.json").read_text(encoding="utf-8"))
        if not 0 < int(state["pid"]) < 2**31:
            return None
        return Sandbox(int(state["pid"]), int(state["identity"]), str(state["url"]), str(state["token"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def find(home: Path) -> Sandbox | None:
    """The sandbox that serves this home; None if it does not run."""
    sandbox = _read_state(home)
    if sandbox is None or not sandbox.alive():
        return None
    if sandbox.health(QUICK_SECONDS) is not None:
        return sandbox
    if not sandbox.alive():
        return None
    sys.stderr.write(f"The sandbox (pid {sandbox.pid}) does not answer; waiting {HANGING_SECONDS:.0f} s more.\n")
    return sandbox if sandbox.health(HANGING_SECONDS) is not None else None


def start(home: Path, parent: int | None = None, seed: str = "") -> tuple[Sandbox, bool]:
    """The sandbox of this home, and whether this call started it. Concurrent calls start only one.

    parent: the sandbox stops when the process with this pid ends. seed: gives new state the same ids and keys every
    time. The keys can be computed from the seed, so use it only for state that is thrown away after seconds; the
    control token is random in any case. Raises LabError if the sandbox does not start within two minutes, if the home
    cannot be written, or for a seed if the home already has state.
    """
    pending = PendingStart(home, parent, seed)
    return pending.finish(), pending.process is not None


def refuse_on_the_host() -> None:
    """Raise LabError in a program on the lab's host. The sandbox is unreachable from there, so a start would take it
    for one that hangs and kill it."""
    if os.environ.get(HOST_VARIABLE):
        raise LabError(NOT_ON_THE_HOST.format("This command"))


def _refuse_without_loopback() -> None:
    """Raise LabError if this machine cannot connect to itself, as in a container whose `lo` is down."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname(), QUICK_SECONDS).close()
    except OSError as error:
        raise LabError(
            "This computer cannot connect to itself, so no sandbox can run.",
            f"The sandbox answers at 127.0.0.1, and the system says: {error.strerror or error}.",
            "Run: sudo ip link set lo up",
        ) from error


class PendingStart:
    """Starts the sandbox in the background. No other process can start it until `finish` returns.

    process: the new process; None if the sandbox was already running.
    """

    def __init__(self, home: Path, parent: int | None = None, seed: str = "") -> None:
        from filelock import FileLock

        refuse_on_the_host()
        _refuse_without_loopback()
        with disk_errors(home):
            self._home, self._lock = private_folder(home), FileLock(home / "sandbox.lock")
            self._lock.acquire()
        try:
            self._found = find(home)
            with disk_errors(home):
                if self._found is None and _state_is_locked(home):
                    sys.stderr.write("A sandbox that does not answer is replaced; its data is kept.\n")
                    _end_orphan(home, HANGING_SECONDS)
                self.process = _launch(home, parent, seed) if self._found is None else None
        except BaseException:
            self._lock.release()
            raise

    def finish(self) -> Sandbox:
        """Wait until the sandbox answers and return it. Raises LabError after two minutes."""
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
            self.process.kill()  # left running, it would keep the state locked
            self.process.wait()
        if (full := full_disk(self._home)) is not None:
            raise full
        log, state = self._home / "sandbox.log", self._home / "world"
        raise LabError(
            "The sandbox did not start.",
            f"The last line of its log: {_last_line(log) or 'none'}",
            f"Read {log}. If the saved state is damaged, move {state} away: the next start creates new state.",
        )


def revive(home: Path, parent: int) -> None:
    """Restart the sandbox if it crashed; one that was stopped stays stopped."""
    sandbox = _read_state(home)
    if sandbox is not None and not sandbox.alive():
        start(home, parent)


def _launch(home: Path, parent: int | None, seed: str) -> subprocess.Popen[bytes]:
    command = _program(home)
    if parent is not None:
        command += ["--parent", str(parent)]
    if seed:
        command += ["--seed", seed]
    log = home / "sandbox.log"
    with open(log, "ab", opener=_private_opener) as file:
        return subprocess.Popen(
            command,
            env=own_environment(),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
            cwd=home,
        )


def _program(home: Path) -> list[str]:
    """The command that serves a home: the sandbox, or a student's host in a class."""
    return [*RUN_MODULE, CLASS_HOST if (home / LOGIN_FILE).exists() else SANDBOX, "--home", str(home)]


def _private_opener(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


def stop(home: Path) -> bool:
    """Stop the sandbox of this home, wait for its end, and return whether it ran. Its state stays on disk."""
    import psutil
    from filelock import FileLock

    refuse_on_the_host()
    with disk_errors(home), FileLock(private_folder(home) / "sandbox.lock"):
        sandbox = _read_state(home)
        if sandbox is None or not sandbox.alive():
            return _state_is_locked(home) and _end_orphan(home)
        with contextlib.suppress(psutil.NoSuchProcess):  # it may have ended by itself
            process = psutil.Process(sandbox.pid)
            process.terminate()
            if not _wait_for_end(sandbox):
                process.kill()
                _wait_for_end(sandbox)
        (home / "sandbox.json").unlink(missing_ok=True)  # a killed one leaves it, and would be revived
        return True


def _state_is_locked(home: Path) -> bool:
    """Whether a sandbox has locked the state of this home, even if its state file is missing."""
    from filelock import FileLock, Timeout

    lock = home / "world" / "lock"
    try:
        if lock.exists():
            FileLock(lock, timeout=0, mode=0o600).acquire().lock.release()
    except Timeout:
        return True
    return False


def _end_orphan(home: Path, patience_seconds: float = STOP_TIMEOUT_SECONDS) -> bool:
    """End a sandbox of this home that does not answer, or whose state file is missing; True if there was one."""
    import psutil

    _, *ours = _program(home)
    started = psutil.process_iter(["cmdline"])
    orphans = [one for one in started if (one.info["cmdline"] or [])[1 : len(ours) + 1] == ours]
    for process in orphans:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    alive = psutil.wait_procs(orphans, patience_seconds)[1]
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, STOP_TIMEOUT_SECONDS)
    return bool(orphans)


def _wait_for_end(sandbox: Sandbox) -> bool:
    """Wait for its end. psutil's `wait` would hang for a child of a kernel, which never collects the exit status."""
    deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
    while sandbox.alive() and time.monotonic() < deadline:
        time.sleep(0.01)
    return not sandbox.alive()
