"""A result that answers a guess."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labkit.views.view import View


@dataclass(frozen=True, repr=False)
class Answered(View):
    """A cell's result, and below it the guess and the reason for the outcome."""

    result: View
    answer: View

    def text(self) -> str:
        return f"{self.result.text()}\n{self.answer.text()}"

    def records(self) -> Sequence[Mapping[str, object]]:
        return self.result.records()

    def _ipython_display_(self) -> None:
        """Show both, each as if it were alone: the result may be displayed already."""
        from IPython.display import display

        display(self.result, self.answer)
