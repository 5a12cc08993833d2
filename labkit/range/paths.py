"""The folder of a range: readable by its user only, with a path short enough for a Unix socket."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from pathlib import Path

from labkit.model.errors import LabError

ENTRY_SOCKET, TOKEN_FILE, LOG_FILE, RUN_COMMANDS, PROMPT_FILE = "door", "token", "log", "bashrc", "prompt"
ETC_FILES = ("resolv.conf", "nsswitch.conf", "hosts")
_LONGEST_SOCKET_PATH = 107


def range_folder(home: Path) -> Path:
    """The folder for a lab's home: inside it, or under /tmp if that path would be too long for a socket.

    >>> range_folder(Path("/home/ada/.local/state/labkit"))
    PosixPath('/home/ada/.local/state/labkit/range')
    """
    inside = home / "range"
    if len(os.fsencode(inside)) + len(ENTRY_SOCKET) < _LONGEST_SOCKET_PATH:
        return inside
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    return Path(f"/tmp/labkit-{os.getuid()}-{digest}")


def make_folder(folder: Path) -> None:
    """Create it, 0700. Raises LabError if it belongs to another user."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise LabError(
            f"The range was not started: {folder} belongs to another user.",
            "Programs enter the range through it, so it must be yours.",
            "Move it away, or set LABKIT_HOME to a shorter path.",
        )
    folder.chmod(0o700)


def remove_folder(folder: Path) -> None:
    """Remove the files of a range, and its folder if nothing else is in it."""
    # The token last: it tells the next range what to clean up.
    for name in (ENTRY_SOCKET, LOG_FILE, RUN_COMMANDS, PROMPT_FILE, *ETC_FILES, TOKEN_FILE):
        (folder / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # it is gone already, or holds other files
        folder.rmdir()
