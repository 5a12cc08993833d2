"""The notebook of each chapter, and the addresses of its cells."""

from __future__ import annotations

from labkit import steps
from labkit.model.errors import StepNotReady
from labkit.services.environment import open_chapter

CHAPTERS = {
    "1": "01_initial_configuration.ipynb",
    "2": "02_create_environment.ipynb",
    "3": "03_self_protecting_cloud.ipynb",
}
"""The notebook of each chapter that has steps."""

NOTEBOOKS = {*CHAPTERS.values(), "00_start_here.ipynb", "04_clean_up.ipynb"}


def link_to(step: str) -> str:
    """The address of a step's cell; "" for a step that is not in a chapter.

    From another chapter it names the notebook. In a renamed notebook it does not: the step may be in that one.
    """
    found = steps.BY_KEY.get(step)
    if found is None:
        return ""
    here, there = open_chapter(), CHAPTERS[found.chapter]
    elsewhere = here != there and here in NOTEBOOKS
    return f"{there if elsewhere else ''}{found.link}"


def link_of(error: StepNotReady) -> str:
    """The address of the cell that an error names, by its step or by its section of the open chapter; "" without."""
    return f"#{error.heading.replace(' ', '-')}" if error.heading else link_to(error.step)


def links() -> dict[str, str]:
    """The address of each step's cell, by the step's key."""
    return {step.key: link_to(step.key) for step in steps.STEPS}
