"""The result of a check, worded the same everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from labkit.model.errors import StepNotReady


class Outcome(Enum):
    """How a check ended. Work that could not be looked at is not work that is wrong."""

    PASSED = "done"
    NOT_YET = "not yet"
    WRONG = "not right"
    COULD_NOT_LOOK = "could not look"


SKIPPED = "skipped"
"""What the check of a step found that waits for a step before it."""


@dataclass(frozen=True)
class CheckResult:
    """What one step's check found.

    step: the step's key. title: its name for people. outcome: how it ended.
    expected, found: this step's own objects in words, with region and ids. next_step: what to do now; "" when passed.
    looked_at: the calls that it made, such as `ec2 describe-vpcs --filters …`, in order.

    >>> print(CheckResult("vpc", "Your VPC", Outcome.NOT_YET, "a VPC", "none", "Run the cell above."))
    not yet: Your VPC. Expected a VPC; found none. Next: Run the cell above.
    """

    step: str
    title: str
    outcome: Outcome
    expected: str
    found: str
    next_step: str = ""
    looked_at: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether what the step leaves behind exists and is correct."""
        return self.outcome is Outcome.PASSED

    @property
    def skipped(self) -> bool:
        """Whether nothing was looked at, since a step before it is not done."""
        return self.found == SKIPPED

    @property
    def compared(self) -> str:
        """What was expected and found, in one sentence."""
        return f"Expected {self.expected}; found {self.found.rstrip('.')}."

    def __str__(self) -> str:
        if self.passed:
            return f"{self.outcome.value}: {self.title}. Found {self.found.rstrip('.')}."
        words = f"{self.outcome.value}: {self.title}. {self.compared}"
        return f"{words} Next: {self.next_step}" if self.next_step else words

    __repr__ = __str__


def require(result: CheckResult) -> None:
    """Raise StepNotReady, in the words of the check, unless it passed."""
    if not result.passed:
        raise StepNotReady(
            f"Complete “{result.title}” first; its check says: {result.outcome.value}.",
            result.compared,
            result.next_step,
            step=result.step,
        )
