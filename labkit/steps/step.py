"""A step: how it is checked, done and undone, and which steps it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from labkit.model.check import CheckResult, Outcome
from labkit.steps.session import LabSession
from labkit.views.view import View


@dataclass(frozen=True)
class Offer:
    """A fix that is offered when a check did not pass. label: the button's text."""

    label: str
    accept: Callable[[], View]


def _nothing(session: LabSession) -> tuple[Offer, ...]:
    return ()


@dataclass(frozen=True)
class Step:
    """One thing that a student does, and what it leaves behind.

    key: its name in code and on the command line. chapter: its chapter's number, such as "2". title: its name for
    people. heading: the heading of its cell in the chapter, for links. needs: keys of the steps whose check must hold.
    check: looks at what exists, with two calls at most. do: does it or finds it done. undo: removes what it left.
    looked_at: the calls that the check makes, in the services' own words. offers: the fixes to offer when the check did
    not pass. note: the key of the note in which `do` saves what the student chose or
    looked at.
    """

    key: str
    chapter: str
    title: str
    heading: str
    needs: tuple[str, ...]
    check: Callable[[LabSession], CheckResult]
    do: Callable[[LabSession], View]
    undo: Callable[[LabSession], View]
    looked_at: tuple[str, ...] = ()
    offers: Callable[[LabSession], tuple[Offer, ...]] = _nothing
    note: str = ""

    @property
    def link(self) -> str:
        """The anchor of the step's heading, as JupyterLab makes it."""
        return "#" + self.heading.replace(" ", "-")

    @property
    def started_note(self) -> str:
        """The key of the note that says when the first step of its chapter was done, in seconds since 1970."""
        return f"started_{self.chapter}"

    def not_noted(
        self,
        session: LabSession,
        expected: str,
        found: str,
        next_step: str,
        missing: str = "it is not in your notes yet",
    ) -> CheckResult:
        """What the check of a step with a note says without it; away from the student's machine it cannot be seen.

        found: what is there, such as the id to choose. next_step: how to do it. missing: what the student did not do.
        """
        if session.sees_notes:
            return self.result(Outcome.NOT_YET, expected, f"{found}, but {missing}", next_step)
        why = "whether this was done is in the notes on the student's machine, which cannot be seen from here"
        return self.result(Outcome.COULD_NOT_LOOK, expected, f"{found}; {why}", "Ask the student.")

    def result(self, outcome: Outcome, expected: str, found: str, next_step: str = "") -> CheckResult:
        """What this step's check found."""
        return CheckResult(self.key, self.title, outcome, expected, found, next_step, self.looked_at)
