"""Ending every process of the range, and none that is not: by its network namespace or by its mark.

A pidfd is opened before a process is looked at, so that a number used anew cannot be hit.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Iterator

MARK = "LABKIT_RANGE"
"""The environment variable that each program of a range is started with; its value names that one range."""

_ROUNDS, _QUIET_ROUNDS = 100, 3
_PAUSE_SECONDS = 0.01


def end_all(ours: Callable[[int], bool]) -> None:
    """Kill every other process that is ours, until none is seen three times in a row: what is killed may have forked
    meanwhile, and a program reads as nobody's for the moment in which it execs."""
    quiet = 0
    for _ in range(_ROUNDS):
        quiet = 0 if [pid for pid in _all_pids() if _kill(pid, ours)] else quiet + 1
        if quiet == _QUIET_ROUNDS:
            return
        time.sleep(_PAUSE_SECONDS)


def in_networks(networks: set[str]) -> Callable[[int], bool]:
    """Whether a process lives in one of these network namespaces; they have to be held, for names are used again."""

    def ours(pid: int) -> bool:
        return os.readlink(f"/proc/{pid}/ns/net") in networks

    return ours


def marked(token: str) -> Callable[[int], bool]:
    """Whether a process bears the mark of a range in its environment, or in its arguments, as its keeper does."""
    sought = token.encode()

    def ours(pid: int) -> bool:
        return any(sought in _read(f"/proc/{pid}/{name}") for name in ("environ", "cmdline"))

    return ours


def wait_for_end(pid: int, timeout_seconds: float) -> bool:
    """Whether a process has ended within the time."""
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return True
    try:
        return bool(select.select([descriptor], [], [], timeout_seconds)[0])
    finally:
        os.close(descriptor)


def _all_pids() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid())


def _kill(pid: int, ours: Callable[[int], bool]) -> bool:
    """Kill it if it is ours; whether it was."""
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if not ours(pid):
            return False
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    except OSError:  # somebody else's, or gone
        return False
    finally:
        os.close(descriptor)
    return True


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
