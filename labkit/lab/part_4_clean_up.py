"""Part 4: everything of the student's is removed, after a question."""

from __future__ import annotations

from labkit.lab.base import Cells
from labkit.lab.links import link_to
from labkit.steps import clean_up
from labkit.steps.belongings import belongings
from labkit.views.forms.clean_up import clean_up_form
from labkit.views.forms.parts import Form
from labkit.views.view import View


class CleanUpCells(Cells):
    """Cleaning up."""

    def clean_up(self) -> Form | View:
        """Remove everything that the lab made for you, and nothing else; then look again. A form asks first.

        When nothing is there to remove, it says where it looked. Raises StepNotReady while no number is known.
        """
        self._remember_keys()
        if self._unattended:
            return clean_up.clean_up(self._session_to_look_with())
        found = belongings(self._session_to_look_with())
        if not (found.things or found.untagged):
            return clean_up.what_is_left(self._session_to_look_with())
        untagged = [(vpc.id, str(vpc)) for vpc in found.untagged]
        return clean_up_form(clean_up.question(found), untagged, self._clean_up, link_to=link_to)

    def _clean_up(self, also: tuple[str, ...]) -> View:
        return clean_up.clean_up(self._session_to_look_with(), also)
