"""Writes a handout to a folder: all of its files or none, and no other file is touched."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from labkit.files import write_errors


def _write_errors(folder: Path) -> AbstractContextManager[None]:
    return write_errors(f"The handout cannot be written to {folder}.", "labkit handout --out FOLDER")


def require_writable(folder: Path) -> None:
    """Create the folder if it is missing. Raises LabError if it is not writable."""
    with _write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files by name. They replace older ones only when all of them are on the disk. Raises LabError."""
    written: dict[Path, str] = {}
    try:
        with _write_errors(folder):
            for name, content in files.items():
                descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=".handout-")
                written[folder / name] = temporary
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                os.chmod(temporary, 0o666 & ~_umask())
            for path, temporary in written.items():
                os.replace(temporary, path)
    finally:
        for temporary in written.values():
            with suppress(FileNotFoundError):
                os.unlink(temporary)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
