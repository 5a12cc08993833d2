"""A check's words, and the error that stops a cell."""

from __future__ import annotations

import pytest

from labkit.model.check import CheckResult, Outcome, require
from labkit.model.errors import LabError, StepNotReady


def result(outcome: Outcome) -> CheckResult:
    return CheckResult("vpc", "Your VPC", outcome, "one VPC", "none in us-east-1", "Create it.")


def test_a_check_that_passed_lets_the_cell_go_on() -> None:
    assert require(result(Outcome.PASSED)) is None


@pytest.mark.parametrize("outcome", [Outcome.NOT_YET, Outcome.WRONG, Outcome.COULD_NOT_LOOK])
def test_any_other_outcome_stops_the_cell_with_the_words_of_the_check(outcome: Outcome) -> None:
    with pytest.raises(StepNotReady) as stopped:
        require(result(outcome))
    words = str(stopped.value)
    assert stopped.value.step == "vpc"
    assert all(part in words for part in ("Your VPC", outcome.value, "one VPC", "none in us-east-1", "Create it."))


def test_what_was_found_may_be_a_whole_sentence() -> None:
    said = CheckResult("vpc", "Your VPC", Outcome.WRONG, "an answer", "AWS does not know this key.", "Try again.")
    with pytest.raises(StepNotReady) as stopped:
        require(said)
    assert ".." not in f"{said} {stopped.value}"


def test_the_panel_is_shown_once_though_ipython_asks_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[LabError] = []
    monkeypatch.setattr(LabError, "panel", staticmethod(shown.append))
    error = StepNotReady("Too early.", step="vpc")
    lines = [error._render_traceback_(), error._render_traceback_()]
    assert shown == [error]
    assert lines == [["Stopped here: Too early."]] * 2


def test_without_a_notebook_an_error_is_its_own_words() -> None:
    error = LabError("A.", "B.", "C.", code="X")
    assert str(error) == "A. B. C."
    assert error.code == "X"
