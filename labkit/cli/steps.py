"""`labkit solve` and `labkit reset`: forward and back, for oneself or, by the instructor, for one student."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

from labkit.model.check import Outcome
from labkit.model.errors import ConsentNeeded, LabError
from labkit.views.terminal import echo, in_terminal, prose, visible, wrapped

if TYPE_CHECKING:
    from rich.progress import Progress

    from labkit.steps.session import LabSession
    from labkit.steps.step import Step

NOT_FROM_HERE = ("host_ready", "student_number", "aws_account", "network_acl_id", "rule_id")
"""The steps of what a student has on their own machine: the host, the number, the keys and the notes."""


def _names(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """The steps and chapters that begin like this, for a shell's completion."""
    from labkit import steps

    known = [*dict.fromkeys(step.chapter for step in steps.STEPS), *steps.BY_KEY]
    return [name for name in known if name.startswith(begun)]


DONE_COLUMNS = 9
INDENTED = "\n" + " " * (DONE_COLUMNS + 2)

WHAT = click.argument("what", default="", metavar="[STEP|CHAPTER]", shell_complete=_names)
STUDENT = click.option(
    "--student", metavar="NUMBER", help="Do it for this student, after asking; your own notes do not change."
)


@WHAT
@STUDENT
@click.option("--yes", is_flag=True, help="Do not ask first, not even before changes to a real AWS account.")
def solve(what: str, student: str | None, yes: bool) -> None:
    """Do the steps for you: one step or chapter and everything it needs, or the whole lab.

    The student number is LABKIT_STUDENT, else the saved one, else the first that is free: 1, or above a class's.
    Examples: labkit solve 2, labkit solve vpc
    """
    from labkit import steps

    if not (chosen := chosen_steps(what, "do")):
        return
    session = _open(student)
    if student is None:
        take_number(session, chosen, yes)
        do_steps(session, chosen, yes)
        return
    noted = [step.title for step in chosen if step.note]
    chosen = _from_here(steps.with_needs(chosen))
    if not yes:
        _ask(session, f"{_host_moves(session, chosen)}Do the unfinished steps for student {session.student}", chosen)
    do_steps(session, chosen, yes)
    if noted:
        echo(f"The student still does this on their own machine: {', '.join(noted)}.")


def do_steps(session: LabSession, chosen: tuple[Step, ...], yes: bool) -> None:
    """Do these steps and what they need, a line each. Exits with 1 if one is not done afterwards."""
    from labkit import steps

    result = None
    with Followed("Doing", steps.with_needs(chosen)) as followed:
        for step, result in _asking(session, yes, followed, lambda: steps.solve(session, chosen)):
            words = wrapped(f"{step.title}: {in_terminal(result.found)}", DONE_COLUMNS + 2)
            followed.told(_shown(session, step, f"{result.outcome.value:>{DONE_COLUMNS}}  {INDENTED.join(words)}"))
    if result is not None and not result.passed:
        sys.exit(1)


@WHAT
@STUDENT
@click.option("--yes", is_flag=True, help="Do not ask first.")
def reset(what: str, student: str | None, yes: bool) -> None:
    """Undo the steps: one step or chapter and everything that depends on it, or the whole lab."""
    from labkit import steps

    if not (chosen := steps.with_dependents(chosen_steps(what, "undo"))):
        return
    session = _open(student)
    if student is not None:
        chosen = _from_here(chosen)
    undo_steps(session, chosen, yes)


def undo_steps(session: LabSession, chosen: tuple[Step, ...], yes: bool) -> None:
    """Undo these steps, a line each, after asking. Exits with 1 if one could not be undone."""
    from labkit import steps

    if not yes:
        _ask(session, "Undo these steps", chosen, undo=True)
    failed = False
    with Followed("Undoing", chosen[::-1]) as followed:
        for step, ended in _asking(session, yes, followed, lambda: steps.reset(session, chosen)):
            failed |= isinstance(ended, LabError)
            followed.told(_shown(session, step, prose(f"{step.title}: {in_terminal(steps.undone(ended))}")))
    if failed:
        sys.exit(1)


def _shown(session: LabSession, step: Step, words: str) -> str:
    """The words about this step; none away from the student's machine if it only makes a note there."""
    return "" if step.note and not session.sees_notes else words


def chosen_steps(what: str, doing: str, quietly: bool = False) -> tuple[Step, ...]:
    """The steps that are named; none, and a sentence, for a chapter that has none. Raises InvalidInput."""
    from labkit import steps
    from labkit.jupyter.chapters import chapter_numbers

    if what.isdecimal() and int(what) in chapter_numbers() - {int(step.chapter) for step in steps.STEPS}:
        if not quietly:
            echo(in_terminal(f"Chapter {int(what)} has no steps to {doing}. To undo the whole lab: labkit reset"))
        return ()
    return steps.named(what)


def _open(student: str | None) -> LabSession:
    if student is None:
        from labkit.steps.session import open_session

        return open_session()
    from labkit.backends.wing import classroom

    session: LabSession = classroom().open_as_student(student)
    return session


def take_number(session: LabSession, chosen: tuple[Step, ...], yes: bool) -> None:
    """Say which number is taken where nobody gave one; ask first if things of that number are there already."""
    from labkit import steps
    from labkit.steps import account

    if account.STUDENT not in steps.with_needs(chosen):
        return
    number = account.number_to_take(session)
    if not account.given_number(session):
        unasked = f"No student number was given, so yours will be {number}. To use another: LABKIT_STUDENT=NUMBER"
        echo(prose(unasked), err=True)
    warning = account.already_there(session, number)
    if not warning:
        return
    if not yes:
        echo(prose(in_terminal(warning)))
        if not click.confirm(f"Is {number} your number?"):
            raise click.Abort
    account.save_student(session, number)


def _from_here(chosen: Sequence[Step]) -> tuple[Step, ...]:
    """Those that the instructor can do for a student. Raises LabError when there is none."""
    found = tuple(step for step in chosen if step.key not in NOT_FROM_HERE)
    if found:
        return found
    raise LabError(
        f"“{chosen[-1].title}” must be done by the student.",
        "The host, the number, the keys and the notes are on their machine.",
        "Let them do it there, or choose a later step.",
    )


def _host_moves(session: LabSession, chosen: Sequence[Step]) -> str:
    """A warning that the host moves: a sandbox without a class has one host, in the VPC of whoever placed it last."""
    from labkit.sandbox.classroom import settings as class_settings

    moves = any(step.key == "host_subnet" for step in chosen)
    shared = session.backend.aws.host is not None and class_settings.load_class(session.backend.home) is None
    return "The host of this sandbox moves into their VPC.\n" if moves and shared else ""


def _ask(session: LabSession, question: str, chosen: Sequence[Step], undo: bool = False) -> None:
    """Say whose work it is, how far it is and, before undoing, what will be gone; go on with a yes only."""
    from labkit import steps

    echo(session.backend.sentence)
    results = list(steps.status(session))
    done = [one for one in results if one.passed]
    number = session.backend.student or session.notes.get("student")
    who = f"Student {number}" if number else "No student number yet"
    last = f", the last of them “{done[-1].title}”" if done else ""
    echo(f"{who}: {len(done)} of {len(steps.STEPS)} steps done{last}.")
    keys = {step.key for step in chosen}
    gone = [one for one in results if one.step in keys and one.outcome in (Outcome.PASSED, Outcome.WRONG)]
    if not undo:
        chosen = [step for step in chosen if step.key not in {one.step for one in done}]
    if not chosen:
        echo("All of it is done already.")
        sys.exit()
    if undo and gone:
        echo(f"What will be undone, all of it student {number}'s:")
        for one in gone:
            echo(prose(f"  {one.title}: {in_terminal(one.found)}"))
    if not click.confirm(prose(f"{question}: {', '.join(step.title for step in chosen)}?")):
        raise click.Abort


def _asking(session: LabSession, yes: bool, followed: Followed, begin: Callable[[], Iterator[Any]]) -> Iterator[Any]:
    """Run a series of steps; ask once for the account and region when the world wants a yes first."""
    if yes:
        session.agree_unasked()
    try:
        yield from begin()
    except ConsentNeeded as question:
        followed.pause()
        echo(f"{question.what} {question.why}")
        if not click.confirm("Continue?"):
            raise click.Abort from question
        session.agree()
        followed.begin()
        yield from begin()


class Followed:
    """Steps under way, a line each: with a bar below on a terminal, plainly elsewhere.

    An interruption becomes a LabError that says how far it went: what a step had begun is found there the next time.
    """

    def __init__(self, doing: str, steps: Sequence[Step]) -> None:
        self._doing, self._steps = doing, steps
        self._done = 0
        self._bar: Progress | None = None

    def __enter__(self) -> Followed:
        self.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pause()
        if isinstance(error, KeyboardInterrupt):
            raise LabError(
                f"Stopped after {self._done} of {len(self._steps)} steps.",
                "Whatever the interrupted step had already made is kept.",
                "Run the same command again: it continues from there.",
            ) from None

    def begin(self) -> None:
        """From the first step."""
        self._done = 0
        if sys.stdout.isatty():
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

            columns = (SpinnerColumn(), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
            self._bar = Progress(*columns, transient=True)
            self._bar.add_task(self._now(), total=len(self._steps))
            self._bar.start()

    def told(self, words: str) -> None:
        """One step more, in words, if there are any."""
        self._done += 1
        if self._bar is None:
            echo(words, nl=bool(words))
            return
        if words:
            self._bar.console.print(visible(words), markup=False, highlight=False, soft_wrap=True)
        self._bar.update(self._bar.task_ids[0], completed=self._done, description=self._now())

    def pause(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _now(self) -> str:
        return f"{self._doing}: {self._steps[self._done].title}" if self._done < len(self._steps) else ""
