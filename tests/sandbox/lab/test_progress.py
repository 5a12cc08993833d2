"""A chapter's bar follows the steps without being run again."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from labkit import steps
from labkit.lab.lab import Lab
from labkit.lab.links import CHAPTERS
from labkit.lab.live_progress import LiveProgress
from labkit.model.check import CheckResult, Outcome
from labkit.model.errors import InvalidInput
from labkit.views.panels.progress import Progress, StatusLine
from tests.notebooks.kernel import one_kernel

WAIT = """
import time
for _ in range(100):
    time.sleep(0.1)
    if lab._live._followed["2"][2].progress.done == {done}: break
"""


def line(*outcomes: Outcome) -> StatusLine:
    results = [CheckResult(f"s{at}", f"Step {at}", one, "", "", "") for at, one in enumerate(outcomes)]
    return StatusLine(7, "sandbox", "sandbox", "us-east-1", "", results, {"s0": "#Step-0", "s1": "#Step-1"})


def test_the_bar_of_a_chapter_moves_when_a_later_cell_has_done_a_step(lab: Lab) -> None:
    with one_kernel(Path.cwd(), os.environ) as kernel:
        first = kernel.run("from labkit import open_lab\nlab = open_lab()\nlab.chapter('2')")
        kernel.run("lab.enter_student_number(7)")
        moved = kernel.run(WAIT.format(done=1))

    assert "0 of 8 steps done" in first.text
    assert moved.error == ""
    assert "1 of 8 steps done" in moved.text


@pytest.mark.parametrize(
    ("number", "done", "here", "onward"),
    [
        ("0", "0 of 0", "Start here", "At the end of this chapter, go on with Part 1: initial configuration"),
        ("1", "0 of 1", "Part 1: initial configuration", ""),
        (2, "3 of 8", "Part 2: create the environment", ""),
        ("03", "0 of 3", "Part 3: the self-protecting cloud", ""),
        ("4", "0 of 3", "Part 4: what it can and cannot do", ""),
        ("5", "3 of 12", "Part 5: clean up", ""),
    ],
)
def test_every_chapter_has_a_map_that_says_where_one_is_how_far_and_how_to_go_on(
    lab: Lab, number: str | int, done: str, here: str, onward: str
) -> None:
    list(steps.solve(lab._session, steps.named("vpc")))
    shown = lab.chapter(number)

    assert f"{shown.progress.done} of {len(shown.results)}" == done
    assert f"▶ {here}" in shown.text() and shown.text().count("you are here") == 1
    assert "  Part 2: create the environment · 3 of 8 · 25 min" in shown.text().replace("▶", " ")
    assert onward in re.sub("<.*?>", "", shown._repr_html_())
    assert all(f'href="{one.file}"' in shown._repr_html_() for one in CHAPTERS.values() if one.title != here)


def test_the_map_leads_to_the_next_chapter_once_all_steps_of_this_one_are_done(lab: Lab) -> None:
    list(steps.solve(lab._session, steps.named("2")))
    assert 'go on with <a href="03_self_protecting_cloud.ipynb">' in lab.chapter("2")._repr_html_()
    assert "Part 2: create the environment · ✓ 8 of 8 · 25 min" in lab.chapter("3").text()
    assert "you are here" not in lab.status().text() and "· ✓ 8 of 8 · 25 min" in lab.status().text()
    with pytest.raises(InvalidInput, match="no chapter “7”"):
        lab.chapter("7")


def test_the_first_cell_shows_the_lab_and_notes_its_chapter(lab: Lab) -> None:
    environment = {**os.environ, "JPY_SESSION_NAME": "/x/notebooks/02_create_environment.ipynb"}
    with one_kernel(Path.cwd(), environment) as kernel:
        shown = kernel.run("from labkit import open_lab\n\nlab = open_lab()").text

    where = "AWS: sandbox on this machine. Detection: sandbox on this machine."
    assert shown == f"The lab is open No student number yet. {where}"
    assert lab._session.notes.get("open_chapter") == "02_create_environment.ipynb"


def test_coming_back_says_at_which_step_of_this_chapter_to_continue(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.enter_student_number(7)
    lab.chapter("2")
    assert "Continue here" not in lab._opening().text()
    monkeypatch.setenv("JPY_SESSION_NAME", "/x/notebooks/02_create_environment.ipynb")

    assert 'Continue here: <a href="#AWS-CLI-Configuration">Your AWS account</a>' in lab._opening()._repr_html_()
    list(steps.solve(lab._session, steps.named("network_acl_id")))
    lab.check("network_acl_id")
    assert lab._opening().text().endswith("Continue here: Your detection rule")


def test_part_1_is_done_once_its_student_has_looked_and_is_ready_then_only(lab: Lab) -> None:
    assert lab.chapter("1").progress.done == 0
    assert "not yet" in lab.check("host_ready").text() and "Look: lab.readiness()" in lab.check("host_ready").text()
    lab.readiness()
    assert lab.chapter("1").progress.done == 1
    assert "Part 1 is done: 1 of 1 step" in lab.finish("1").text()


def test_the_bar_says_where_to_continue() -> None:
    shown = line(Outcome.PASSED, Outcome.NOT_YET)

    assert 'Continue here: <a href="#Step-1">Step 1</a>' in shown._repr_html_()
    assert "Continue here" not in line(Outcome.PASSED, Outcome.PASSED)._repr_html_()
    assert Progress(shown.results).next is None


def test_nothing_is_drawn_while_nothing_has_changed_except_at_the_end_of_a_handouts_chapter(monkeypatch) -> None:
    drawn: list[object] = []
    monkeypatch.setattr("labkit.lab.live_progress.LiveDisplay.update", lambda _, shown: drawn.append(shown))
    done, states = line(Outcome.PASSED), [line(Outcome.NOT_YET), line(Outcome.PASSED), line(Outcome.PASSED)]
    progress = LiveProgress()
    progress.follow("2", line(Outcome.NOT_YET), lambda: states.pop(0))

    progress._look()
    assert drawn == []
    progress._look()
    assert drawn == [done]
    progress.settle()
    assert drawn == [done, done]
