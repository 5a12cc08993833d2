"""Runs a command as an ordinary user: `as_user.py UID GID COMMAND…`, as root.

Python, the virtual environment and the lab may lie in a folder that only root may pass through; in a mount namespace of
the command's own they are shown at their own paths, and the rest of that folder is not.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from labkit.range.namespace import MOUNT, call

BIND, RECURSIVE, PRIVATE = 0x1000, 0x4000, 1 << 18
NEEDED = {Path(folder).resolve() for folder in (sys.base_prefix, sys.prefix, Path(__file__).parents[2])}


def closed_parent(folder: Path) -> Path | None:
    """The first folder above that others may not pass through."""
    return next((one for one in reversed(folder.parents) if not one.stat().st_mode & stat.S_IXOTH), None)


def show(folders: set[Path]) -> None:
    """Let them be reached, in a mount namespace of this process's own; where they can be, nothing is done."""
    closed = {folder: parent for folder in folders if (parent := closed_parent(folder))}
    if not closed:
        return
    call("unshare", MOUNT)
    call("mount", None, b"/", None, RECURSIVE | PRIVATE, None)
    shown = {folder: os.open(folder, os.O_PATH) for folder in closed}
    for parent in set(closed.values()):
        call("mount", b"tmpfs", str(parent).encode(), b"tmpfs", 0, b"mode=755")
    for folder, descriptor in shown.items():
        folder.mkdir(parents=True, exist_ok=True)
        call("mount", f"/proc/self/fd/{descriptor}".encode(), str(folder).encode(), None, BIND | RECURSIVE, None)
        os.close(descriptor)


if __name__ == "__main__":
    uid, gid, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    show(NEEDED)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    os.execvp(command[0], command)
