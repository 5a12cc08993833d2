"""The process that serves a student's host on this machine: start it, find it, stop it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from labkit.files import disk_errors, write_private
from labkit.services import sandbox_process
from labkit.services.running_sandbox import Sandbox
from labkit.services.sandbox_process import LOGIN_FILE


def host_folder(home: Path) -> Path:
    """Where it keeps its files, separate from those of this home's sandbox."""
    return home / "class-host"


def prepared(home: Path, login: Mapping[str, str]) -> Path:
    """The folder, with this login to the class's sandbox in it; a host with another login is stopped first.

    login: `url`, `user_id`, `api_key`, `organization_id`, `certificate`, as for `DetectionApi`. It is in no process's
    arguments or environment.
    """
    folder, text = host_folder(home), json.dumps(dict(login)) + "\n"
    with disk_errors(home):
        if _read(folder / LOGIN_FILE) != text:
            forget(home)
            write_private(folder / LOGIN_FILE, text)
    return folder


def stop(home: Path) -> bool:
    """Stop the host of this home and wait for it to end; False if none ran."""
    return host_folder(home).exists() and sandbox_process.stop(host_folder(home))


def forget(home: Path) -> None:
    """Stop it and remove its files."""
    stop(home)
    shutil.rmtree(host_folder(home), ignore_errors=True)


class ClassHost:
    """The host of this home, started again whenever it is gone. login: see `prepared`."""

    def __init__(self, home: Path, login: Callable[[], Mapping[str, str]]) -> None:
        self._home, self._login = home, login
        self._process: Sandbox | None = None

    def ensure(self) -> Sandbox:
        """The running process. Raises LabError if it does not start."""
        if self._process is None or not self._process.alive():
            self._process, _ = sandbox_process.start(prepared(self._home, self._login()))
        return self._process


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
