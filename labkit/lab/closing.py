"""The last cell of a chapter, which shows what was built or what is missing; and part 5, cleaning up."""

from __future__ import annotations

from dataclasses import replace

from labkit import steps
from labkit.lab.base import Cells
from labkit.lab.links import chapter_number, link_to, links, onward, steps_shown
from labkit.model.check import CheckResult
from labkit.model.errors import InvalidInput, LabError, StepNotReady
from labkit.model.response.response import own_entries
from labkit.steps import clean_up, commands, host, network, protection, rule
from labkit.steps.belongings import belongings
from labkit.steps.progress_notes import minutes_since_start, note_progress
from labkit.views import display
from labkit.views.copying import LOOK
from labkit.views.forms.clean_up import clean_up_form
from labkit.views.forms.parts import Form
from labkit.views.panels.basic import ActionResult
from labkit.views.panels.progress import Progress
from labkit.views.pictures.built import BuiltCloud
from labkit.views.view import View

EXPERIMENTS, CLEAN_UP = "4", "5"


class ClosingCells(Cells):
    """What a chapter ends with."""

    def finish(self, number: str | int) -> View:
        """What this chapter's steps have built, looked up now; raises StepNotReady, below the list of steps, while one
        is not done. Chapter 4 has no steps and looks at those of chapter 3. Chapter 5: that nothing of yours is left;
        raises LabError, naming it, if something is. Raises InvalidInput for a chapter without an end.
        """
        number = chapter_number(number)
        shown = steps_shown(number)
        if not shown:
            raise InvalidInput(f"Chapter {number} has nothing to finish.", "It changes nothing.", "Go on to chapter 1.")
        if number == CLEAN_UP:
            return self._gone()
        part = "3" if number == EXPERIMENTS else number
        results = tuple(steps.status(self._session, shown))
        note_progress(self._session, results)
        _require_all(part, results)
        done, facts = f"{len(results)} of {len(results)} steps", [(result.title, result.found) for result in results]
        experiments = number == EXPERIMENTS
        return ActionResult(
            f"Your cloud protects itself: {done} of part 3." if experiments else f"Part {number} is done: {done}.",
            facts if experiments else [*facts, ("Time", self._time(number))],
            cli=self._commands(number),
            cli_caption=LOOK,
            onward=onward(number),
            picture=None if number == "1" else self._built(),
        )

    def _built(self) -> BuiltCloud:
        """What exists now, with the student's ids, and how fast the newest entry in force was written."""
        network_acl, subnets = network.students_network_acl(self._session), host.host_subnets(self._session)
        return BuiltCloud(
            network_acl,
            rule.students_rule(self._session).id,
            subnets[0].id if subnets else "",
            bool(own_entries(network_acl.entries)),
            protection.newest_answer(self._session, network_acl.entries),
        )

    def _time(self, number: str) -> str:
        minutes = minutes_since_start(self._session, number)
        return f"{minutes} minute{'' if minutes == 1 else 's'} since the first step of this part was done"

    def _commands(self, number: str) -> str:
        network_acl_id = self._session.notes.get("network_acl_id")
        if number == "1" or not network_acl_id:
            return ""
        return commands.network_acl_command(self._session, network_acl_id)

    def _gone(self) -> View:
        try:
            session = self._session_to_look_with()
        except StepNotReady as error:
            raise LabError(
                "The lab cannot tell what was yours.",
                "No student number is in your notes, and none was cleaned up.",
                "Enter your number once more in part 2, then run all cells of this chapter again.",
            ) from error
        view = clean_up.what_is_left(session)
        if view.unseen:
            display.show(view)
            raise LabError(
                "The lab could not look everywhere.",
                f"So something of yours may be left. Not looked at: {', '.join(view.unseen)}.",
                "Do what the panel above says beside each ?, then run this cell again.",
            )
        if view.still_there:
            raise LabError(
                f"Not everything of student {view.student} is gone.",
                f"Still there: {', '.join(view.still_there)}.",
                "Clean up: run lab.clean_up(), and press its button.",
            )
        return replace(view, onward=onward(CLEAN_UP))


class CleanUpCells(Cells):
    """Cleaning up."""

    def clean_up(self) -> Form | View:
        """Remove everything that the lab made for you, and nothing else; then look again. A form asks first.

        If there is nothing to remove, it says where it looked. Raises StepNotReady while no number is known.
        """
        self._remember_keys()
        if self._unattended:
            return clean_up.clean_up(self._session_to_look_with())
        found = belongings(self._session_to_look_with())
        if not (found.things or found.untagged):
            return clean_up.what_is_left(self._session_to_look_with())
        untagged = [(vpc.id, str(vpc)) for vpc in found.untagged]
        return clean_up_form(
            clean_up.question(found),
            untagged,
            lambda also: clean_up.clean_up(self._session_to_look_with(), also),
            link_to=link_to,
        )


def _require_all(number: str, results: tuple[CheckResult, ...]) -> None:
    missing = [result for result in results if not result.passed]
    if not missing:
        return
    display.show(Progress(results, links()))
    one, verb = missing[0], "is" if len(missing) == 1 else "are"
    raise StepNotReady(
        f"Part {number} is not done yet: {len(missing)} of {len(results)} steps {verb} missing.",
        f"The first one is “{one.title}”. {one.compared}",
        one.next_step,
        step=one.step,
    )
