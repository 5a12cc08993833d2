"""What is shown of a program on the host while it runs and shortly after."""

from __future__ import annotations

import queue
from collections.abc import Sequence
from contextlib import suppress

import pytest

from labkit.model.host.records import ProgramOutput
from labkit.model.network_acl import Entry
from labkit.model.response.messages import Message
from labkit.views import running
from labkit.views.running import AnswerWatch, Running
from labkit.views.view import View
from tests.wait import PATIENCE_SECONDS

ENTRY = Entry(1, True, "deny", "-1", "203.0.113.10/32")


def _answer(address: str) -> Message:
    return Message("added", f"Entry 1 denies {address}.", address, "alert", ENTRY, 1_000, 1_004, 1_024)


class Shown:
    """In place of an output of a notebook, which needs a kernel."""

    def __init__(self, first: View) -> None:
        self.views = [first]
        LAST.append(self)

    def update(self, shown: View, *, at_once: bool = True) -> None:
        self.views.append(shown)


LAST: list[Shown] = []


def test_an_answer_after_an_interruption_leaves_the_program_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "LiveDisplay", Shown)
    program = Running("curl time.example.org:7777", 60)
    with suppress(KeyboardInterrupt), program:
        program.show(ProgramOutput("..."))
        raise KeyboardInterrupt
    program.show_answers([_answer("203.0.113.10")])
    *_, interrupted, last = LAST[-1].views
    assert repr(last) == repr(interrupted) and "Entry 1 denies 203.0.113.10" in last._repr_html_()


def test_an_answer_that_is_shown_is_not_looked_up_again() -> None:
    known, shown = queue.Queue[int](), queue.Queue[tuple[str, ...]]()
    coming = [_answer("203.0.113.10"), _answer("198.51.100.7")]

    def look(before: Sequence[Message]) -> Sequence[Message]:
        known.put(len(before))
        return [coming.pop(0)] if coming else []

    with AnswerWatch(look, lambda said: shown.put(tuple(one.address for one in said)), 0):
        assert shown.get(timeout=PATIENCE_SECONDS) == ("203.0.113.10",)
        assert shown.get(timeout=PATIENCE_SECONDS) == ("203.0.113.10", "198.51.100.7")
        assert [known.get(timeout=PATIENCE_SECONDS) for _ in range(3)] == [0, 1, 2]
