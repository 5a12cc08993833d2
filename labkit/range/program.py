"""Runs programs in a range that is up; only its folder has to be known."""

from __future__ import annotations

import codecs
import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Generator, Sequence
from pathlib import Path

from labkit.model.command_line import missing_program
from labkit.model.errors import LabError
from labkit.model.host.on_host import NOT_ON_THE_HOST
from labkit.model.host.records import ProgramOutput, ProgramResult
from labkit.range.namespace import NOT_ENTERED, find_program
from labkit.range.tiers import start_command

TIMED_OUT = 124
"""The exit code after a timeout, as in timeout(1)."""

SILENCE_SECONDS = 0.25
"""After this long without output, an empty one is sent, which detects a closed connection."""

MOST_BYTES = 1_000_000
"""The output kept of a program; the rest is read and discarded, so that the program does not block."""


def shell_command(folder: Path) -> list[str]:
    """The command that opens a prompt in the range."""
    return start_command("enter", str(folder), "--shell")


def program_command(folder: Path, argv: Sequence[str]) -> list[str]:
    """The command that runs a program in the range."""
    return start_command("enter", str(folder), "--", *argv)


def follow_program(
    folder: Path, argv: Sequence[str], timeout_seconds: float
) -> Generator[ProgramOutput | ProgramResult, None, None]:
    """Run a program: what it writes as it writes it, then how it ended. Closing the iterator ends the program.

    Raises LabError if it is not installed, or if the range cannot be entered.
    """
    require_program(argv)
    started = time.monotonic()
    process = subprocess.Popen(
        program_command(folder, argv),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # so that it can be killed with everything it started
    )
    with process:
        written = _Written(process)
        try:
            timed_out = yield from written.follow(started + timeout_seconds)
        finally:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
    code = process.returncode if process.returncode >= 0 else 128 - process.returncode
    if code == NOT_ENTERED:
        raise LabError("The program was not run.", written.err.strip())
    yield ProgramResult(
        TIMED_OUT if timed_out else code,
        written.out,
        written.err,
        time.monotonic() - started,
        timed_out=timed_out,
        cut=written.cut,
    )


class _Written:
    """What a program has written to its two pipes."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None and process.stderr is not None
        self._process = process
        self._pipes = {"out": process.stdout, "err": process.stderr}
        self._texts = {"out": "", "err": ""}
        self._decoders = {name: codecs.getincrementaldecoder("utf-8")("replace") for name in self._pipes}
        self._kept = 0
        self.cut = False

    @property
    def out(self) -> str:
        return self._texts["out"]

    @property
    def err(self) -> str:
        return self._texts["err"]

    def follow(self, deadline: float) -> Generator[ProgramOutput, None, bool]:
        """What is written until the program ends or the deadline, by `time.monotonic`; return whether that came."""
        with selectors.DefaultSelector() as selector:
            for name, pipe in self._pipes.items():
                selector.register(pipe, selectors.EVENT_READ, name)
            ended = False
            while (left := deadline - time.monotonic()) > 0:
                ready = selector.select(0 if ended else min(left, SILENCE_SECONDS)) if selector.get_map() else []
                if not ready and ended:
                    return False  # its pipes may still be held open by something that it started
                if not ready:
                    ended = self._has_ended(min(left, SILENCE_SECONDS) * (not selector.get_map()))
                    yield ProgramOutput()  # if it has ended, look once more: it may have written since the last look
                for key, _ in ready:
                    data = os.read(key.fd, 65536)
                    if not data:
                        selector.unregister(key.fileobj)
                    if text := self._keep(key.data, data):
                        yield ProgramOutput(**{key.data: text})
        return True

    def _keep(self, name: str, data: bytes) -> str:
        kept = data[: max(0, MOST_BYTES - self._kept)]
        self._kept += len(kept)
        self.cut = self.cut or len(kept) < len(data)
        text = self._decoders[name].decode(kept, final=not data)
        self._texts[name] += text
        return text

    def _has_ended(self, wait_seconds: float) -> bool:
        try:
            self._process.wait(wait_seconds)
        except subprocess.TimeoutExpired:
            return False
        return True


def require_program(argv: Sequence[str]) -> None:
    """Raise LabError if there is no such program on this machine."""
    if not argv:
        raise LabError("No program was given.", "The range runs one program.", "Give one: curl dadismad.com")
    if (name := Path(argv[0]).name) in ("aws", "labkit"):
        raise LabError(NOT_ON_THE_HOST.format(name))
    if find_program(argv[0]) is None:
        raise missing_program(argv[0], lambda other: find_program(other) is not None)
