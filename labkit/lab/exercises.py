"""What a student does instead of reading: guesses, calls with the bare libraries, and exercises."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

from labkit.lab.base import Cells
from labkit.lab.links import link_to
from labkit.model.by_hand import Facts
from labkit.model.check import Outcome
from labkit.model.errors import InvalidInput
from labkit.model.exercise import EXERCISES
from labkit.model.guess import GUESSES, NOTE_OF_GUESS, Guess
from labkit.steps import network, protection
from labkit.steps.session import LabSession
from labkit.views import forms, panels
from labkit.views.forms.parts import Form
from labkit.views.panels.answered import Answered
from labkit.views.view import View

if TYPE_CHECKING:
    from labkit.services.detection.session import HawkSession


class ExerciseCells(Cells):
    """Guesses, the two clients for calls by hand, and the exercises."""

    def __init__(self, session: LabSession) -> None:
        super().__init__(session)
        self._wrong_answers = Counter[str]()

    def guess(self, name: str) -> Form | View:
        """Ask what you think will happen, and note it; the cell with `guess=` and this name then answers.

        In an unattended run nothing is asked. Raises InvalidInput for an unknown guess.
        """
        asked = guess_named(name)
        if self._unattended:
            return panels.Note(asked.question, f"{', '.join(asked.choices[:-1])} or {asked.choices[-1]}?")
        options = [(choice, choice) for choice in asked.choices]
        form = forms.choice_form(asked.question, options, partial(self._save_guess, name), link_to=link_to)
        if (before := self._session.notes.get(NOTE_OF_GUESS[name])) in asked.choices:
            form.show(_guessed(before))
        return form

    def _save_guess(self, name: str, choice: str) -> View:
        self._session.notes.save(**{NOTE_OF_GUESS[name]: choice})
        return _guessed(choice)

    def boto3(self, service: str = "ec2") -> Any:
        """A boto3 client of this service, such as `ec2`, with the keys, region and address of the lab.

        In a live account, its first call that changes something raises ConsentNeeded, as the lab's own do.
        Raises InvalidInput for a service that boto3 does not know.
        """
        from botocore.exceptions import UnknownServiceError

        try:
            client = self._session.aws.client(service)
        except UnknownServiceError as error:
            raise InvalidInput(
                f"boto3 knows no service “{service}”.", "The name must match exactly.", 'Write: lab.boto3("ec2")'
            ) from error
        client.meta.events.register("before-call", self._agreed_to_change)
        return client

    def _agreed_to_change(self, model: Any, **_: object) -> None:
        if not model.name.startswith(("Describe", "Get", "List")):
            self._session.require_agreement()

    def requests(self) -> HawkSession:
        """A requests session for the detection service: it signs each request, and takes a path such as `/v2/rulesets`.

        Raises LoginIncomplete while there is no key.
        """
        from labkit.services.detection.session import HawkSession

        return HawkSession(self._session.detection_login)

    def check_exercise(self, name: str, answer: object) -> View:
        """Check an answer against what exists now. Nothing is written. Each wrong answer gets a more detailed hint.

        Raises InvalidInput for an unknown exercise.
        """
        if name not in EXERCISES:
            raise InvalidInput(
                f"There is no exercise “{name}”.", f"The exercises are {', '.join(EXERCISES)}.", "Choose one of them."
            )
        network_acl = network.students_network_acl(self._session)
        alerts = tuple(protection.students_alerts(self._session)) if name == "busiest_program" else ()
        facts = Facts(network_acl.entries, network_acl.id, alerts)
        result = EXERCISES[name].check(answer, facts, self._wrong_answers[name])
        if result.outcome is Outcome.WRONG:
            self._wrong_answers[name] += 1
        elif result.passed:
            del self._wrong_answers[name]
        return panels.CheckPanel(result)


def answered(lab: Cells, name: str, result: object) -> object:
    """The result of a cell with the guess below it. A form has no result yet."""
    guess = guess_named(name)
    if not isinstance(result, View):
        return result
    return Answered(result, panels.Note(guess.question, guess.answer(lab._session.notes.get(NOTE_OF_GUESS[name]))))


def guess_named(name: str) -> Guess:
    """Raises InvalidInput for an unknown name."""
    if name in GUESSES:
        return GUESSES[name]
    raise InvalidInput(f"There is no guess “{name}”.", f"The guesses are {', '.join(GUESSES)}.", "Choose one of them.")


def _guessed(choice: str) -> View:
    return panels.Note(f"You guessed “{choice}”.", "The next cell answers.")
