"""The responder as a student meets it: from a notebook's cell and from a terminal, on a sandbox with its engine."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from labkit import steps
from labkit.lab.lab import Lab
from labkit.lab.part_3_responder import ResponderCells
from labkit.model.detection.event import connect_event
from labkit.model.errors import StepNotReady
from labkit.sandbox.detection import seed_data
from labkit.sandbox.detection.store.store import DetectionStore
from labkit.sandbox.detection.timestamps import now_ms
from labkit.sandbox.ids import new_id
from labkit.services import sandbox_process
from labkit.steps.network import students_network_acl
from labkit.steps.rule import students_rule
from labkit.steps.session import open_session
from labkit.views.panels.responder import ResponderEnd
from tests.notebooks.kernel import one_kernel
from tests.sandbox.lab.test_cli import labkit
from tests.sandbox.responder.fixtures import raise_alert
from tests.wait import PATIENCE_SECONDS, until

DADISMAD = "203.0.113.10"
PROGRAM = str(Path(sys.executable).parent / "labkit")


@pytest.fixture
def ready(lab: Lab) -> Lab:
    """Part 2 is done."""
    list(steps.solve(lab._session, steps.named("2")))
    return lab


@pytest.fixture
def store(lab_home: Path) -> Iterator[DetectionStore]:
    opened = DetectionStore(lab_home / "world" / "detection.sqlite")
    yield opened
    opened.close()


def cells(lab: Lab) -> ResponderCells:
    return ResponderCells(lab._session)


def denied(lab: Lab) -> list[str]:
    acl = students_network_acl(lab._session)
    return [entry.cidr_block for entry in acl.egress if entry.rule_number < 100]


def test_before_part_2_is_done_the_missing_step_is_named(lab: Lab) -> None:
    with pytest.raises(StepNotReady):
        lab.responder()


def test_from_a_cell_it_denies_shows_and_is_taken_away_again(ready: Lab, lab_home: Path) -> None:
    here = cells(ready)
    panel = here.responder(start=True)
    assert here.responder() is panel
    connected(lab_home, DADISMAD)
    here.respond_once()  # a second one beside it does no harm
    until(lambda: denied(ready) == [f"{DADISMAD}/32"])
    until(lambda: f"{DADISMAD}/32" in repr(panel))
    assert "added 1 entry;" in repr(here.stop_responder())
    assert "Egress" in repr(panel) and "3 of 20 used" in repr(panel) and "Ingress" not in repr(panel)
    assert "was stopped" in panel.message.value
    ready.reset("deny_entry")
    assert denied(ready) == []


def test_looking_once_shows_what_was_done_and_why_not(ready: Lab, store: DetectionStore) -> None:
    rule_id = students_rule(ready._session).id
    for address in (DADISMAD, "10.0.0.2"):
        raise_alert(store, address, rule_id=rule_id)
    words = repr(cells(ready).respond_once(safe=["198.51.100.0/24"]))
    assert f"deny all to {DADISMAD}/32" in words and "your VPC’s resolver" in words


def test_an_event_that_reaches_the_sandbox_is_an_entry_a_moment_later(ready: Lab, lab_home: Path) -> None:
    here = cells(ready)
    here.responder(start=True)
    try:
        connected(lab_home, "198.51.100.7")
        until(lambda: denied(ready) == ["198.51.100.7/32"])
    finally:
        left = here.stop_responder()
    assert isinstance(left, ResponderEnd)
    (added,) = [one for one in left.said if one.kind == "added"]
    assert (
        added.event_to_entry_ms is not None and added.event_to_entry_ms < 5000
    )  # by the feed: a poll takes up to 10 s


def connected(home: Path, address: str) -> None:
    """A program of the lab's host connects, as the range would tell the sandbox."""
    sandbox = sandbox_process.find(home)
    assert sandbox is not None
    agent = {"_id": new_id(), "timestamp": now_ms(), "agent_id": seed_data.LAB_AGENT_ID}
    reply = requests.post(
        f"{sandbox.url}/_lab/events",
        json=[{**connect_event(address), **agent}],
        headers={"X-Lab-Token": sandbox.token},
        timeout=PATIENCE_SECONDS,
    )
    assert reply.status_code == 200, reply.text


# --- a terminal ---


def test_a_dry_run_says_would_and_changes_nothing(ready: Lab, store: DetectionStore) -> None:
    raise_alert(store, DADISMAD, rule_id=students_rule(ready._session).id)
    words = labkit("respond", "--dry-run")
    assert words.exit_code == 0
    assert words.output == "Would add entry 1: deny all to 203.0.113.10/32.\n"
    assert denied(ready) == []


def test_once_then_cleanup(ready: Lab, store: DetectionStore) -> None:
    raise_alert(store, DADISMAD, rule_id=students_rule(ready._session).id)
    once = labkit("respond", "--once")
    assert once.exit_code == 0
    assert "To deny: 203.0.113.10, in alerts of " in once.output and "{" not in once.output
    for line in once.output.splitlines()[1:]:  # after the move of the host
        assert re.fullmatch(r"\d\d:\d\d:\d\d  [⊘·✓]  +(\d+ ms)?  \S.*", line)
    assert re.search(r" \d+ ms  Added entry 1: deny all to 203.0.113.10/32.\n", once.output)
    assert "Would remove entry 1" in labkit("respond", "--cleanup", "--dry-run").output
    assert "1 of the responder's own entries" in labkit("respond", "--cleanup").output
    assert denied(ready) == []


def test_a_safe_list_that_is_none_is_refused_before_anything(ready: Lab) -> None:
    refused = labkit("respond", "--once", "--safe", "nonsense")
    assert refused.exit_code == 1 and "nonsense" in refused.output


def test_without_a_rule_it_says_which_command_makes_one(ready: Lab) -> None:
    ready.reset("rule")
    refused = labkit("respond", "--once")
    assert refused.exit_code == 1 and "Or do all of it: labkit solve 2" in refused.output


def test_ctrl_c_ends_it_at_once_and_the_entries_stay(ready: Lab, store: DetectionStore) -> None:
    raise_alert(store, DADISMAD, rule_id=students_rule(ready._session).id)
    running = subprocess.Popen([PROGRAM, "respond", "--interval", "600"], stdout=subprocess.PIPE, text=True)
    try:
        until(lambda: denied(ready) == [f"{DADISMAD}/32"])
        running.send_signal(signal.SIGINT)
        words, _ = running.communicate(timeout=PATIENCE_SECONDS)
    finally:
        running.kill()
    assert running.returncode == 0
    assert "Traceback" not in words and "`labkit respond --cleanup` removes them" in words
    assert denied(ready) == [f"{DADISMAD}/32"]


# --- a kernel ---


def test_in_a_kernel_it_works_between_cells_and_an_interrupt_ends_it(ready: Lab, lab_home: Path) -> None:
    first = "from labkit import open_lab; from labkit.lab.part_3_responder import ResponderCells; "
    with one_kernel(Path.cwd(), {**os.environ, "LABKIT_STUDENT": str(ready._session.student)}) as kernel:
        shown = kernel.run(first + "lab = ResponderCells(open_lab()._session); lab.responder()")
        assert not shown.error, shown.text
        assert shown.has_widget
        connected(lab_home, DADISMAD)
        until(lambda: denied(ready) == [f"{DADISMAD}/32"])
        running = "print('running:', lab._panel.running)"  # the panel's own updates may be beside it
        assert "running: True" in kernel.run(running).text
        kernel._manager.interrupt_kernel()
        until(lambda: "running: False" in kernel.run(running).text)
        assert "No responder is running" in kernel.run("lab.stop_responder()").text
    assert open_session().student == ready._session.student


def test_stopping_says_only_what_was_stopped(ready: Lab) -> None:
    here = cells(ready)
    assert "No responder is running" in repr(here.stop_responder())
    here.responder(start=False)
    assert "No responder is running" in repr(here.stop_responder())
    here.responder(start=True)
    assert "The responder was stopped." in repr(here.stop_responder())
    assert "No responder is running" in repr(here.stop_responder())
