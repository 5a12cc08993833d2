"""Guesses: what a student is asked before a cell shows it, and what is said of the guess afterwards."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Guess:
    """question: what is asked. choices: the answers to choose from. right: the one that turns out. because: why.

    exit_code: of the program that answers it, where one does.

    >>> print(GUESSES["clone_active"].answer("Yes"))
    You guessed “Yes”. It was “No”, because somebody has to enable it first.
    >>> print(GUESSES["clone_active"].answer("No"))
    You guessed “No”, and so it was, because somebody has to enable it first.
    >>> print(GUESSES["clone_active"].answer(""))
    It was “No”, because somebody has to enable it first.
    """

    question: str
    choices: tuple[str, ...]
    right: str
    because: str
    exit_code: int | None = None

    def answer(self, guessed: str) -> str:
        """What to say of a guess once the outcome is there; "" for no guess."""
        if guessed == self.right:
            return f"You guessed “{guessed}”, and so it was, because {self.because}."
        before = f"You guessed “{guessed}”. " if guessed in self.choices else ""
        return f"{before}It was “{self.right}”, because {self.because}."


DROPPED, ALLOWED = "Dropped", "Allowed"
NO_ANSWER = "No answer comes in time"

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
        "Is the clone enabled at once?",
        ("Yes", "No"),
        "No",
        "somebody has to enable it first",
    ),
    "which_alert": Guess(
        "One program connects to 203.0.113.10, another to 127.0.0.1. Which raises an alert, once the rule is enabled?",
        ("Both", "Only 203.0.113.10", "Only 127.0.0.1", "Neither"),
        "Only 203.0.113.10",
        "one clause of the filter leaves out 127.0.0.0/8, and every clause must be true",
    ),
    "first_request": Guess(
        "The responder runs. Does it stop the very first request to dadismad.com?",
        ("Yes, it is stopped", "No, the page arrives"),
        "No, the page arrives",
        "an alert needs an event, and an event needs a connection: detection is not prevention",
        exit_code=0,
    ),
    "second_request": Guess(
        "The same request again. How does it end?",
        ("The page arrives", "It is refused at once", NO_ANSWER),
        NO_ANSWER,
        "a network ACL drops packets silently, so curl waits for an answer that never comes",
        exit_code=28,
    ),
    "answer_dropped": Guess(
        "Requests go out, and the answers of mirror.example.net are dropped. How does curl end?",
        ("The page arrives", "It is refused at once", NO_ANSWER),
        NO_ANSWER,
        "from the host it looks the same, whichever packet is dropped",
        exit_code=28,
    ),
    "real_150": Guess(
        "Entry 150 denies mirror.example.net. Does its page arrive?",
        ("Yes", "No"),
        "Yes",
        "entry 100 matches first, so entry 150 is never tried",
        exit_code=0,
    ),
    "other_address": Guess(
        "The IPv4 address of six.dadismad.com is denied. Is the site blocked?",
        ("Yes, it is blocked", "No, it answers"),
        "No, it answers",
        "curl tries the IPv6 address first, and an entry for an IPv4 block never matches an IPv6 packet",
        exit_code=0,
    ),
    "suppressed": Guess(
        "A program connects to example.com, and then the responder looks. What does it find?",
        ("An alert, and denies the address", "An alert, and leaves the address alone", "No alert of it"),
        "No alert of it",
        "an event that a suppression matches raises no alert",
    ),
    "open_stream": Guess(
        "An entry denies the address while its stream is still arriving. What becomes of the stream?",
        ("It goes on to its end", "It stops"),
        "It stops",
        "a network ACL decides about each packet, also of an open connection (in tier 1, where they are real)",
    ),
    "full_quota": Guess(
        "A program connects to more addresses than entries fit. Which of them are denied in the end?",
        ("The oldest", "The newest", "None: the responder gives up"),
        "The newest",
        "the responder replaces the one of its own entries whose alert is oldest",
    ),
}
"""The guesses of the chapters, each by the name that its cells use."""

NOTE_OF_GUESS = {name: f"guess_{name}" for name in GUESSES}
"""The note that keeps each guess."""
