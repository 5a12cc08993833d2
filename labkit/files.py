"""Files that only their owner may read, written whole or not at all."""

from __future__ import annotations

import codecs
import errno
import os
import shlex
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labkit.model.errors import LabError

LONGEST_HOME = 450


def private_folder(path: Path) -> Path:
    """The folder, made 0700 with its parents when absent."""
    for folder in (*reversed(path.parents), path):  # with parents=True they would get the umask's mode
        folder.mkdir(mode=0o700, exist_ok=True)
    return path


def refuse_foreign(folder: Path) -> None:
    """Raise LabError for a folder that belongs to somebody else, or that others may write to: they could put a sandbox
    of their own there."""
    try:
        of_link, found = folder.lstat(), folder.stat()
    except OSError:  # absent, or not to be looked at: then its use says so
        return
    if {of_link.st_uid, found.st_uid} - {os.getuid()}:
        why, next_step = "It belongs to another user.", "Let LABKIT_HOME name a folder of your own."
    elif found.st_mode & 0o022:
        why, next_step = "Other users may write to it.", f"Run: chmod go-w {shlex.quote(str(folder))}"
    else:
        return
    raise LabError(f"The lab does not keep its files in {folder}.", why, next_step)


def refuse_long(folder: Path) -> None:
    """Raise LabError for a folder whose databases SQLite cannot open: their paths may have 512 bytes at most."""
    size = len(os.fsencode(folder))
    if size > LONGEST_HOME:
        raise LabError(
            f"The path of the lab's folder is too long: {size} bytes.",
            f"The lab's databases are in it, and their paths are limited. It starts with {str(folder)[:60]}…",
            f"Let LABKIT_HOME name a folder whose path has at most {LONGEST_HOME} bytes.",
        )


def write_private(path: Path, content: str | bytes) -> None:
    """Write a file atomically, 0600; its folder is made 0700 when absent."""
    private_folder(path.parent)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)  # it is in place when the interruption came after that
        raise


def readable(content: bytes) -> str:
    """The text of a file that somebody made on any system: UTF-16 with its mark, UTF-8, else Latin-1.

    >>> readable("é".encode("utf-16")) == readable("é".encode()) == readable(b"\\xe9") == "é"
    True
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def disk_full(path: Path) -> LabError:
    """The error for a disk without space left."""
    variable = "TMPDIR" if path.is_relative_to(tempfile.gettempdir()) else "LABKIT_HOME"
    return LabError(
        "The disk is full.",
        f"The lab cannot write its files in {path}. What it has saved before is kept.",
        f"Free some space, or let {variable} name a folder on another disk; then try again.",
    )


def full_disk(folder: Path) -> LabError | None:
    """That error if this folder has no room for half a megabyte, which a new sandbox needs; None if it has.

    A file of that size is tried, since a quota may leave less room than the disk has.
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(512 * 1024))
            file.flush()
    except OSError as error:
        return disk_full(folder) if error.errno in (errno.ENOSPC, errno.EDQUOT) else None
    return None


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Raise a fault of the disk inside as a LabError that names this path."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full(path) from error
        raise LabError(
            f"The lab's files in {path} cannot be used.",
            f"The system says: {error.strerror or type(error).__name__}.",
            "Look at its permissions and at the space left, or let LABKIT_HOME name another folder.",
        ) from error


@contextmanager
def write_errors(what: str, choose_another: str) -> Iterator[None]:
    """Raise a fault of the disk inside as a LabError: what cannot be written, and the command for another folder."""
    try:
        yield
    except OSError as error:
        reason = f"The system says: {error.strerror or type(error).__name__}."
        raise LabError(what, reason, f"Choose another folder: {choose_another}") from error
