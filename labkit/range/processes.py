"""Ends the processes of a range and no others, found by network namespace or by mark.

A pidfd is opened before a process is examined, so that a reused pid cannot be hit.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Iterator

_ROUNDS, _QUIET_ROUNDS = 100, 3
_PAUSE_SECONDS = 0.01


def end_all(ours: Callable[[int], bool]) -> None:
    """Kill every other process that is ours, until three searches in a row find none: a process may fork before it is
    killed, and cannot be recognized during exec."""
    quiet = 0
    for _ in range(_ROUNDS):
        quiet = 0 if [pid for pid in _all_pids() if _kill(pid, ours)] else quiet + 1
        if quiet == _QUIET_ROUNDS:
            return
        time.sleep(_PAUSE_SECONDS)


def in_networks(networks: set[str]) -> Callable[[int], bool]:
    """Whether a process is in one of these network namespaces. Hold them open: the kernel reuses their names."""

    def ours(pid: int) -> bool:
        return os.readlink(f"/proc/{pid}/ns/net") in networks

    return ours


def marked(token: str) -> Callable[[int], bool]:
    """Whether a process has a range's token in its environment, or in its arguments, as the keeper does."""
    sought = token.encode()

    def ours(pid: int) -> bool:
        return any(sought in _read(f"/proc/{pid}/{name}") for name in ("environ", "cmdline"))

    return ours


def wait_for_end(pid: int, timeout_seconds: float) -> bool:
    """Whether a process ends within the time."""
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
    """Kill a process if it is ours; return whether it was."""
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if not ours(pid):
            return False
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    except OSError:  # another user's, or gone
        return False
    finally:
        os.close(descriptor)
    return True


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
