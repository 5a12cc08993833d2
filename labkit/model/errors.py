"""The errors a person can meet, grouped by what they do next.

LabError                    what happened / why / what to do
├── StepNotReady            run or mend an earlier cell
├── ConsentNeeded           agree to the account and region before the first change in a real one
├── InvalidInput            mend one field of a form, or one argument
│   └── FilterError         mend the rule filter at a position
├── ServiceError            a service answered "no": read its code
│   ├── CredentialsRefused  enter the keys again
│   └── QuotaReached        delete something, then run the cell again
└── ServiceUnreachable      start the sandbox again, or look at the network
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar


class LabError(Exception):
    """An expected fault, told in three sentences.

    what: what happened, with the value received.
    why: the reason, with the form that is accepted.
    next_step: what the reader does now.
    code: the service's own error code, such as `VpcLimitExceeded`; empty where no service was asked.

    Constructing one displays nothing. In a notebook its traceback is a panel of the same words.
    """

    panel: ClassVar[Callable[[LabError], None] | None] = None
    """Shows an error as a panel; set by the composition root, since this ring knows no notebook."""

    def __init__(self, what: str, why: str = "", next_step: str = "", *, code: str = "") -> None:
        super().__init__(what, why, next_step)
        self.what, self.why, self.next_step, self.code = what, why, next_step, code
        self._panel_shown = False

    def __str__(self) -> str:
        return " ".join(sentence for sentence in (self.what, self.why, self.next_step) if sentence)

    def _render_traceback_(self) -> list[str]:
        """IPython's documented hook; it is called twice an error, so the panel is shown once."""
        show = type(self).panel
        if show is None:
            return [str(self)]
        if not self._panel_shown:
            self._panel_shown = True
            show(self)
        return [f"Stopped here: {self.what}"]


class StepNotReady(LabError):
    """An earlier step's check does not hold; `step` is its key, for the link to its cell."""

    def __init__(self, what: str, why: str = "", next_step: str = "", *, step: str) -> None:
        super().__init__(what, why, next_step)
        self.step = step


class ConsentNeeded(LabError):
    """The first change in an account that is not the sandbox's waits for a yes."""


class InvalidInput(LabError):
    """A value was refused before any service was asked; `field` names the form field or argument at fault."""

    def __init__(self, what: str, why: str = "", next_step: str = "", *, field: str = "", code: str = "") -> None:
        super().__init__(what, why, next_step, code=code)
        self.field = field


class FilterError(InvalidInput):
    """A rule filter that cannot be read.

    position: 0-based offset into the text as typed. caret: the text and a line with `^` under the position.
    """

    def __init__(self, what: str, why: str = "", next_step: str = "", *, position: int, caret: str) -> None:
        super().__init__(what, why, next_step, field="filter")
        self.position, self.caret = position, caret


class ServiceError(LabError):
    """A service was reached and refused; `code` is its own word for it.

    retry_after_seconds: how long it asks to be left alone; None where it does not say.
    """

    retry_after_seconds: float | None = None


class CredentialsRefused(ServiceError):
    """The keys are unknown, wrong, expired or not permitted; enter them again."""


class QuotaReached(ServiceError):
    """A quota of the account is used up; an ordinary event, its listing of what uses it is in `why`."""


class ServiceUnreachable(LabError):
    """Nothing answered at the endpoint."""
