"""Runs a command under a filter like Docker's default one: `jail.py COMMAND…`.

Namespaces, mounts and reaching into other processes' descriptors are refused, with root or without. `--mount` before
the command refuses mounts alone, as AppArmor's profile for Docker does.
Source: https://github.com/moby/profiles/blob/main/seccomp/default.json
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys

# unshare, setns, mount, umount2, pidfd_getfd, open_tree, move_mount, fsopen, clone3 (refused as unknown)
NUMBERS = {
    "x86_64": (0xC000003E, 317, (272, 308, 165, 166, 438, 428, 429, 430), 435, 56),
    "aarch64": (0xC00000B7, 277, (97, 268, 40, 39, 438, 428, 429, 430), 435, 220),
}
NEW_NAMESPACES = 0x7E020000
LOAD, IF_EQUAL, IF_ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
NO_NEW_PRIVS, SET_MODE_FILTER = 38, 1


class Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def filter_code(only_mount: bool) -> tuple[bytes, int]:
    arch, seccomp, refused, clone3, clone = NUMBERS[os.uname().machine]
    refused = refused[2:3] if only_mount else refused
    steps = [(LOAD, 0, 0, 4), (IF_EQUAL, 1, 0, arch), (RETURN, 0, 0, ALLOW), (LOAD, 0, 0, 0)]
    for number in refused:
        steps += [(IF_EQUAL, 0, 1, number), (RETURN, 0, 0, REFUSE | errno.EPERM)]
    steps += [(IF_EQUAL, 0, 1, clone3), (RETURN, 0, 0, REFUSE | errno.ENOSYS)]
    steps += [(IF_EQUAL, 0, 3, clone), (LOAD, 0, 0, 16), (IF_ANY_BIT, 0, 1, NEW_NAMESPACES)]
    steps += [(RETURN, 0, 0, ALLOW if only_mount else REFUSE | errno.EPERM), (RETURN, 0, 0, ALLOW)]
    return b"".join(struct.pack("HBBI", *step) for step in steps), seccomp


if __name__ == "__main__":
    only_mount = sys.argv[1] == "--mount"
    command = sys.argv[2:] if only_mount else sys.argv[1:]
    code, seccomp = filter_code(only_mount)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.syscall(seccomp, SET_MODE_FILTER, 0, ctypes.byref(Program(len(code) // 8, code))):
        sys.exit(f"no filter: {os.strerror(ctypes.get_errno())}")
    os.execvp(command[0], command)
