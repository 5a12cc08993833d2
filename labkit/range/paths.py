"""Where a range lives: a folder that only its user may read, with a path short enough for a socket."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from pathlib import Path

from labkit.model.errors import LabError

DOOR, TOKEN_FILE, LOG_FILE, RUN_COMMANDS = "door", "token", "log", "bashrc"
ETC_FILES = ("resolv.conf", "nsswitch.conf", "hosts")
_LONGEST_SOCKET_PATH = 107


def range_folder(home: Path) -> Path:
    """The folder of the range of a lab's home: in it, or under /tmp where its path would be too long for a socket.

    >>> range_folder(Path("/home/ada/.local/state/labkit"))
    PosixPath('/home/ada/.local/state/labkit/range')
    """
    inside = home / "range"
    if len(os.fsencode(inside)) + len(DOOR) < _LONGEST_SOCKET_PATH:
        return inside
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    return Path(f"/tmp/labkit-{os.getuid()}-{digest}")


def make_folder(folder: Path) -> None:
    """Make it, 0700. Raises LabError when somebody else has made it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise LabError(
            f"The range was not started: {folder} belongs to somebody else.",
            "Programs of the range pass through it, so only you may own it.",
            "Move it away, or set LABKIT_HOME to a shorter path.",
        )
    folder.chmod(0o700)


def remove_folder(folder: Path) -> None:
    """Take away the files of a range, and its folder if nothing else is in it."""
    for name in (DOOR, LOG_FILE, RUN_COMMANDS, *ETC_FILES, TOKEN_FILE):  # as long as that is there, somebody clears up
        (folder / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # gone already, or somebody keeps a file there
        folder.rmdir()
