"""Notes: the few values the lab saves, in one JSON file. They are checked before use and never hold a secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from labkit.files import disk_errors, write_private
from labkit.model.errors import LabError
from labkit.model.guess import NOTE_OF_GUESS

KEYS = frozenset(
    {
        "student",
        "host_looked_at",
        "aws",
        "detection",
        "region",
        "agreed",
        "vpc_id",
        "vpc_region",
        "network_acl_id",
        "rule_id",
        "open_chapter",
        "last_student",
        "last_region",
        "open_step",
        "started_1",
        "started_2",
        "started_3",
        *NOTE_OF_GUESS.values(),
    }
)
"""The allowed notes. Any other key is a programming error, so that no secret is saved by accident."""


class Notes:
    """The notes in one file. Each call reads the file again, since other kernels and the command line write it too."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"<Notes {self.path}: {self.all()}>"

    def all(self) -> dict[str, str]:
        """All notes; empty if there is no file. Raises LabError if it cannot be read."""
        try:
            with disk_errors(self.path.parent):
                text = self._read()
            found = dict[str, Any](json.loads(text).items())
            if not all(isinstance(value, str | int) for key, value in found.items() if key in KEYS):
                raise TypeError
        except (ValueError, AttributeError, TypeError, RecursionError) as error:  # ValueError: also bytes not in UTF-8
            raise LabError(
                f"The notes in {self.path} cannot be read.",
                "The file is not a JSON object as the lab writes it.",
                "Delete the file, then enter your student number again. The lab finds the rest.",
            ) from error
        return {key: str(found[key]) for key in sorted(KEYS & found.keys())}

    def get(self, key: str) -> str:
        """The note, or "" if there is none."""
        return self.all().get(key, "")

    def save(self, **notes: str | int) -> None:
        """Add or replace these notes, atomically."""
        unknown = notes.keys() - KEYS
        if unknown:
            raise ValueError(f"not a note: {sorted(unknown)}")
        self._write(self.all() | {key: str(value) for key, value in notes.items()})

    def forget(self, *keys: str) -> None:
        """Remove these notes if they exist."""
        kept = {key: value for key, value in self.all().items() if key not in keys}
        if kept != self.all():
            self._write(kept)

    def _read(self) -> str:
        try:
            return self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return "{}"

    def _write(self, notes: dict[str, str]) -> None:
        with disk_errors(self.path.parent):
            write_private(self.path, json.dumps(notes, indent=1, sort_keys=True) + "\n")


class NotesInMemory(Notes):
    """Notes without a file."""

    def __init__(self, **notes: str | int) -> None:
        super().__init__(Path("notes in memory"))
        self._notes: dict[str, str] = {}
        self.save(**notes)

    def all(self) -> dict[str, str]:
        return dict(self._notes)

    def _write(self, notes: dict[str, str]) -> None:
        self._notes = notes
