"""Progress in the lab: status, checks, fast-forward, reset, the backend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from labkit import steps
from labkit.lab.links import CHAPTERS, NOTEBOOKS, chapter_number, chapters_on_map, link_to, links, steps_shown
from labkit.lab.live_progress import LiveProgress
from labkit.model.access_keys import AccessKeys
from labkit.model.check import CheckResult
from labkit.model.detection.criteria import Criteria, compare, wanted_criteria
from labkit.model.errors import ConsentNeeded, LabError
from labkit.model.settings import BackendName, parse_backend
from labkit.services import aws, own_process
from labkit.services.environment import open_chapter
from labkit.services.host import Host
from labkit.steps import clean_up, commands, rule
from labkit.steps.progress_notes import note_progress
from labkit.steps.protection import ALERT
from labkit.steps.rehearsal import earlier_alerts
from labkit.steps.session import LabSession, open_session
from labkit.views import display, forms, panels
from labkit.views.display import on_change
from labkit.views.forms.parts import Form
from labkit.views.panels import progress
from labkit.views.view import View

Ended = TypeVar("Ended")  # a step and how it ended

BACKENDS: list[tuple[str, BackendName]] = [
    ("sandbox: on this machine, no account, nothing leaves it", "sandbox"),
    ("live: your own AWS account, real VPCs; the lab asks before its first change", "live"),
]

LIVE_QUESTION = panels.Note(
    "Switch to your own AWS account?",
    "From then on, the lab creates a real VPC and real network ACL entries with your own keys. Before the first change "
    "it shows the account and the region, and asks.",
    "wait",
)

NO_HOST = (
    "There is no host here: AWS is live.",
    "The lab's host lives in the sandbox, behind its network ACLs. With live AWS the host is an instance of your own "
    "in your VPC, which the lab cannot reach: run the programs of part 3 there, and the responder here.",
    "To do part 3 with the lab's host, run lab.choose_backend('sandbox'), then part 2 once more.",
)
"""The error of a cell that needs the host while AWS is live: what happened, why, and what to do."""


class Cells:
    """A part of the lab: the session, and the calls of that part."""

    def __init__(self, session: LabSession) -> None:
        self._session = session
        self._last_keys: AccessKeys | None = None
        self._live = LiveProgress()
        on_change(self._live.look_soon)

    @property
    def _session(self) -> LabSession:
        """The open session; opened again when another chapter has chosen another backend meanwhile."""
        if _noted_backend(self._opened) != self._noted:
            self._session = open_session()
        return self._opened

    @_session.setter
    def _session(self, session: LabSession) -> None:
        self._opened, self._noted = session, _noted_backend(session)
        with suppress(LabError):  # the cell that needs what cannot be read says so
            own_process.enter(session.backend.environment())

    @property
    def _unattended(self) -> bool:
        """Whether the environment has the values that forms would ask for (LABKIT_STUDENT)."""
        return bool(self._session.backend.student)

    def _note_chapter(self) -> None:
        """Note which chapter is open, so that `labkit lab` opens it the next time."""
        here = open_chapter()
        if here in NOTEBOOKS and not self._unattended and self._session.notes.get("open_chapter") != here:
            self._session.notes.save(open_chapter=here)

    def _opening(self) -> View:
        """Who is using which backend, as the first cell of a chapter shows it. Calls no service."""
        student = self._student_or_none()
        who = f"Student {student}" if student is not None else "No student number yet"
        words = f"{who}. {self._session.backend.sentence}"
        command = own_process.terminal_command()
        if command and not self._session.backend.aws.asks_first:
            words += f" Terminals outside `labkit lab` still use your own AWS settings: in each, first run `{command}`"
        return panels.Note("The lab is open", words, onward=self._continue_here())

    def _continue_here(self) -> tuple[str, str] | None:
        """Title and address of the step where the student stopped last time, if it is in the open chapter."""
        step = steps.BY_KEY.get(self._session.notes.get("open_step"))
        here = step is not None and CHAPTERS[step.chapter].file == open_chapter()
        return (step.title, step.link) if step is not None and here else None

    def _student_or_none(self) -> int | None:
        """The student number; None while there is none that can be used."""
        try:
            return self._session.student
        except LabError:
            return None

    def _remember_keys(self) -> None:
        """Keep the keys in memory, so that this notebook can still check after cleaning up that everything is gone."""
        with suppress(LabError):
            self._last_keys = self._session.keys or self._last_keys

    def _session_to_look_with(self) -> LabSession:
        """The session; after cleaning up, one that still has the number, the region and the keys in memory.

        Raises StepNotReady while no number is known.
        """
        session = self._session
        return session if session.notes.get("student") else session.as_it_was(self._last_keys)

    def _lab_host(self) -> Host:
        """The lab's host. Raises LabError if AWS is live, where the lab has none."""
        if self._session.backend.aws.host is not None:
            return self._session.backend.aws.host
        raise LabError(*NO_HOST)

    def agree(self) -> View:
        """Agree to changes in the live AWS account and region in use. This is asked once, before the first change."""
        account_id, region = self._session.agree().split()
        facts = (("Account", account_id), ("Region", region))
        return panels.ActionResult(
            "Agreed: the lab may make changes here.", facts, remark="Now run the cell that asked again."
        )

    def _question_first(self) -> Form | None:
        """A form that shows account and region and asks for consent; None if it is not needed.

        Raises ConsentNeeded in an unattended run.
        """
        try:
            self._session.require_agreement()
        except ConsentNeeded as question:
            if self._unattended:
                raise
            known = f"{question.what} {question.why}"
            return forms.action_button("Yes, this is the right account", "Asking AWS…", self.agree, known=known)
        return None


def _noted_backend(session: LabSession) -> str:
    """The backend of AWS that a chapter has chosen; "" for none, or where the notes cannot be read."""
    try:
        return session.notes.get("aws")
    except LabError:
        return ""


class StatusCells(Cells):
    """Status, checks, fast-forward and reset."""

    def __repr__(self) -> str:
        return repr(self.status())

    def _repr_html_(self) -> str:
        return self.status()._repr_html_()

    def status(self) -> View:
        """The map of the chapters, your number, both services, the account, and every step's check."""
        return self._followed_status("")

    def chapter(self, number: str | int) -> View:
        """The same for the steps of one chapter; the output updates itself as they are done.

        Raises InvalidInput if there is no such chapter.
        """
        return self._followed_status(chapter_number(number))

    def _followed_status(self, number: str) -> View:
        remark = self._rehearsed(number)
        shown = self._status_line(number, remark)
        if own := tuple(result for result in shown.results if steps.BY_KEY[result.step].chapter == number):
            note_progress(self._session, own)
        if self._unattended:
            return shown

        def look() -> progress.StatusLine:
            return self._status_line(number, remark and self._rehearsed(number))

        return replace(shown, follow=lambda line: self._live.follow(number, replace(line, follow=None), look))

    def _rehearsed(self, number: str) -> str:
        """A sentence about earlier alerts on which the responder would act at once; only part 3 shows it."""
        return earlier_alerts(self._session) if number == ALERT.chapter else ""

    def _status_line(self, number: str, remark: str = "") -> progress.StatusLine:
        shown, results = steps_shown(number), tuple(steps.status(self._session))
        return progress.StatusLine(
            self._student_or_none(),
            self._session.backend.aws.label,
            self._session.backend.detection.label,
            self._session.region,
            self._account(),
            [result for result in results if steps.BY_KEY[result.step] in shown],
            links(),
            self._session.host_words,
            remark,
            self._session.backend.aws.notice(),
            chapters_on_map(results, number),
        )

    def _account(self) -> str:
        try:
            return aws.caller(self._session.aws.sts).account
        except LabError:
            return ""

    def check(self, step: str) -> Form | View:
        """What one step's check finds now, with a button for each fix that it can offer.

        Raises InvalidInput for an unknown step.
        """
        (one,) = steps.named(step)
        if clean_up.is_cleaned_up(self._session, one):
            return panels.CheckPanel(clean_up.check_gone(self._session_to_look_with(), one))
        result = steps.check(self._session, one)
        note_progress(self._session, (result,))
        result = replace(result, looked_at=commands.looked_at(self._session, result.looked_at))
        panel = panels.CheckPanel(result, link_to(one.key), self._parts(result))
        offered = () if self._unattended or result.passed else steps.offered(self._session, one)
        if not offered:
            return panel
        form = Form(panel, link_to)
        form.put(*(form.add_button(offer.label, "Working…", offer.accept) for offer in offered))
        return form

    def _parts(self, result: CheckResult) -> tuple[tuple[str, bool], ...]:
        if result.step != rule.CRITERIA.key or result.expected != rule.CRITERIA_EXPECTED:
            return ()
        there = Criteria.of(rule.students_rule(self._session))
        return tuple((one.label, one.equal) for one in compare(there, wanted_criteria(self._session.student)))

    def solve(self, what: str = "") -> View:
        """Do the steps of a chapter, or all up to one step, for you. Steps that are done are left alone."""
        chosen = steps.named(what)
        total = len(steps.with_needs(chosen))
        results = _followed("Doing the steps", total, steps.solve(self._session, chosen))
        note_progress(self._session, [result for _, result in results])
        return progress.Progress([result for _, result in results], links())

    def reset(self, what: str = "") -> View:
        """Undo steps, last first: those of a chapter, or one step and all that need it."""
        chosen = steps.named(what)
        ended = _followed("Undoing the steps", len(steps.with_dependents(chosen)), steps.reset(self._session, chosen))
        return panels.ActionResult(
            "These steps were undone.", [(step.title, steps.undone(result)) for step, result in ended]
        )

    def choose_backend(self, backend: str = "") -> Form | View:
        """Choose where AWS is, the sandbox or a real account, for all chapters. Without an argument a form asks."""

        def use(chosen: BackendName) -> View:
            self._session = open_session(aws=chosen)
            return panels.ActionResult(
                f"AWS is now: {self._session.backend.aws.label}.",
                remark="In chapters that are open already, it applies to each cell that you run from now on.",
            )

        if chosen := parse_backend(backend, "backend"):
            return use(chosen)
        if self._unattended or self._session.backend.aws.assigned:
            return panels.Note("In use", self._session.backend.sentence)
        return forms.backend_form(
            lambda: panels.Note("In use", self._session.backend.sentence),
            BACKENDS,
            use,
            ask="live",
            question=LIVE_QUESTION,
            yes="Yes, use my own AWS account",
            link_to=link_to,
        )


def _followed(doing: str, total: int, series: Iterator[Ended]) -> list[Ended]:
    """Do a series of steps with a progress bar. Raises LabError when the kernel is interrupted."""
    bar = display.ProgressDisplay(doing, total)
    ended: list[Ended] = []
    try:
        for each in series:
            ended.append(each)
            bar.move(len(ended))
    except KeyboardInterrupt:
        raise LabError(
            f"Stopped after {len(ended)} of {total} steps.",
            "Whatever the interrupted step had already made is kept.",
            "Run this cell again: it continues from there.",
        ) from None
    return ended
