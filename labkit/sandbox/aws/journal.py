"""The journal of changing requests: one JSON line each, written before the reply, replayed at the next start.

The first line has the version of moto that wrote it and the seed of its ids. A line cut short by a kill was never
answered, so it is dropped. Requests are written without their headers, and only after authentication.
"""

from __future__ import annotations

import base64
import json
import logging
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from labkit.files import write_private

log = logging.getLogger("labkit.sandbox.aws")


@dataclass(frozen=True)
class Change:
    """A changing request that succeeded. n: rising number, which seeds its ids."""

    n: int
    account: str
    region: str
    action: str
    params: dict[str, Any]


class Journal:
    """An open journal. seed: all ids derive from it. changes: those it held when it was opened."""

    def __init__(self, path: Path, moto_version: str, seed: str, changes: list[Change]) -> None:
        self._path, self._moto_version, self.seed, self.changes = path, moto_version, seed, changes
        # Unbuffered: one write(2) a change, so the kernel has what was answered and it survives SIGKILL.
        self._file = path.open("ab", buffering=0)

    @classmethod
    def open(cls, path: Path, moto_version: str) -> Journal | None:
        """The journal in this file, without a last line that was cut short; None if there is no file."""
        if not path.exists():
            return None
        header, changes = _read(path)
        if header.get("moto") != moto_version:
            log.warning(
                "journal written by moto %s, replayed by moto %s: ids may differ", header.get("moto"), moto_version
            )
        return cls(path, moto_version, header["seed"], changes)

    @classmethod
    def begin(cls, path: Path, moto_version: str, seed: str, changes: list[Change]) -> Journal:
        """A new journal that starts with these changes; replaces an existing file."""
        _write(path, moto_version, seed, changes)
        return cls(path, moto_version, seed, changes)

    def append(self, change: Change) -> None:
        """Write a change; it is in the file when this returns."""
        line = _line(asdict(change))
        if self._file.write(line) != len(line):
            raise OSError(f"only part of a record was written to {self._path.name}")

    def fold(self, network_acl_ids: set[str]) -> None:
        """Rewrite the file without changes that have no effect any more. network_acl_ids: those that exist now."""
        kept = folded(self.changes, network_acl_ids)
        if len(kept) < len(self.changes):
            self._file.close()
            _write(self._path, self._moto_version, self.seed, kept)
            self._file = self._path.open("ab", buffering=0)
            self.changes = kept

    def close(self) -> None:
        self._file.close()


def folded(changes: Iterable[Change], network_acl_ids: set[str]) -> list[Change]:
    """The changes without those of entries that were deleted, or whose network ACL was.

    A responder adds and removes deny entries by the thousand. An entry's changes touch nothing but
    that entry, and each change seeds its own ids, so replaying the rest gives the same state.
    """
    kept: dict[int, Change] = {}
    of_entry: dict[tuple[Any, ...], list[int]] = {}
    for change in changes:
        if not change.action.endswith("NetworkAclEntry"):
            kept[change.n] = change
            continue
        if change.params["NetworkAclId"] not in network_acl_ids:
            continue
        entry = tuple(change.params[name] for name in ("NetworkAclId", "Egress", "RuleNumber"))
        earlier = of_entry.setdefault((change.account, change.region, *entry), [])
        if change.action != "DeleteNetworkAclEntry":
            kept[change.n] = change
            earlier.append(change.n)
            continue
        made_here = bool(earlier) and kept[earlier[0]].action == "CreateNetworkAclEntry"
        for n in earlier:
            del kept[n]
        earlier.clear()
        if not made_here:  # the deletion of AWS's own entry 100 of a new default network ACL must stay
            kept[change.n] = change
    return list(kept.values())


def _read(path: Path) -> tuple[dict[str, Any], list[Change]]:
    """The header and the changes of a journal; truncates the file after its last whole line."""
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        os.truncate(path, len(whole))
    lines = whole.splitlines()
    return json.loads(lines[0]), [Change(**json.loads(line, object_hook=_revive)) for line in lines[1:]]


def _write(path: Path, moto_version: str, seed: str, changes: Iterable[Change]) -> None:
    header = {"journal": 1, "moto": moto_version, "seed": seed}
    records = [header, *(asdict(change) for change in changes)]
    write_private(path, b"".join(_line(record) for record in records).decode())


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
