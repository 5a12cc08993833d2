"""The chapters of the lab, and the addresses of their cells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from labkit import steps
from labkit.model.check import CheckResult
from labkit.model.errors import InvalidInput, StepNotReady
from labkit.services.environment import open_chapter
from labkit.steps.step import Step
from labkit.views.panels.chapter_map import ChapterOnMap


@dataclass(frozen=True)
class ChapterFacts:
    """A chapter. title: as links to it name it. minutes: how long it takes, about. remark: beside them on the map.

    shows: the number of the chapter whose steps its map lists and its last cell looks at; "" for all, None for none.
    """

    file: str
    title: str
    minutes: int
    shows: str | None
    remark: str = ""


CHAPTERS = {
    "0": ChapterFacts("00_start_here.ipynb", "Start here", 5, None),
    "1": ChapterFacts("01_initial_configuration.ipynb", "Part 1: initial configuration", 5, "1"),
    "2": ChapterFacts("02_create_environment.ipynb", "Part 2: create the environment", 25, "2"),
    "3": ChapterFacts("03_self_protecting_cloud.ipynb", "Part 3: the self-protecting cloud", 15, "3"),
    "4": ChapterFacts("04_what_it_can_and_cannot_do.ipynb", "Part 4: what it can and cannot do", 20, "3", "optional"),
    "5": ChapterFacts("05_clean_up.ipynb", "Part 5: clean up", 5, ""),
}
"""The chapters by their number, in order."""

NOTEBOOKS = frozenset(one.file for one in CHAPTERS.values())

SECTIONS = {
    "4": {
        "ingress entry 50": "The answer is a packet, too",
        "entry 150": "A deny entry at 150",
        "entry 50": "One name, two addresses",
        "entry 101": "One name, two addresses",
        "responder runs": "A connection that is open already",
        "responder stopped": "A connection that is open already",
        "time.example.org not denied": "A connection that is open already",
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
    number = next((one for one in holding if CHAPTERS[one].file == open_chapter()), holding[0])
    return _from_here(number, SECTIONS[number][error.state])


def _from_here(number: str, heading: str) -> str:
    """The address of a heading of this chapter, for the chapter that is open."""
    here, there = open_chapter(), CHAPTERS[number].file
    elsewhere = here != there and here in NOTEBOOKS
    return f"{there if elsewhere else ''}#{heading.replace(' ', '-')}"


def links() -> dict[str, str]:
    """The address of each step's cell, by the step's key."""
    return {step.key: link_to(step.key) for step in steps.STEPS}


def chapter_number(typed: str | int) -> str:
    """The number of a chapter, such as "2" for 2 or "02". Raises InvalidInput if there is no such chapter."""
    number = str(typed).strip().lstrip("0") or "0"
    if number not in CHAPTERS:
        raise InvalidInput(f"There is no chapter “{typed}”.", f"They are {', '.join(CHAPTERS)}.", "Choose one.")
    return number


def steps_shown(number: str) -> tuple[Step, ...]:
    """The steps that a chapter shows; all of them for ""."""
    shows = CHAPTERS[number].shows if number else ""
    return () if shows is None else steps.named(shows)


def chapters_on_map(results: Iterable[CheckResult], here: str) -> tuple[ChapterOnMap, ...]:
    """All chapters for the map. results: the checks of all steps. here: the number of the chapter that is open."""
    checked = [(steps.BY_KEY[result.step].chapter, result.passed) for result in results]
    return tuple(
        ChapterOnMap(
            one.title,
            one.file,
            one.minutes,
            one.remark,
            checked.count((number, True)),
            sum(of == number for of, _ in checked),
            number == here,
        )
        for number, one in CHAPTERS.items()
    )


def onward(number: str) -> tuple[str, str]:
    """Title and notebook of the chapter after this one; after the last, of the first."""
    numbers = list(CHAPTERS)
    following = CHAPTERS[numbers[(numbers.index(number) + 1) % len(numbers)]]
    return following.title, following.file
