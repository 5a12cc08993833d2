"""The kernel's namespaces, for an ordinary user: creating and entering them, and dropping capabilities.

Imported by every program's entry, so nothing slow is imported here. Source: namespaces(7), capabilities(7).
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable

USER, MOUNT, UTS, NET = 0x10000000, 0x20000, 0x4000000, 0x40000000
ENTERED = ("user", "mnt", "uts", "net")
"""The host's namespaces in the order of entering: the first gives the right to enter the others."""

_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 1 << 18
_PR_CAPBSET_DROP, _PR_CAP_AMBIENT = 24, 47
_AMBIENT_RAISE, _AMBIENT_CLEAR_ALL = 2, 4
_CAP_NET_RAW, _CAPABILITIES = 13, 41
_CAPABILITY_VERSION_3 = 0x20080522

NOT_ENTERED = 125
"""The exit code of a program that could not enter the range."""

libc = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: object) -> None:
    """Make a system call by the C library. Raises OSError, with the call's name."""
    if getattr(libc, name)(*arguments) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def unshare_all() -> None:
    """Give this process its own user, mount, host name and network namespaces, with all capabilities there.

    User and group ids stay the same, so a program in the range runs as its own user. Raises OSError.
    """
    uid, gid = os.getuid(), os.getgid()
    call("unshare", USER | MOUNT | UTS | NET)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
    _inherit_capabilities()


def enter(descriptors: list[int]) -> None:
    """Move this process into the namespaces of these descriptors, and close them. Raises OSError."""
    for descriptor in descriptors:
        call("setns", descriptor, 0)
        os.close(descriptor)


def drop_capabilities() -> None:
    """Leave the next executed program no capabilities in the namespaces."""
    libc.prctl(_PR_CAP_AMBIENT, _AMBIENT_CLEAR_ALL, 0, 0, 0)
    if os.getuid() == 0:  # exec would give a real root everything in the bounding set
        for capability in set(range(_CAPABILITIES)) - {_CAP_NET_RAW}:  # without it exec of ping is refused
            libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)


def mount_privately(files: dict[str, str]) -> None:
    """Mount files over others in this mount namespace only: {path: file shown there}. Raises OSError."""
    call("mount", None, b"/", None, _MS_REC | _MS_PRIVATE, None)
    for path, shown in files.items():
        if os.path.exists(path):
            call("mount", shown.encode(), os.path.realpath(path).encode(), None, _MS_BIND, None)


def find_program(name: str) -> str | None:
    """The path of a program on PATH or among the system's, None if it is not installed."""
    if "/" in name:
        return name if os.access(name, os.X_OK) and not os.path.isdir(name) else None
    for folder in [*os.get_exec_path(), "/usr/sbin", "/sbin"]:
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    return None


def ip(batch: str) -> None:
    """Run lines of `ip`, stopping at the first that fails. Raises OSError with its message."""
    import subprocess  # slow to import, and no program's entry needs it

    program = find_program("ip")
    if program is None:
        raise FileNotFoundError("ip is not installed")
    ended = subprocess.run([program, "-batch", "-"], input=batch, text=True, capture_output=True, check=False)
    if ended.returncode:
        raise OSError(ended.stderr.strip() or f"ip ended with {ended.returncode}")


def set_kernel_values(values: dict[str, object]) -> None:
    """Write values under /proc/sys/net where that is allowed; the range works without them, as in many containers."""
    for name, value in values.items():
        try:
            with open(f"/proc/sys/net/{name}", "w") as file:
                file.write(str(value))
        except OSError:
            continue


def fork(work: Callable[[], None]) -> int:
    """Run `work` in a child, which then exits at once; return the child's pid."""
    if pid := os.fork():
        return pid
    try:
        work()
        os._exit(0)
    finally:
        os._exit(1)


def network_of(pid: int | str) -> str:
    """The name of a process's network namespace, `self` for this one. Raises OSError."""
    return os.readlink(f"/proc/{pid}/ns/net")


def _inherit_capabilities() -> None:
    """Make them inheritable and ambient, so that `ip` and `nft`, run as the same user, keep them."""
    header, data = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0), (ctypes.c_uint32 * 6)()
    call("capget", header, data)
    data[2], data[5] = data[1], data[4]  # inheritable = permitted
    call("capset", header, data)
    for capability in range(_CAPABILITIES):
        libc.prctl(_PR_CAP_AMBIENT, _AMBIENT_RAISE, capability, 0, 0)
