"""The errors that a person can see, grouped by what they do next.

LabError                    what happened / why / what to do
├── StepNotReady            run or fix an earlier cell
├── ConsentNeeded           agree to the account and region before the first change in a real one
├── InvalidInput            correct one field of a form, or one argument
│   └── FilterError         correct the rule filter at a position
├── ServiceError            a service answered with an error: read its code
│   ├── CredentialsRefused  enter the keys again
│   └── QuotaReached        delete something, then run the cell again
└── ServiceUnreachable      restart the sandbox, or check the network
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar


class LabError(Exception):
    """An expected error, described in three sentences.

    what: what happened, with the given value.
    why: the reason, with the accepted form.
    next_step: what to do now.
    code: the service's own error code, such as `VpcLimitExceeded`; "" if no service was called.

    Constructing one displays nothing. In a notebook, a panel with the same text replaces the traceback.
    """

    panel: ClassVar[Callable[[LabError], None] | None] = None
    """Shows an error as a panel. Set when the lab is opened, since the model does not depend on notebooks."""

    def __init__(self, what: str, why: str = "", next_step: str = "", *, code: str = "") -> None:
        super().__init__(what, why, next_step)
        self.what, self.why, self.next_step, self.code = what, why, next_step, code
        self._panel_shown = False

    def __str__(self) -> str:
        return " ".join(sentence for sentence in (self.what, self.why, self.next_step) if sentence)

    def _render_traceback_(self) -> list[str]:
        """IPython's documented hook. It is called twice for each error; the panel is shown once."""
        show = type(self).panel
        if show is None:
            return [str(self)]
        if not self._panel_shown:
            self._panel_shown = True
            show(self)
        return [f"Stopped here: {self.what}"]


def interrupted(what: str, next_step: str) -> LabError:
    """What is said when the student interrupts something, such as `entries()`."""
    return LabError(
        f"Interrupted: {what} stopped before its end.",
        "What it had finished is kept, and the next run finds it.",
        next_step,
    )


class StepNotReady(LabError):
    """Something that an earlier cell leaves behind is not there, for the link to that cell.

    step: the key of the step whose check did not pass; or state: what does not hold, such as
    "entry 150".
    """

    def __init__(self, what: str, why: str = "", next_step: str = "", *, step: str = "", state: str = "") -> None:
        super().__init__(what, why, next_step)
        self.step, self.state = step, state


class ConsentNeeded(LabError):
    """The first change in an account outside the sandbox needs the student's consent."""


class InvalidInput(LabError):
    """A value was refused before any service was called; `field` names the form field or argument.

    service_words: the message with which the service itself refuses it, where that is known.
    """

    def __init__(
        self, what: str, why: str = "", next_step: str = "", *, field: str = "", code: str = "", service_words: str = ""
    ) -> None:
        super().__init__(what, why, next_step, code=code)
        self.field, self.service_words = field, service_words


class FilterError(InvalidInput):
    """A rule filter that cannot be read.

    position: 0-based offset in the text as typed. caret: the text and a line with `^` under the position.
    """

    def __init__(self, what: str, why: str = "", next_step: str = "", *, position: int, caret: str) -> None:
        super().__init__(what, why, next_step, field="filter")
        self.position, self.caret = position, caret


class ServiceError(LabError):
    """A service answered with an error; `code` is the service's error code.

    retry_after_seconds: how long the service asks to wait; None if it does not say.
    """

    retry_after_seconds: float | None = None


class CredentialsRefused(ServiceError):
    """The keys are unknown, wrong, expired or not permitted; enter them again."""


class QuotaReached(ServiceError):
    """A quota of the account is used up; `why` lists what uses it."""


class ServiceUnreachable(LabError):
    """Nothing answered at the endpoint."""
