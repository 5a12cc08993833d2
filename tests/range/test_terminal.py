"""A prompt in the range, used through a real terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psutil
import pytest

from labkit.range.program import shell_command
from labkit.range.range import Range
from tests.range.ranges import DADISMAD, Recorder
from tests.terminal import Terminal
from tests.wait import PATIENCE_SECONDS

PROMPT = r"\(%s\)\S* \S+@10\.0\.1\.10 [$#] "
LONG = "sh -c 'echo be\"\"gun; exec sleep 985'\n"


@pytest.fixture(params=[pytest.param((1, "range"), marks=pytest.mark.tier_1), (2, "range, watched only")])
def terminal(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Terminal, str]]:
    tier, place = request.param
    monkeypatch.setenv("LABKIT_RANGE_TIER", str(tier))
    network: Range = request.getfixturevalue("network")
    opened = Terminal(shell_command(network.folder))
    yield opened, PROMPT % place
    opened.close()


def of_long_program() -> list[str]:
    """The state of each process that runs it, or is about to."""
    found = psutil.process_iter(["cmdline", "status"])
    return [one.info["status"] for one in found if "sleep 985" in " ".join(one.info["cmdline"] or [])]


def test_curl_at_the_prompt_answers_and_is_reported_with_its_terminal(
    terminal: tuple[Terminal, str], recorder: Recorder
):
    screen, prompt = terminal
    screen.wait_for(prompt)
    screen.type("curl -sS dadismad.com\n")

    screen.wait_for("You reached dadismad.com")
    screen.wait_for(prompt)
    (event,) = recorder.wait_for(1, DADISMAD)
    assert re.fullmatch(r"pts\d+", event.program.tty)
    assert event.program.args[-1] == "dadismad.com"


def test_the_aws_cli_typed_at_the_prompt_says_where_it_works(terminal: tuple[Terminal, str]):
    screen, prompt = terminal
    screen.wait_for(prompt)
    screen.type("aws ec2 describe-vpcs; echo ended: $?\n")

    said = screen.wait_for(r"ended: \d+")
    assert "aws does not work on the lab's host" in said and not said.endswith("ended: 0")


def test_the_prompt_says_once_that_an_entry_was_written_meanwhile(terminal: tuple[Terminal, str], network: Range):
    screen, prompt = terminal
    screen.wait_for(prompt)
    network.show_at_prompts("Entry 1 was written: it denies 203.0.113.10.")
    screen.type("true\n")

    screen.wait_for(r"⊘ Entry 1 was written: it denies 203\.0\.113\.10\.")
    screen.wait_for(prompt)
    screen.type("true\n")
    assert "Entry" not in screen.wait_for(prompt)


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
    assert of_long_program() == [psutil.STATUS_STOPPED]
    screen.type("kill %1; fg; echo go''ne\n")

    screen.wait_for("gone")
    assert of_long_program() == []
