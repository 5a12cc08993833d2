"""Runs programs in a range that is up; only its folder has to be known."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from labkit.model.errors import LabError
from labkit.model.host_records import ProgramResult
from labkit.model.on_host import NOT_ON_THE_HOST
from labkit.range.namespace import NOT_ENTERED, find_program
from labkit.range.tiers import start_command

TIMED_OUT = 124
"""The exit code after a timeout, as timeout(1) has it."""


def shell_command(folder: Path) -> list[str]:
    """The command that opens a prompt in the range."""
    return start_command("enter", str(folder), "--shell")


def program_command(folder: Path, argv: Sequence[str]) -> list[str]:
    """The command that runs a program in the range."""
    return start_command("enter", str(folder), "--", *argv)


def run_program(folder: Path, argv: Sequence[str], timeout_seconds: float) -> ProgramResult:
    """Run a program to its end. Raises LabError if it is not installed or the range cannot be entered."""
    require_program(argv)
    started = time.monotonic()
    with subprocess.Popen(
        program_command(folder, argv),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # so that it can be killed with everything it started
    ) as process:
        try:
            out, err = process.communicate(timeout=timeout_seconds)
            code = process.returncode if process.returncode >= 0 else 128 - process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            code, err = TIMED_OUT, err + f"Stopped after {timeout_seconds:g} s.\n".encode()
    if code == NOT_ENTERED:
        raise LabError("The program was not run.", err.decode(errors="replace").strip())
    return ProgramResult(code, _text(out), _text(err), time.monotonic() - started)


def require_program(argv: Sequence[str]) -> None:
    """Raise LabError if there is no such program on this machine."""
    if not argv:
        raise LabError("No program was given.", "The range runs one program.", "Give one: curl dadismad.com")
    if (name := Path(argv[0]).name) in ("aws", "labkit"):
        raise LabError(NOT_ON_THE_HOST.format(name))
    if find_program(argv[0]) is None:
        raise LabError(
            f"{argv[0]} is not installed on this computer.",
            "The range runs the programs of this machine.",
            f"Install it, on Debian and Ubuntu with: sudo apt install {argv[0]}",
        )


def _text(output: bytes) -> str:
    return output.decode(errors="replace")
