"""Interrupting any cell ends in one panel."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from labkit.lab import lab
from labkit.lab.calls import SHOWN_BY_JUPYTER, public_calls
from labkit.lab.lab import Lab
from labkit.model.errors import LabError

WORKS_WITHOUT_THE_SESSION = {"stop_responder"}
"""It ends what this kernel runs, and looks at nothing."""

ARGUMENTS = {"run": "curl", "topology": "", "suppress": "198.51.100.7", "check": "vpc", "chapter": "2", "finish": "2"}
ARGUMENTS |= {"check_exercise": "rule_number", "guess": "same_block"}


class Interrupted:
    """A session at whose first use, once the lab is open, the kernel is interrupted."""

    lab_is_open = False

    def __getattr__(self, name: str) -> Any:
        raise KeyboardInterrupt if self.lab_is_open else LabError("Nothing is noted.")


@pytest.mark.parametrize("name", sorted(set(public_calls(Lab)) - WORKS_WITHOUT_THE_SESSION))
def test_an_interrupted_call_ends_in_a_lab_error_that_says_to_run_the_cell_again(name: str) -> None:
    session = Interrupted()
    call = getattr(Lab(session), name)  # type: ignore[arg-type]
    session.lab_is_open = True
    parameters = inspect.signature(call).parameters.values()
    needed = [
        ARGUMENTS.get(name, 50) for one in parameters if one.default is one.empty and one.kind is not one.VAR_KEYWORD
    ]

    with pytest.raises(LabError, match=r"^(Interrupted: |Stopped after 0 of ).*Run th(e|is) cell again") as ended:
        call(*needed)
    assert ended.value.__suppress_context__


def test_opening_the_lab_can_be_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(lab, "open_session", interrupted)
    with pytest.raises(LabError, match=r"Interrupted: `open_lab\(\)`"):
        lab.open_lab()


def test_what_jupyter_calls_to_show_the_lab_is_among_them() -> None:
    assert set(SHOWN_BY_JUPYTER) <= set(public_calls(Lab))
