"""The board as an instructor starts it: `labkit board` in a terminal, with the address that it prints."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

END_SECONDS = 90


@contextmanager
def a_board(home: Path, *options: str) -> Iterator[str]:
    """The address that `labkit board` prints; afterwards Ctrl-C, which has to end it in words."""
    process = subprocess.Popen(
        [sys.executable, "-m", "labkit", "board", "--no-browser", *options],
        env={**os.environ, "LABKIT_HOME": str(home), "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        address = next(found[0] for line in process.stdout if (found := re.search(r"http://\S+", line)))
        yield address
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=END_SECONDS)
        assert said.strip().endswith("The board is closed.") and process.returncode == 0, said
    finally:
        process.kill()
        process.wait()
