"""The journal of changing requests: one JSON line each, written before the reply, replayed at the next start.

The first line has the version of moto that wrote it and the seed of its ids. A line cut short by a kill was never
answered, so it is dropped. Requests are written without their headers, and only after authentication.
"""

from __future__ import annotations

import base64
import errno
import json
import logging
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from labkit.files import write_private
from labkit.sandbox.aws.folding import Change, folded

log = logging.getLogger("labkit.sandbox.aws")


class Journal:
    """An open journal. seed: all ids derive from it. changes: those in it."""

    def __init__(self, path: Path, moto_version: str, seed: str, changes: list[Change]) -> None:
        self._path, self._moto_version, self.seed = path, moto_version, seed
        self._last = max((change.n for change in changes), default=0)
        self._set(changes)
        # Unbuffered: one write(2) a change, so the kernel has what was answered and it survives SIGKILL.
        self._file = path.open("ab", buffering=0)

    @classmethod
    def open(cls, path: Path, moto_version: str) -> Journal | None:
        """The journal in this file, without a last line that was cut short; None if there is no file.

        A damaged file is copied aside; the changes before its first damaged line are kept. None if that is the header.
        """
        if not path.exists():
            return None
        header, changes, damaged = _read(path)
        if damaged:
            aside = _aside(path)
            log.warning("line %d of the journal is damaged: its copy is %s", damaged, aside.name)
        if header is None:
            return None
        if header.get("moto") != moto_version:
            log.warning(
                "journal written by moto %s, replayed by moto %s: ids may differ", header.get("moto"), moto_version
            )
        return (
            cls.begin(path, moto_version, header["seed"], changes)
            if damaged
            else cls(path, moto_version, header["seed"], changes)
        )

    @classmethod
    def begin(cls, path: Path, moto_version: str, seed: str, changes: list[Change]) -> Journal:
        """A new journal that starts with these changes; replaces an existing file."""
        _write(path, moto_version, seed, changes)
        return cls(path, moto_version, seed, changes)

    def next_number(self) -> int:
        """The number of the next change."""
        self._last += 1
        return self._last

    def count_of(self, account: str) -> int:
        """How many changes of an account are in it."""
        return self._counts[account]

    def append(self, change: Change) -> None:
        """Write a change; it is in the file when this returns."""
        line = _line(asdict(change))
        size = os.fstat(self._file.fileno()).st_size
        if self._file.write(line) != len(line):  # the disk is full: the next change must not follow half a line
            self._file.truncate(size)
            raise OSError(errno.ENOSPC, f"only part of a record was written to {self._path.name}")
        self.changes.append(change)
        self._counts[change.account] += 1

    def drop(self, change: Change) -> None:
        """Take a change out again."""
        self._rewrite([each for each in self.changes if each.n != change.n])

    def fold(self, existing: set[str]) -> None:
        """Rewrite the file without changes that have no effect any more. existing: the ids of all that exists now."""
        kept = folded(self.changes, existing)
        if len(kept) < len(self.changes):
            self._rewrite(kept)

    def close(self) -> None:
        self._file.close()

    def _rewrite(self, changes: list[Change]) -> None:
        _write(self._path, self._moto_version, self.seed, changes)
        self._file.close()
        self._file = self._path.open("ab", buffering=0)
        self._set(changes)

    def _set(self, changes: list[Change]) -> None:
        self.changes = changes
        self._counts = Counter(change.account for change in changes)


def damaged_copies(path: Path) -> list[Path]:
    """The copies of this journal that were set aside, oldest first."""
    return sorted(path.parent.glob(f"{path.stem}.damaged*"))


def _aside(path: Path) -> Path:
    """Copy a damaged file, over no earlier copy."""
    copies = (path.with_suffix(f".damaged-{n}") for n in count(1))
    aside = next(copy for copy in copies if not copy.exists())
    write_private(aside, path.read_bytes())
    return aside


def _read(path: Path) -> tuple[dict[str, Any] | None, list[Change], int]:
    """The header and the changes of a journal up to the first damaged line, and the number of that line, 0 if none is.

    Truncates the file after its last whole line. The header is None if it is the one that is damaged.
    """
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        os.truncate(path, len(whole))
    header: dict[str, Any] | None = None
    changes: list[Change] = []
    for number, line in enumerate(whole.splitlines() or [b""], 1):
        try:
            if number == 1:
                header = _header(json.loads(line))
            else:
                changes.append(_change(json.loads(line, object_hook=_revive)))
        except (ValueError, TypeError, KeyError, RecursionError):
            return header, changes, number
    return header, changes, 0


def _header(value: Any) -> dict[str, Any]:
    if not isinstance(value["seed"], str):
        raise TypeError
    return dict(value)


def _change(value: Any) -> Change:
    change = Change(**value)
    kinds = zip((change.n, change.account, change.region, change.action, change.params, change.made),
                (int, str, str, str, dict, str), strict=True)  # fmt: skip
    if not all(isinstance(each, kind) for each, kind in kinds):
        raise TypeError
    return change


def _write(path: Path, moto_version: str, seed: str, changes: Iterable[Change]) -> None:
    header = {"journal": 1, "moto": moto_version, "seed": seed}
    records = [header, *(asdict(change) for change in changes)]
    write_private(path, b"".join(_line(record) for record in records))


def _line(record: dict[str, Any]) -> bytes:
    return json.dumps(record, default=_plain, separators=(",", ":")).encode() + b"\n"


def _plain(value: object) -> dict[str, str]:
    """The two parameter types that JSON lacks, as objects."""
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, datetime):
        return {"$time": value.isoformat()}
    raise TypeError(f"a parameter of type {type(value).__name__} cannot be kept")


def _revive(value: dict[str, Any]) -> Any:
    if value.keys() == {"$bytes"}:
        return base64.b64decode(value["$bytes"])
    if value.keys() == {"$time"}:
        return datetime.fromisoformat(value["$time"])
    return value
