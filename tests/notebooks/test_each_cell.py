"""Every code cell of every chapter: without the step that it needs it stops in the panel that names that step, and
nothing has changed; or it is on the list of cells that need nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from labkit import steps
from labkit.lab.requirements import NEEDS, NEEDS_NOTHING
from labkit.services import aws
from labkit.steps.rule import all_rules
from labkit.steps.session import LabSession
from tests.notebooks.chapters import FOLDER, PATHS, Cell, code_cells
from tests.notebooks.kernel import STUDENT, one_kernel

WITHOUT_A_CALL = {
    "from labkit import open_lab": "It opens the lab.",
    "lab": "It shows the summary, whatever is missing.",
}
"""Code cells that begin so make no call of the lab, each with the reason why they need nothing."""

TRUE_ANYHOW = ("enter_detection_key", "reset")
"""Calls whose ✓ is true in a fresh world: the lab knows the key of its own service, and what was never done is
undone."""

CELLS = [(path, cell) for path in PATHS for cell in code_cells(path)]


def called(cell: Cell) -> list[str]:
    """The calls of the lab that a cell makes."""
    return re.findall(r"\blab\.(\w+)\(", cell.source)


def needed(cell: Cell) -> tuple[str, ...]:
    """The steps that a cell needs, the nearest last."""
    asked = re.search(r'needs="([^"]*)"', cell.source)
    named = [each.strip() for each in asked[1].split(",")] if asked else []
    keys = {key for call in called(cell) for key in NEEDS.get(call, ())} | {*named}
    return tuple(key for key in steps.BY_KEY if key in keys)


def snapshot(session: LabSession) -> dict[str, Any]:
    """Everything that a cell could change, asked with the sandbox's own keys."""
    keys = session.backend.aws.cloud_account()
    assert keys is not None
    ec2, detection = session.account(keys, session.region).ec2, session.detection
    return {
        "vpcs": aws.describe_vpcs(ec2),
        "network ACLs": aws.describe_network_acls(ec2),
        "subnets": ec2.describe_subnets()["Subnets"],
        "rules": [rule.raw for rule in all_rules(detection)],
        "alerts": [(alert.id, status) for status in ("active", "dismissed") for alert in detection.alerts(status)],
        "notes": {name: note for name, note in session.notes.all().items() if name != "open_step"},
    }


def test_every_code_cell_stands_on_a_step_or_is_on_a_list_with_the_reason() -> None:
    for path, cell in CELLS:
        reasons = [NEEDS_NOTHING.get(call, "") for call in called(cell)]
        listed = all(reasons) if reasons else cell.source.splitlines()[0] in WITHOUT_A_CALL
        assert bool(needed(cell)) != listed, f"{path.stem}, {cell.id}: {cell.source}"


def test_who_solves_a_chapter_can_run_each_of_its_cells() -> None:
    for path, cell in CELLS:
        chapter = tuple(step for step in steps.STEPS if step.chapter == path.stem[1]) or steps.STEPS
        missing = steps.with_needs(tuple(steps.BY_KEY[key] for key in needed(cell)))
        assert {*missing} <= {*steps.with_needs(chapter)}, f"{path.stem}, {cell.id}: {cell.source}"


def test_without_the_step_before_it_each_cell_stops_in_the_panel_that_names_it_and_changes_nothing(
    session: LabSession, by_hand: Mapping[str, str]
) -> None:
    session.notes.save(student=STUDENT)
    assert all(result.passed for _, result in steps.solve(session, steps.STEPS))
    waiting: dict[str, list[Cell]] = {}
    for _, cell in CELLS:
        for key in needed(cell)[-1:]:
            waiting.setdefault(key, []).append(cell)
    with one_kernel(FOLDER, by_hand) as kernel:
        kernel.run("from labkit import open_lab\nlab = open_lab()")
        for step in reversed(steps.STEPS):
            if step.key not in waiting:
                continue
            for _, ended in steps.reset(session, (step,)):
                assert not isinstance(ended, Exception), ended
            if steps.look(session, step).passed:  # looked up by the step before, so that one must go
                waiting.setdefault(step.needs[-1], []).extend(waiting.pop(step.key))
                continue
            before = snapshot(session)
            for cell in waiting[step.key]:
                output = kernel.run(cell.source)
                assert output.error == "StepNotReady", f"{cell.id} ran without “{step.title}”: {output.text}"
                assert f"“{step.title}”" in output.text and step.link in output.html, f"{cell.id}: {output.text}"
                assert "Traceback" not in output.text
            assert snapshot(session) == before, step.key


def test_a_check_without_its_step_is_not_a_tick_and_changes_nothing(
    session: LabSession, by_hand: Mapping[str, str]
) -> None:
    before = snapshot(session)
    with one_kernel(FOLDER, by_hand) as kernel:
        kernel.run("from labkit import open_lab\nlab = open_lab()")
        for key in (key for _, cell in CELLS for key in cell.checks):
            output = kernel.run(f'lab.check("{key}")')
            assert output.error == "" and "✓" not in output.text and "not yet" in output.text, key
    assert snapshot(session) == before


def test_run_all_on_a_fresh_world_stops_at_the_first_form_and_nothing_below_it_claims_success(
    session: LabSession, by_hand: Mapping[str, str]
) -> None:
    for path in PATHS[2:5]:
        session.notes.forget("student")
        asked = [cell for cell in code_cells(path) if "solve" not in called(cell)]  # which would do it all
        with one_kernel(FOLDER, by_hand) as kernel:
            outputs = {cell.id: kernel.run(cell.source) for cell in asked}
        first = next(id for id, output in outputs.items() if output.error)
        assert outputs[first].error == "StepNotReady" and "student number" in outputs[first].text
        assert outputs["answer"].error == "StepNotReady" and "is not done yet" in outputs["answer"].text
        claims = {cell.id for cell in asked if "✓" in outputs[cell.id].text and not {*called(cell)} & {*TRUE_ANYHOW}}
        assert claims == set(), path.stem
