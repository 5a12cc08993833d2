"""A prompt in the range, typed at through a real terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import subprocess
import termios
import time
from collections.abc import Iterator

import pytest

from labkit.range.range import Range
from tests.range.ranges import DADISMAD, Recorder

PROMPT = r"\(%s\)\S* \S+@10\.0\.1\.10:\S+[$#] "
COLOUR = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
PATIENCE_SECONDS = 20
LONG = "sh -c 'echo be\"\"gun; exec sleep 985'\n"


class Terminal:
    """Both ends of a pseudo-terminal: a process at one, a person at the other."""

    def __init__(self, command: list[str]) -> None:
        self.keys, screen = pty.openpty()
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


@pytest.fixture(params=[pytest.param((1, "range"), marks=pytest.mark.tier_1), (2, "range, watched only")])
def terminal(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Terminal, str]]:
    tier, place = request.param
    monkeypatch.setenv("LABKIT_RANGE_TIER", str(tier))
    network: Range = request.getfixturevalue("network")
    opened = Terminal(network.terminal_command())
    yield opened, PROMPT % place
    opened.close()


def test_curl_typed_at_the_prompt_answers_and_is_told_with_its_terminal(
    terminal: tuple[Terminal, str], recorder: Recorder
):
    screen, prompt = terminal
    screen.wait_for(prompt)
    screen.type("curl -sS dadismad.com\n")

    screen.wait_for("You reached dadismad.com")
    screen.wait_for(prompt)
    (event,) = recorder.wait_for(1, DADISMAD)
    assert re.fullmatch(r"pts\d+", event.tty)
    assert event.args[-1] == "dadismad.com"


def test_control_c_ends_the_program_and_not_the_prompt(terminal: tuple[Terminal, str]):
    screen, prompt = terminal
    screen.wait_for(prompt)
    screen.type(LONG)
    screen.wait_for("begun")
    screen.type("\x03")
    screen.wait_for(prompt)
    screen.type("echo $?; exit 7\n")
    screen.wait_for("130")

    assert screen.process.wait(PATIENCE_SECONDS) == 7


def test_job_control_works(terminal: tuple[Terminal, str]):
    screen, prompt = terminal
    screen.wait_for(prompt)
    screen.type(LONG)
    screen.wait_for("begun")
    screen.type("\x1a")
    screen.wait_for("Stopped")
    screen.wait_for(prompt)
    screen.type("kill %1; fg; echo go''ne\n")

    screen.wait_for("gone")
