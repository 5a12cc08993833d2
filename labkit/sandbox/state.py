"""The state file of the running sandbox: its process and address, in one 0600 file in the lab's home."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from labkit.files import write_private


@dataclass(frozen=True)
class State:
    """pid and identity (psutil's hash of the process, by which a reused pid is recognized; unlike its start time, it
    stays the same when the clock is set), url (http://127.0.0.1:PORT), token (opens the control calls; never shown),
    moto (its version)."""

    pid: int
    identity: int
    url: str
    moto: str
    token: str = field(repr=False)


def state_path(home: Path) -> Path:
    """The state file of the sandbox whose files are in `home`."""
    return home / "sandbox.json"


def write_state(home: Path, state: State) -> None:
    """Write the state file, atomically."""
    write_private(state_path(home), json.dumps(asdict(state)) + "\n")


def remove_state(home: Path) -> None:
    """Remove the state file if it is this process's own."""
    path = state_path(home)
    try:
        own = json.loads(path.read_text(encoding="utf-8"))["pid"] == os.getpid()
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return  # deleted or damaged
    if own:
        path.unlink()


def previous_port(home: Path) -> int:
    """The port of the previous sandbox, so that open terminals reach the new one; 0 if there was none."""
    try:
        url: str = json.loads(state_path(home).read_text(encoding="utf-8"))["url"]
        return int(url.rsplit(":", 1)[1])
    except (FileNotFoundError, ValueError, KeyError, IndexError, TypeError, AttributeError):
        return 0
