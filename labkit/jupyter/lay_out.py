"""Putting the chapters into a folder of the student's, where nothing that the student changed is ever overwritten."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from labkit.files import disk_errors, write_errors, write_private
from labkit.jupyter.chapters import folder_record, lab_folder, shipped, students_folder
from labkit.services.environment import home_folder
from labkit.views.terminal import echo, in_terminal

MANIFEST = ".self-protecting-cloud.json"
"""In the student's folder: the SHA-256 of each file as it was shipped last."""
_SHIPPED = ("notebooks/*.ipynb", "images/*.*")


def open_folder(here: Path | None) -> Path:
    """The folder with the student's chapters, which are put there or brought up to date first. Raises LabError.

    here: the folder that the student asked for, which is then remembered. Without it, a clone is taken as it is.
    """
    found = lab_folder()
    if here is not None:
        folder = here.expanduser().absolute()
    elif found == shipped() and not is_clone(found):
        folder = students_folder()
    elif (found / MANIFEST).is_file():
        folder = found
    else:
        return found
    kept = lay_out(shipped(), folder)
    with disk_errors(home_folder()):
        write_private(folder_record(), str(folder))
    echo(f"The chapters are in {folder}.")
    if kept:
        changed = f"You changed {', '.join(kept)}: not replaced by this version's."
        echo(in_terminal(f"{changed} To get those: labkit lab --here FOLDER"))
    return folder


def is_clone(folder: Path) -> bool:
    return (folder / "pyproject.toml").is_file()


def lay_out(source: Path, folder: Path) -> list[str]:
    """Copy chapters and pictures. A file from an earlier version is replaced if it is still as it was shipped.

    Returns the files that are kept because the student changed them, and that have a new version. Raises LabError.
    """
    if folder.resolve() == source.resolve():
        return []
    before, after, kept = _manifest(folder), {}, []
    with write_errors(f"The chapters cannot be put into {folder}.", "labkit lab --here FOLDER"):
        for path in (path for pattern in _SHIPPED for path in sorted(source.glob(pattern))):
            name, new, target = str(path.relative_to(source)), path.read_bytes(), folder / path.relative_to(source)
            old = target.read_bytes() if target.exists() else None
            after[name] = _digest(new)
            if old is None or (old != new and _digest(old) == before.get(name)):
                _write(target, new)
            elif old != new and after[name] != before.get(name):
                kept.append(name)
        if after != before:
            _write(folder / MANIFEST, json.dumps(after, indent=1).encode())
    return kept


def _manifest(folder: Path) -> dict[str, str]:
    """What was shipped last; empty if that is not known, and then no file is replaced."""
    try:
        return dict(json.loads((folder / MANIFEST).read_bytes()))
    except (OSError, ValueError, TypeError):
        return {}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write(target: Path, content: bytes) -> None:
    """Write a file whole or not at all, with the permissions that the user's other files have."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
