"""Guesses: what a student is asked before a cell shows it, and what is said of the guess afterwards."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Guess:
    """question: what is asked. choices: the answers to choose from. right: the one that turns out. because: why.

    >>> print(GUESSES["clone_active"].answer("Yes"))
    You guessed “Yes”. It was “No”, because a clone is disabled until somebody enables it.
    >>> print(GUESSES["clone_active"].answer("No"))
    You guessed “No”, and so it was, because a clone is disabled until somebody enables it.
    >>> print(GUESSES["clone_active"].answer(""))
    It was “No”, because a clone is disabled until somebody enables it.
    """

    question: str
    choices: tuple[str, ...]
    right: str
    because: str

    def answer(self, guessed: str) -> str:
        """What to say of a guess once the outcome is there; "" for no guess."""
        if guessed == self.right:
            return f"You guessed “{guessed}”, and so it was, because {self.because}."
        before = f"You guessed “{guessed}”. " if guessed in self.choices else ""
        return f"{before}It was “{self.right}”, because {self.because}."


DROPPED, ALLOWED = "Dropped", "Allowed"

GUESSES = {
    "same_block": Guess(
        "Another VPC uses 10.0.0.0/16 already. Will AWS refuse yours?",
        ("Yes, it refuses", "No, it accepts"),
        "No, it accepts",
        "VPCs cannot see each other unless somebody connects them",
    ),
    "deny_150": Guess(
        "An entry at 150 denies 203.0.113.10. What happens to the packet?",
        (DROPPED, ALLOWED),
        ALLOWED,
        "entry 100 comes first, matches, and allows it",
    ),
    "clone_active": Guess(
        "Is the clone active at once?",
        ("Yes", "No"),
        "No",
        "a clone is disabled until somebody enables it",
    ),
    "which_alert": Guess(
        "One program connects to 203.0.113.10, another to 127.0.0.1. Which raises an alert?",
        ("Both", "Only 203.0.113.10", "Only 127.0.0.1", "Neither"),
        "Only 203.0.113.10",
        "one clause of the filter leaves out 127.0.0.0/8, and every clause must be true",
    ),
}
"""The guesses of the chapters, each by the name that its cells use."""

NOTE_OF_GUESS = {name: f"guess_{name}" for name in GUESSES}
"""The note that keeps each guess."""
