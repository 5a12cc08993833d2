"""Chapter 5: removes everything that the lab made for the student, and checks what is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from labkit import steps
from labkit.model.check import CheckResult, Outcome
from labkit.model.errors import LabError
from labkit.steps import account, host, network
from labkit.steps.belongings import Belongings, belongings
from labkit.steps.progress_notes import forget_progress
from labkit.steps.session import LabSession
from labkit.steps.step import Step
from labkit.views.panels.clean_up import CleanUpQuestion, CleanUpView

ON_THIS_MACHINE = (account.ACCOUNT, account.STUDENT)
"""Undone last: without keys and number, nobody could look at the rest."""

KEPT = "Kept: it is needed to remove the rest."


def question(found: Belongings) -> CleanUpQuestion:
    """What cleaning up would remove."""
    rows = tuple((place.title, place.words) for place in found.places)
    return CleanUpQuestion(found.student, rows, found.others)


def clean_up(session: LabSession, also: Sequence[str] = ()) -> CleanUpView:
    """Take away rule, alerts, deny entries, subnet and VPC of the student, look again, then forget keys and notes.

    also: ids of VPCs without a tag that the student says they made. Raises StepNotReady while there is no number.
    """
    before = session.as_it_was()
    in_services = tuple(step for step in steps.STEPS if step not in (host.READY, *ON_THIS_MACHINE))
    ended = list(steps.reset(session, in_services))
    removed = [(step.title, steps.undone(one)) for step, one in ended if not isinstance(one, LabError)]
    failed = [(step.title, str(error)) for step, error in ended if isinstance(error, LabError)]
    for vpc_id in also:
        try:
            network.take_vpc(session, vpc_id)
            removed.append((f"{vpc_id}, which you made", steps.undone(network.undo_vpc(session))))
        except LabError as error:
            failed.append((vpc_id, str(error)))
    looked = belongings(session)
    left = [place for place in looked.places if place.things and place.title not in ("Notes", "AWS keys")]
    if failed or left or looked.unseen:
        failed += [(step.title, KEPT) for step in ON_THIS_MACHINE]
    else:
        forget_progress(session)
        removed += [(step.title, steps.undone(step.undo(session))) for step in ON_THIS_MACHINE]
    return what_is_left(before, removed, failed)


def what_is_left(
    session: LabSession, removed: Sequence[tuple[str, str]] = (), failed: Sequence[tuple[str, str]] = ()
) -> CleanUpView:
    """What a look at every place finds now, and what was removed before it."""
    found = belongings(session)
    return CleanUpView(
        student=found.student,
        removed=removed,
        failed=failed,
        looked=[(place.title, place.words) for place in found.places],
        still_there=found.things,
        unseen=[place.title for place in found.unseen],
        untagged=found.untagged_sentence,
        left_alone=found.others,
    )


def is_cleaned_up(session: LabSession, step: Step) -> bool:
    """Whether this step was undone by cleaning up, so that its check asks if its things are gone."""
    noted = session.notes.all()
    return "last_student" in noted and "student" not in noted and step not in (host.READY, *ON_THIS_MACHINE)


def check_gone(session: LabSession, step: Step) -> CheckResult:
    """The step's check after cleaning up, when what it finds should not be there."""
    result = steps.look(session, step)
    if not result.passed:
        return replace(result, next_step="") if result.outcome is Outcome.NOT_YET else result
    return replace(
        result,
        outcome=Outcome.WRONG,
        expected=f"nothing of student {session.student}, since it was cleaned up",
        next_step="Clean up again: lab.clean_up()",
    )
