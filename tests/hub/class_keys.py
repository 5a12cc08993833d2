"""A sandbox for a class, and the list of keys that its instructor gives to the hub."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labkit.clients import sandbox_process
from labkit.clients.sandbox_process import Sandbox
from labkit.files import write_private
from labkit.model.classroom import ClassKeys
from labkit.sandbox import class_settings


@contextmanager
def class_sandbox(home: Path, students: int) -> Iterator[Sandbox]:
    """A sandbox with an account for each student, on this machine alone."""
    class_settings.save(home, class_settings.ClassSettings(students))
    yield sandbox_process.start(home, parent=os.getpid())[0]
    sandbox_process.stop(home)


def write(path: Path, sandbox: Sandbox) -> None:
    """Every student's block of keys."""
    told = sandbox.control("GET", "/_lab/class/keys")
    blocks = [ClassKeys(one["number"], sandbox.url, **one["aws"], **one["detection"]).block for one in told["students"]]
    write_private(path, "\n".join(blocks))
