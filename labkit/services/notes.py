"""Notes: the few values saved for later, in one JSON file. Verified against the world; never a secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from labkit.files import disk_errors, write_private
from labkit.model.errors import LabError

KEYS = frozenset(
    {"student", "aws", "detection", "region", "agreed", "vpc_id", "vpc_region", "network_acl_id", "rule_id"}
)
"""What may be written down. A key that is not here is a programming error, so that no secret gets in by accident."""


class Notes:
    """The notes in one file; every read looks at the file, since other kernels and the command line write it too."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"<Notes {self.path}: {self.all()}>"

    def all(self) -> dict[str, str]:
        """Every note; none when the file is absent. Raises LabError when it cannot be read."""
        try:
            with disk_errors(self.path.parent):
                text = self._read()
            found = dict[str, Any](json.loads(text).items())
        except (ValueError, AttributeError) as error:  # ValueError: also for bytes that are no text
            raise LabError(
                f"The notes in {self.path} cannot be read.",
                "The file is not the JSON object that the lab wrote.",
                "Delete that file, then enter your student number again: the rest is looked up.",
            ) from error
        return {key: str(found[key]) for key in sorted(KEYS & found.keys())}

    def get(self, key: str) -> str:
        """The note, or "" when nothing was written down."""
        return self.all().get(key, "")

    def save(self, **notes: str | int) -> None:
        """Write these notes beside the others, atomically."""
        unknown = notes.keys() - KEYS
        if unknown:
            raise ValueError(f"not a note: {sorted(unknown)}")
        self._write(self.all() | {key: str(value) for key, value in notes.items()})

    def forget(self, *keys: str) -> None:
        """Remove these notes; those that are absent are no obstacle."""
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
