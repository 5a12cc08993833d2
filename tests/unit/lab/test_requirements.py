"""The table of the steps that each call of the lab needs is complete and correct."""

from __future__ import annotations

from labkit import steps
from labkit.lab.calls import SHOWN_BY_JUPYTER, public_calls
from labkit.lab.lab import Lab
from labkit.lab.requirements import NEEDS, NEEDS_NOTHING


def test_every_call_of_the_lab_says_what_it_stands_on_or_why_on_nothing() -> None:
    assert set(public_calls(Lab)) - set(SHOWN_BY_JUPYTER) == NEEDS.keys() | NEEDS_NOTHING.keys()
    assert not NEEDS.keys() & NEEDS_NOTHING.keys()
    assert all(reason.endswith(".") for reason in NEEDS_NOTHING.values())


def test_every_need_is_a_step() -> None:
    assert {key for keys in NEEDS.values() for key in keys} <= steps.BY_KEY.keys()
    assert all(NEEDS.values())
