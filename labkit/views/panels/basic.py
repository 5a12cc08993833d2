"""The common panels: a check's result, an error, what a call did, and a note."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from labkit.model.check import CheckResult, Outcome
from labkit.model.errors import FilterError, InvalidInput, LabError, StepNotReady
from labkit.views.copying import INSTEAD
from labkit.views.marks import tone
from labkit.views.view import View

SYMBOLS = {Outcome.PASSED: "✓", Outcome.NOT_YET: "○", Outcome.WRONG: "✕", Outcome.COULD_NOT_LOOK: "?"}


@dataclass(frozen=True, repr=False)
class Note(View):
    """A note in a box: a title and sentences. onward: title and address of the step to continue at."""

    title: str
    words: str = ""
    tone: str = ""
    onward: tuple[str, str] | None = None

    template: ClassVar[str] = "note.html.j2"

    def text(self) -> str:
        words = f"{self.title}: {self.words}" if self.words else self.title
        return f"{words}\nContinue here: {self.onward[0]}" if self.onward else words


@dataclass(frozen=True, repr=False)
class CheckPanel(View):
    """A check's outcome: what was checked, expected and found, and what to do next.

    link: address of the step's cell, such as `#Your-VPC`. parts: each item checked, and whether it is correct.
    """

    result: CheckResult
    link: str = ""
    parts: Sequence[tuple[str, bool]] = ()

    template: ClassVar[str] = "check_panel.html.j2"

    @property
    def symbol(self) -> str:
        return SYMBOLS[self.result.outcome]

    @property
    def tone(self) -> str:
        return tone(self.symbol)

    @property
    def count(self) -> str:
        """How many parts are correct, such as `3 of 5`; empty if the check has no parts."""
        return f"{sum(right for _, right in self.parts)} of {len(self.parts)}" if self.parts else ""

    def text(self) -> str:
        lines = [f"{self.symbol} {self.result}"]
        lines += [f"  {'✓ correct' if right else '✕ differs'}: {part}" for part, right in self.parts]
        return "\n".join(lines)


@dataclass(frozen=True, repr=False)
class ErrorPanel(View):
    """An expected error: what happened, why, and what to do. link: address of the cell where it can be fixed."""

    error: LabError
    link: str = ""

    template: ClassVar[str] = "error_panel.html.j2"

    @property
    def symbol(self) -> str:
        """A step that is not ready is not a fault: it gets the symbol of a step that is not done yet."""
        return "○" if isinstance(self.error, StepNotReady) else "✕"

    @property
    def tone(self) -> str:
        return "wait" if isinstance(self.error, StepNotReady) else "bad"

    @property
    def caret(self) -> str:
        """The filter with a caret under the position of the error; empty for any other error."""
        return self.error.caret if isinstance(self.error, FilterError) else ""

    @property
    def service_code(self) -> str:
        """The service's error code; empty if the lab itself refused a value."""
        return "" if isinstance(self.error, InvalidInput) else self.error.code

    def text(self) -> str:
        lines = [f"{self.symbol} {self.error.what}", self.error.why, self.caret]
        lines.append(f"Next: {self.error.next_step}" if self.error.next_step else "")
        lines.append(f"Code: {self.service_code}" if self.service_code else "")
        return "\n".join(line for line in lines if line)


@dataclass(frozen=True, repr=False)
class InternalError(View):
    """A bug in the lab. Only the exception's type is shown, since its message may contain a secret."""

    kind: str
    doing: str

    template: ClassVar[str] = "fault.html.j2"

    def text(self) -> str:
        return (
            f"✕ {self.doing}: {self.kind}. This is a bug in the lab, not a mistake of yours. "
            "Nothing is lost. Try again; if it happens again, tell your instructor. The log has the details."
        )


@dataclass(frozen=True, repr=False)
class ActionResult(View):
    """What a call did, and AWS CLI commands for the same.

    facts: names and values, such as ("VPC", "vpc-1"). cli: commands, a line each; cli_caption: what they do.
    remark: one more sentence. table: a table shown below the panel. onward: title and address of the next chapter.
    picture: of what there is now, shown above the facts.
    """

    title: str
    facts: Sequence[tuple[str, str]] = ()
    cli: str = ""
    remark: str = ""
    table: View | None = None
    cli_caption: str = INSTEAD
    onward: tuple[str, str] | None = None
    picture: View | None = None

    template: ClassVar[str] = "happened.html.j2"

    def text(self) -> str:
        lines = [f"✓ {self.title}", self.picture.text() if self.picture is not None else ""]
        lines += [*(f"  {name}: {value}" for name, value in self.facts), self.remark]
        lines += [f"{self.cli_caption}: {self.cli}"] if self.cli else []
        lines += [self.table.text()] if self.table is not None else []
        lines += [f"Go on with {self.onward[0]}: {self.onward[1]}"] if self.onward is not None else []
        return "\n".join(line for line in lines if line)

    def records(self) -> Sequence[dict[str, object]]:
        if self.table is not None:
            return [dict(row) for row in self.table.records()]
        return [{"name": name, "value": value} for name, value in self.facts]
