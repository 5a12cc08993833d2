"""The lab's steps in their order, and what can be done with all of them: status, require, solve, reset.

To add a step, add one `Step` to this list: the cells' checks, the progress bar, `status`, `solve`, `reset`
and the end-to-end tests follow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from difflib import get_close_matches

from labkit.model.check import SKIPPED, CheckResult, Outcome
from labkit.model.check import require as require_passed
from labkit.model.errors import ConsentNeeded, InvalidInput, LabError, StepNotReady
from labkit.steps import account, host, network, protection, rule
from labkit.steps.session import LabSession
from labkit.steps.step import Offer, Step
from labkit.views.panels.basic import ActionResult
from labkit.views.view import View

STEPS: tuple[Step, ...] = (
    host.READY,  # chapter 1
    account.STUDENT,  # chapter 2
    account.ACCOUNT,
    network.VPC,
    network.NETWORK_ACL,
    rule.RULE,
    rule.CRITERIA,
    rule.ENABLED,
    rule.RULE_ID,
    host.SUBNET,  # chapter 3
    protection.ALERT,
    protection.DENIED,
)
BY_KEY = {step.key: step for step in STEPS}


def named(name: str) -> tuple[Step, ...]:
    """The step with this key, or the steps of the chapter with this number; all of them for "".

    Raises InvalidInput for an unknown name.
    """
    chosen = tuple(step for step in STEPS if name in ("", step.key, step.chapter, step.chapter.zfill(2)))
    if chosen:
        return chosen
    near = get_close_matches(name.lower().replace("-", "_"), BY_KEY, 1)
    raise InvalidInput(
        f"There is no step or chapter “{name}”.",
        f"Chapters: {', '.join(sorted({step.chapter for step in STEPS}))}. Steps: {', '.join(BY_KEY)}.",
        f"Did you mean {near[0]}?" if near else "Choose one of these.",
        field="step",
    )


def look(session: LabSession, step: Step) -> CheckResult:
    """What the step's own check finds, whatever it needs. A check that cannot be made says so; that is not the same as
    work that is wrong."""
    try:
        return step.check(session)
    except StepNotReady as error:
        return step.result(Outcome.NOT_YET, "the steps before it", error.what, error.next_step)
    except LabError as error:
        return step.result(Outcome.COULD_NOT_LOOK, "an answer", error.what, f"{error.why} {error.next_step}".strip())


def check(session: LabSession, step: Step) -> CheckResult:
    """The step's check, which passes only if the steps that it needs are done too."""
    (result,) = status(session, (step,))
    return result


def offered(session: LabSession, step: Step) -> tuple[Offer, ...]:
    """What the step offers to do at once; nothing if the services cannot be asked."""
    try:
        return step.offers(session)
    except LabError:
        return ()


def require(session: LabSession, steps: tuple[Step, ...]) -> None:
    """Raise StepNotReady for the first of these steps that is not done.

    Where a check cannot look, nothing is raised: what asks that service next says why better, and what does not ask it,
    such as a program on the host, still works.
    """
    for step in steps:
        result = look(session, step)
        if result.outcome is Outcome.COULD_NOT_LOOK:
            return
        require_passed(result)


def status(session: LabSession, steps: tuple[Step, ...] = STEPS) -> Iterator[CheckResult]:
    """Each step's check, in order. A step whose needs are not done is skipped."""
    passed, wanted = set[str](), {step.key for step in steps}
    for step in with_needs(steps):
        missing = next((need for need in with_needs((step,))[:-1] if need.key not in passed), None)
        result = look(session, step) if missing is None else _waits(step, missing)
        if result.passed or _is_unseen_choice(session, step, result):
            passed.add(step.key)
        if step.key in wanted:
            yield result


def _is_unseen_choice(session: LabSession, step: Step, result: CheckResult) -> bool:
    """Whether only the student's notes say if this step is done; the steps after it can still be looked at."""
    return bool(step.note) and not session.sees_notes and result.outcome is Outcome.COULD_NOT_LOOK


def _waits(step: Step, missing: Step) -> CheckResult:
    skipped = step.result(Outcome.NOT_YET, "the steps before it", SKIPPED, f"Complete “{missing.title}” first.")
    return replace(skipped, looked_at=())


def solve(session: LabSession, steps: tuple[Step, ...]) -> Iterator[tuple[Step, CheckResult]]:
    """Do each of these steps and what they need, in order, and check each; those that hold already are left alone.

    Ends with the first step whose check does not pass afterwards. Raises LabError when a step cannot be done.
    """
    for step in with_needs(steps):
        result = look(session, step)
        if not result.passed or (step.note and not session.notes.get(step.note)):
            step.do(session)
            result = look(session, step)
        yield step, result
        if not result.passed:
            return


def with_needs(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """These steps and all that they need, in order."""
    wanted: set[str] = set()

    def add(step: Step) -> None:
        wanted.add(step.key)
        for key in step.needs:
            add(BY_KEY[key])

    for step in steps:
        add(step)
    return tuple(step for step in STEPS if step.key in wanted)


def reset(session: LabSession, steps: tuple[Step, ...]) -> Iterator[tuple[Step, View | LabError]]:
    """Undo each of these steps and those that need them, last first: what was undone, or why it was not.

    If a step cannot be undone, the steps that it needs stay: without number and keys nobody could undo it later.
    """
    kept: set[str] = set()
    for step in reversed(with_dependents(steps)):
        if step.key in kept:
            yield (
                step,
                LabError("Not undone:", "a step that depends on it could not be undone.", "Run the reset again."),
            )
            continue
        try:
            ended = step.undo(session)
            if step is named(step.chapter)[0]:
                session.notes.forget(step.started_note, "open_step")
            yield step, ended
        except ConsentNeeded:
            raise
        except StepNotReady as error:
            yield step, ActionResult(_not_undone(error))
        except LabError as error:
            kept |= {need.key for need in with_needs((step,))}
            yield step, error


def _not_undone(error: StepNotReady) -> str:
    """Why nothing was undone: there was nothing, or without number or keys nobody could look."""
    unseen = error.step in (account.STUDENT.key, account.ACCOUNT.key)
    return f"{'? Not looked at' if unseen else 'There was nothing to undo'}: {error.what}"


def undone(ended: View | LabError) -> str:
    """What `reset` says of one step, in a sentence."""
    return ended.title if isinstance(ended, ActionResult) else str(ended)


def with_dependents(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """These steps and all that need them, in order."""
    keys = {step.key for step in steps}
    for step in STEPS:
        if keys & set(step.needs):
            keys.add(step.key)
    return tuple(step for step in STEPS if step.key in keys)
