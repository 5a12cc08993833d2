"""Chapters 1 and 5, executed: the host is checked, and everything is removed."""

from __future__ import annotations

from collections.abc import Mapping

from labkit import steps
from labkit.services import aws
from labkit.steps.rule import all_rules
from labkit.steps.session import LabSession
from tests.notebooks.chapters import CHAPTER_1, CHAPTER_5, FOLDER, code_cells
from tests.notebooks.kernel import STUDENT, one_kernel


def others(session: LabSession) -> list[object]:
    """The VPCs and rules that are nobody's of this test."""
    keys = session.backend.aws.cloud_account()
    assert keys is not None
    return [
        *aws.describe_vpcs(session.account(keys, session.region).ec2),
        *(rule.raw for rule in all_rules(session.detection)),
    ]


def test_chapter_1_looks_at_the_host_and_changes_nothing(session: LabSession, by_hand: Mapping[str, str]) -> None:
    before = others(session)
    with one_kernel(FOLDER, by_hand) as kernel:
        for _ in range(2):
            seen = {cell.id: kernel.run(cell.source) for cell in code_cells(CHAPTER_1)}
            assert {id: output.text for id, output in seen.items() if output.error} == {}
    readiness = seen["readiness"].text
    assert "12 of 12 services healthy" in readiness and "none active yet" in readiness
    for line in ("Python", "aws", "curl", "tier 1 of 3", "the services accept it", "Leftovers"):
        assert line in readiness
    assert seen["services"].text.count("healthy") >= 12
    assert others(session) == before and session.keys is None


def test_chapter_5_takes_everything_away_leaves_others_things_alone_and_may_be_run_again(
    session: LabSession, unattended: Mapping[str, str]
) -> None:
    before = others(session)
    session.notes.save(student=STUDENT)
    assert all(result.passed for _, result in steps.solve(session, steps.STEPS))
    assert len(others(session)) == len(before) + 2
    seen = []
    for _ in range(2):
        with one_kernel(FOLDER, unattended) as kernel:
            outputs = {cell.id: kernel.run(cell.source) for cell in code_cells(CHAPTER_5)}
        assert {id: output.text for id, output in outputs.items() if output.error} == {}
        seen.append(outputs["clean-up-do"].text)
        assert others(session) == before
    assert all("Nothing of yours is left" in text and "left alone" in text for text in seen)
    assert "Deleted: VPC" in seen[0] and "student 1012" in seen[0]


PRESS = "form = lab.clean_up(); form.buttons['Yes, remove everything of mine'].click(); form.shown"


def test_chapter_5_by_hand_removes_nothing_before_the_button_and_a_second_run_says_that_nothing_is_left(
    session: LabSession, by_hand: Mapping[str, str]
) -> None:
    session.notes.save(student=STUDENT)
    list(steps.solve(session, steps.named("vpc")))
    cells = code_cells(CHAPTER_5)
    with one_kernel(FOLDER, by_hand) as kernel:
        asked = {cell.id: kernel.run(cell.source) for cell in cells}
        pressed = kernel.run(PRESS)
        after = {cell.id: kernel.run(cell.source) for cell in cells}
    assert "Nothing has been removed yet" in asked["clean-up-do"].text
    assert asked[cells[-1].id].error == "LabError" and "Still there: VPC" in asked[cells[-1].id].text
    assert "Nothing of yours is left" in pressed.text
    assert {id: output.text for id, output in after.items() if output.error} == {}
    assert "Nothing of yours is left" in after["clean-up-do"].text and "Found none" in after["check"].text
    assert "Nothing of yours is left" in after[cells[-1].id].text
