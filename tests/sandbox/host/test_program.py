"""A program on the host is seen while it runs, and ends when nobody follows it any more."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from labkit import steps
from labkit.lab.calls import interruptible
from labkit.lab.lab import Lab, open_lab
from labkit.lab.part_3_host import HostCells
from labkit.model.errors import InvalidInput, LabError
from labkit.model.host.records import ProgramOutput
from labkit.services.host import Host
from labkit.steps.protection import answers
from labkit.views.view import View
from tests.notebooks.kernel import one_kernel
from tests.wait import PATIENCE_SECONDS, until

pytestmark = pytest.mark.tier_1

Run = Callable[..., View]
MARK = "labkit-test-program"
UNTIL_IT_LOOKS_NO_MORE = """
import threading
for one in threading.enumerate():
    if one.name == "answers": one.join()
"""
TICKS = "import sys, time\nfor n in range(3): print(n, flush=True); time.sleep(0.3)"


@pytest.fixture
def run(lab: Lab) -> Run:
    """lab.run, whatever it needs."""
    return HostCells(lab._session).run


class Enough(Exception):
    """Whoever follows a program leaves."""


def host_of(lab: Lab) -> Host:
    assert lab._session.backend.aws.host is not None
    return lab._session.backend.aws.host


def running(mark: str) -> list[psutil.Process]:
    """The programs with this word among their arguments."""
    return [one for one in psutil.process_iter(["cmdline"]) if mark in (one.info["cmdline"] or [])]


def test_what_it_writes_is_shown_as_it_writes_it(lab: Lab) -> None:
    heard: list[tuple[float, str]] = []

    def show(written: ProgramOutput) -> None:
        if written.out:
            heard.append((time.monotonic(), written.out))

    result = host_of(lab).run([sys.executable, "-c", TICKS], on_output=show)

    assert "".join(text for _, text in heard) == result.out == "0\n1\n2\n"
    assert heard[-1][0] - heard[0][0] > 0.3
    assert result.code == 0 and not result.timed_out


@pytest.mark.parametrize("ending", [Enough, KeyboardInterrupt])
def test_it_is_ended_when_its_follower_leaves(lab: Lab, ending: type[BaseException]) -> None:
    def leave(_: ProgramOutput) -> None:
        raise ending

    mark = f"{MARK}-{ending.__name__}"
    script = "import sys, time, subprocess; subprocess.Popen(['sleep', '90', *[]]); time.sleep(90)"
    with pytest.raises(ending):
        host_of(lab).run([sys.executable, "-c", script, mark], 90, leave)

    until(lambda: not running(mark))


def test_an_interrupted_cell_ends_it_in_one_panel(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("labkit.views.running.Running.show", interrupted)
    with pytest.raises(LabError, match=r"Interrupted: `run\(\)` stopped before its end"):
        interruptible(run)([sys.executable, "-c", "import time; time.sleep(90)", MARK])

    until(lambda: not running(MARK))


def test_its_time_limit_is_reported_as_one_and_not_as_a_fault(run: Run) -> None:
    ran = repr(run("sleep 30", seconds=0.5))

    assert "stopped after 0.5 s: it reached its limit of 0.5 s; seconds=1 allows more" in ran
    assert "fault" not in ran


def test_a_program_that_writes_without_end_is_cut_and_still_ends(run: Run) -> None:
    ran = run("yes", seconds=1)

    assert "Its output was too long: the rest was not kept." in repr(ran)
    assert len(repr(ran)) < 1_000


def test_what_a_program_leaves_in_the_background_keeps_nobody_waiting(run: Run) -> None:
    began = time.monotonic()

    assert "exit code 0" in repr(run("sh -c 'sleep 300 & echo done'"))
    assert time.monotonic() - began < PATIENCE_SECONDS


@pytest.mark.parametrize(("command", "said"), [("curl -s dadismad.com | head -1", "sh -c"), ("curl 'x", "not closed")])
def test_a_command_that_wants_a_shell_is_refused_before_anything_runs(run: Run, command: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        run(command)


@pytest.mark.parametrize(("name", "said"), [("cd /tmp", "a word of the shell"), ("Curl x", "Write: curl")])
def test_a_program_that_is_not_there_gets_advice_that_is_right(run: Run, name: str, said: str) -> None:
    with pytest.raises(LabError, match=said):
        run(name)


def test_the_shell_that_a_refusal_offers_runs_it(run: Run) -> None:
    assert "You reached dadismad.com" in repr(run("sh -c 'curl -s dadismad.com | head -1'"))


def test_a_folder_is_not_a_program(run: Run) -> None:
    with pytest.raises(LabError, match="is not installed"):
        run(str(Path.home()))


def test_interrupting_the_cell_ends_the_program_and_leaves_one_panel(lab: Lab) -> None:
    script = "import time; print('begun', flush=True); time.sleep(90)"
    with one_kernel(Path.cwd(), os.environ) as kernel:
        kernel.run("from labkit import open_lab; lab = open_lab(); lab.solve('host_subnet')")
        seen = threading.Thread(target=lambda: (until(lambda: running("in-a-cell")), kernel.interrupt()))
        seen.start()
        output = kernel.run(f"lab.run({[sys.executable, '-c', script, 'in-a-cell']!r})")
        seen.join()

    assert output.error == "LabError"
    assert output.text.count("Interrupted: run() stopped before its end") == 1
    assert "urllib3" not in output.text and "Traceback" not in output.text
    until(lambda: not running("in-a-cell"))


@pytest.fixture
def guarded(lab: Lab) -> Lab:
    """The host is where a responder would answer."""
    list(steps.solve(lab._session, (*steps.named("2"), *steps.named("host_subnet"))))
    return lab


def test_beside_its_output_a_cell_shows_event_alert_and_entry_when_the_responder_answers_and_then_only(
    guarded: Lab,
) -> None:
    with one_kernel(Path.cwd(), os.environ) as kernel:
        kernel.run("from labkit import open_lab\nlab = open_lab()")
        assert "⊘ responder" not in kernel.run("lab.run('curl -sS dadismad.com')").text
        kernel.run("lab.reset('first_alert')\nlab.responder(start=True)")
        shown = kernel.run(f"lab.run('curl -sS dadismad.com')\n{UNTIL_IT_LOOKS_NO_MORE}").text

    assert "⊘ responder Entry 1 denies 203.0.113.10." in shown
    assert re.search(r"event \d\d:\d\d:\d\d\.\d{3} ! alert [\d:.]+ \d+ ms ⊘ entry 1 [\d:.]+ \d+ ms total \d+ ms", shown)


def test_what_connects_after_a_program_has_ended_is_not_shown_as_its_answer(guarded: Lab) -> None:
    with one_kernel(Path.cwd(), os.environ) as kernel:
        kernel.run("from labkit import open_lab\nlab = open_lab()\nlab.responder(start=True)")
        first = "lab.run('true')\nlab.run('curl -sS dadismad.com')"
        shown = kernel.run(f"{first}\n{UNTIL_IT_LOOKS_NO_MORE}").text

    assert "⊘ responder" not in shown[: shown.index("curl -sS dadismad.com")] and shown.count("⊘ responder") == 1


def test_an_unattended_cell_waits_for_the_answer_of_its_own_responder(
    guarded: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABKIT_STUDENT", str(guarded._session.student))
    lab = open_lab()
    lab.responder(start=True)
    try:
        (answer,) = lab.run("curl -sS dadismad.com").said
        assert lab.run("curl -sS dadismad.com", expect=28).said == ()
    finally:
        lab.stop_responder()
    assert answer.address == "203.0.113.10"
    assert answer.event_at_ms <= answer.alerted_at_ms <= answer.entered_at_ms


def test_an_entry_without_an_alert_answers_nothing(guarded: Lab) -> None:
    guarded.add_entry(rule_number=50, cidr_block="203.0.113.10/32")

    assert [deny.address for deny in host_of(guarded).denies()][-1:] == ["203.0.113.10"]
    assert answers(guarded._session) == ()
