"""A sandbox for a class, and the list of keys that its instructor gives to the hub."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labkit.classroom.keys import as_blocks, class_keys
from labkit.files import private_folder, write_private
from labkit.sandbox.classroom import settings as class_settings
from labkit.sandbox.classroom.plan import ClassOptions, plan
from labkit.services import sandbox_process
from labkit.services.running_sandbox import Sandbox


@contextmanager
def class_sandbox(home: Path, students: int, tls: bool = False) -> Iterator[Sandbox]:
    """A sandbox with an account for each student, on this machine alone."""
    class_settings.save(private_folder(home), plan(home, None, ClassOptions(students, tls=tls)))
    try:
        yield sandbox_process.start(home, parent=os.getpid())[0]
    finally:
        sandbox_process.stop(home)


def write(path: Path, sandbox: Sandbox) -> None:
    """What `labkit class keys` prints, as a file that nobody else may read."""
    write_private(path, as_blocks(class_keys(sandbox)))
