"""Part 3, the exercises: a blank that the student fills in, and its check."""

from __future__ import annotations

from labkit.lab.base import Cells
from labkit.model.errors import InvalidInput
from labkit.model.exercise import EXERCISES
from labkit.steps import network
from labkit.views.panels.basic import CheckPanel
from labkit.views.view import View


class ExerciseCells(Cells):
    """The checks of the exercises."""

    def check_exercise(self, name: str, answer: object) -> View:
        """What becomes of an answer, with the entries of your network ACL as they are now; nothing is written.

        Raises InvalidInput for a name that no exercise has.
        """
        if name not in EXERCISES:
            raise InvalidInput(f"There is no exercise “{name}”.", f"They are {', '.join(EXERCISES)}.", "Take one.")
        self.begin(network.NETWORK_ACL.key)
        return CheckPanel(EXERCISES[name].check(answer, network.students_network_acl(self.session).entries))
