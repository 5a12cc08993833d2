"""What the notes keep of a student's way: when each chapter was begun, and the step to continue at."""

from __future__ import annotations

import time
from collections.abc import Iterable

from labkit.model.check import CheckResult
from labkit.model.guess import NOTE_OF_GUESS
from labkit.steps import BY_KEY, STEPS, named
from labkit.steps.host import READY
from labkit.steps.session import LabSession


def note_progress(session: LabSession, results: Iterable[CheckResult]) -> None:
    """Note the moment in which a first step of a chapter was seen done, and the first of these steps that is not.

    results: checks in the steps' order. If all are done, the student continues with the step after the last one.
    Only the main thread may call this: two threads that save notes at once would lose one.
    """
    known, changed, open_step = session.notes.all(), dict[str, str](), ""
    for result in results:
        step = BY_KEY[result.step]
        if result.passed and step.started_note not in known | changed:
            changed[step.started_note] = str(round(time.time()))
        if not open_step and not result.passed:
            open_step = step.key
        last = step
    open_step = open_step or next((step.key for step in STEPS[STEPS.index(last) + 1 :]), "")
    if open_step != known.get("open_step", ""):
        changed["open_step"] = open_step
    if changed:
        session.notes.save(**changed)


def forget_progress(session: LabSession) -> None:
    """After cleaning up, the student has not done or guessed anything, and has not looked at the host."""
    session.notes.forget("open_step", READY.note, *(step.started_note for step in STEPS), *NOTE_OF_GUESS.values())


def minutes_since_start(session: LabSession, chapter: str) -> int:
    """How long ago the chapter's first step was seen done, in minutes, one at least."""
    started = session.notes.get(named(chapter)[0].started_note)
    return max(1, round((time.time() - float(started)) / 60)) if started else 1
