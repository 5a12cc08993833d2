"""The responder's messages in few lines: those that say the same about several addresses become one line."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from labkit.model.response.messages import Message

MOST_ALIKE = 2
"""Up to this many consecutive messages that say the same are left as they are."""


def summed_up(said: Sequence[Message]) -> list[str]:
    """The sentences in order; consecutive ones that differ only in their address are merged into one.

    >>> why = "is not denied: it is a private address."
    >>> summed_up([Message("refused", f"{address} {why}", address) for address in ("10.0.0.7", "10.0.0.8", "10.0.0.9")])
    ['3 addresses (10.0.0.7, 10.0.0.8, 10.0.0.9) are not denied: it is a private address.']
    """
    lines: list[str] = []
    for (kind, words), alike in groupby(said, key=lambda one: (one.kind, _words(one))):
        group = list(alike)
        if len(group) > MOST_ALIKE and words:
            lines.append(_line(kind, words, group))
        else:
            lines += [one.sentence for one in group]
    return lines


def _words(said: Message) -> str:
    """What a message has in common with others of its kind; empty for one that is never merged."""
    if said.kind in ("added", "kept") and said.entry is not None:
        return said.kind
    if said.kind == "refused" and said.address and said.sentence.startswith(f"{said.address} is not denied"):
        return said.sentence.removeprefix(said.address)
    return ""


def _line(kind: str, words: str, group: Sequence[Message]) -> str:
    addresses = [one.address for one in group]
    numbers = [one.entry.rule_number for one in group if one.entry is not None]
    if kind == "added":
        return f"Added {len(group)} entries, {_listed(numbers)}: deny all to {', '.join(addresses)}."
    if kind == "kept":
        by = ", ".join(f"{address} by entry {number}" for address, number in zip(addresses, numbers, strict=True))
        return f"{len(group)} addresses are denied already: {by}."
    return f"{len(group)} addresses ({', '.join(addresses)}){words.replace(' is not denied', ' are not denied', 1)}"


def _listed(numbers: Sequence[int]) -> str:
    """The numbers as text; consecutive ones are shortened to the first and the last.

    >>> _listed([6, 7, 8]), _listed([2, 5, 9])
    ('6 to 8', '2, 5, 9')
    """
    if list(numbers) == list(range(numbers[0], numbers[0] + len(numbers))):
        return f"{numbers[0]} to {numbers[-1]}"
    return ", ".join(map(str, numbers))
