"""A pseudo-terminal that a test types at."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

from tests.wait import PATIENCE_SECONDS

COLOUR = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Terminal:
    """Both ends of a pseudo-terminal: a process at one, a person at the other."""

    def __init__(self, command: list[str], columns: int = 200, rows: int = 50) -> None:
        self.keys, screen = pty.openpty()
        fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(
            command, stdin=screen, stdout=screen, stderr=screen, start_new_session=True, preexec_fn=_own_terminal
        )
        os.close(screen)
        self.shown = ""

    def type(self, text: str) -> None:
        os.write(self.keys, text.encode())

    def wait_for(self, pattern: str) -> str:
        """What is shown up to and with the pattern, from where the last wait ended."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := re.search(pattern, self.shown)):
            ready, _, _ = select.select([self.keys], [], [], deadline - time.monotonic())
            assert ready, f"{pattern!r} is not in {self.shown!r}"
            self.shown += COLOUR.sub("", os.read(self.keys, 4096).decode(errors="replace"))
        before, self.shown = self.shown[: found.end()], self.shown[found.end() :]
        return before

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.keys)


def _own_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
