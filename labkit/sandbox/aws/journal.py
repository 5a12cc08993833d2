"""The journal of changing requests: one JSON line each, written before the reply, replayed at the next start.

The first line says which moto wrote it and the seed of its ids. A line that a kill cut short was never answered, so it
is dropped. No request header is ever in it: only what was asked for, after it was authenticated.
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
    """A changing request that went through. n: what its ids were seeded with, rising."""

    n: int
    account: str
    region: str
    action: str
    params: dict[str, Any]


class Journal:
    """An open journal. seed: what all ids of this world derive from. changes: those it held when it was opened."""

    def __init__(self, path: Path, moto_version: str, seed: str, changes: list[Change]) -> None:
        self._path, self._moto_version, self.seed, self.changes = path, moto_version, seed, changes
        # Unbuffered: one write(2) a change, so what was answered is with the kernel and outlives SIGKILL.
        self._file = path.open("ab", buffering=0)

    @classmethod
    def open(cls, path: Path, moto_version: str) -> Journal | None:
        """The journal in this file, mended; None when there is none yet."""
        if not path.exists():
            return None
        header, changes = _read(path)
        if header.get("moto") != moto_version:
            log.warning("journal of moto %s, replayed by moto %s: ids may differ", header.get("moto"), moto_version)
        return cls(path, moto_version, header["seed"], changes)

    @classmethod
    def begin(cls, path: Path, moto_version: str, seed: str, changes: list[Change]) -> Journal:
        """A new journal in place of any other, that holds these changes from the start."""
        _write(path, moto_version, seed, changes)
        return cls(path, moto_version, seed, changes)

    def append(self, change: Change) -> None:
        """Keep a change; it is in the file when this returns."""
        line = _line(asdict(change))
        if self._file.write(line) != len(line):
            raise OSError(f"the journal {self._path.name} took only a part of a record")

    def fold(self, network_acl_ids: set[str]) -> None:
        """Rewrite the file without the changes that left no trace; `network_acl_ids` are those that exist now."""
        kept = folded(self.changes, network_acl_ids)
        if len(kept) < len(self.changes):
            self._file.close()
            _write(self._path, self._moto_version, self.seed, kept)
            self._file = self._path.open("ab", buffering=0)
            self.changes = kept

    def close(self) -> None:
        self._file.close()


def folded(changes: Iterable[Change], network_acl_ids: set[str]) -> list[Change]:
    """The changes without those of entries that are gone, or whose network ACL is.

    A deny entry that came and went is what a responder makes by the thousand. An entry's changes touch nothing but
    that entry, and each change seeds its own ids, so the world that the rest replays to is the same.
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
        if not made_here:  # AWS's own entry 100 of a new default network ACL: its deletion must stay
            kept[change.n] = change
    return list(kept.values())


def _read(path: Path) -> tuple[dict[str, Any], list[Change]]:
    """The header and the changes of a journal; what follows the last whole line is cut off the file."""
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
    """The two kinds of parameter that JSON does not have."""
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
