"""A small drawing of a packet's path along the entries of a network ACL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from labkit.model.network_acl import Decision, Trial
from labkit.views.view import View

BOX_WIDTH, STEP, FIRST_X, MOST_BOXES = 84, 100, 150, 6
"""In units of the SVG's viewBox; more than MOST_BOXES entries would be too small to read."""


@dataclass(frozen=True)
class Box:
    """An entry in the drawing: its left edge, its two lines of text, its verdict."""

    x: int
    number: str
    action: str
    verdict: str

    @property
    def middle(self) -> int:
        return self.x + BOX_WIDTH // 2


@dataclass(frozen=True, repr=False)
class PacketPicture(View):
    """The packet leaves one end, skips the entries that do not match, and reaches the one that decides."""

    decision: Decision

    template: ClassVar[str] = "packet_picture.svg.j2"

    @property
    def ends(self) -> tuple[str, str]:
        """The labels of the source, on the left, and the destination, on the right."""
        return ("your host", "internet") if self.decision.packet.egress else ("internet", "your host")

    @property
    def boxes(self) -> list[Box]:
        return [
            Box(FIRST_X + STEP * place, trial.entry.number_text, trial.entry.rule_action, trial.verdict)
            for place, trial in enumerate(self._shown_trials())
        ]

    def _shown_trials(self) -> tuple[Trial, ...]:
        """The trials around the deciding one; `left_out` counts the others."""
        start = max(0, self._deciding_place() - MOST_BOXES + 2)
        return self.decision.trials[start : start + MOST_BOXES]

    def _deciding_place(self) -> int:
        return next((place for place, one in enumerate(self.decision.trials) if one.verdict == "decides"), 0)

    @property
    def left_out(self) -> str:
        """A text for the entries that are not drawn; empty if all are."""
        more = len(self.decision.trials) - len(self.boxes)
        return f"{more} more in the table" if more else ""

    @property
    def deciding(self) -> Box | None:
        return next((box for box in self.boxes if box.verdict == "decides"), None)

    @property
    def right_x(self) -> int:
        """The left edge of the right end's box."""
        return FIRST_X + STEP * max(1, len(self.boxes)) + 20

    def text(self) -> str:
        return self.decision.sentence
