"""The notebook of each chapter, and the addresses of its cells."""

from __future__ import annotations

from labkit import steps
from labkit.model.errors import StepNotReady
from labkit.services.environment import open_chapter

CHAPTERS = {
    "0": "00_start_here.ipynb",
    "1": "01_initial_configuration.ipynb",
    "2": "02_create_environment.ipynb",
    "3": "03_self_protecting_cloud.ipynb",
    "4": "04_what_it_can_and_cannot_do.ipynb",
    "5": "05_clean_up.ipynb",
}
"""The notebook of each chapter, by its number."""

NOTEBOOKS = frozenset(CHAPTERS.values())

SECTIONS = {
    "4": {
        "ingress entry 50": "The answer is a packet, too",
        "entry 150": "A deny at 150 does nothing",
        "entry 50": "One name, two addresses",
        "entry 101": "One name, two addresses",
        "responder runs": "A connection that is open already",
        "responder stopped": "A connection that is open already",
        "dadismad.com not denied": "Make room",
        "time.example.org not denied": "Make room",
        "suppression 198.51.100.7": "Keep a good address reachable",
    },
    "3": {"responder runs": "Start it"},
}
"""By chapter, the section with the cell that brings about a state that a cell needs (`experiments`)."""


def link_to(step: str) -> str:
    """The address of a step's cell; "" for a step that is not in a chapter.

    From another chapter it names the notebook. In a renamed notebook it does not: the step may be in that one.
    """
    found = steps.BY_KEY.get(step)
    if found is None:
        return ""
    return _from_here(found.chapter, found.heading)


def link_of(error: StepNotReady) -> str:
    """The address of the cell that an error names, by its step or by the state that is missing; "" without."""
    holding = [number for number, sections in SECTIONS.items() if error.state in sections]
    if not holding:
        return link_to(error.step)
    number = next((one for one in holding if CHAPTERS[one] == open_chapter()), holding[0])
    return _from_here(number, SECTIONS[number][error.state])


def _from_here(number: str, heading: str) -> str:
    """The address of a heading of this chapter, for the chapter that is open."""
    here, there = open_chapter(), CHAPTERS[number]
    elsewhere = here != there and here in NOTEBOOKS
    return f"{there if elsewhere else ''}#{heading.replace(' ', '-')}"


def links() -> dict[str, str]:
    """The address of each step's cell, by the step's key."""
    return {step.key: link_to(step.key) for step in steps.STEPS}
