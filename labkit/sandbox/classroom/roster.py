"""The students of the class that a sandbox serves: their AWS keys, and when each was last seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from labkit.model.access_keys import AccessKeys
from labkit.model.classroom import user_of
from labkit.sandbox.aws.keys import load_keys
from labkit.sandbox.detection.timestamps import now_ms
from labkit.sandbox.ids import Ids


@dataclass(frozen=True)
class Roster:
    """Empty where there is no class. keys: each student's AWS keys, by number. clock: milliseconds since 1970.

    Who was seen when is known in memory only, so after a start it is unknown until they ask again.
    """

    keys: Mapping[int, AccessKeys] = field(default_factory=dict)
    clock: Callable[[], int] = now_ms
    _seen: dict[int, int] = field(default_factory=dict)

    @classmethod
    def load(cls, world: Path, size: int, ids: Ids) -> Roster:
        """The roll of a class of this size; keys are made for who has none yet, and nobody's ever change."""
        if not size:
            return cls()
        keys = load_keys(world / "class-keys.json", ids, tuple(map(user_of, range(1, size + 1))))
        return cls({number: keys[user_of(number)] for number in range(1, size + 1)})

    def note(self, number: int) -> None:
        """A student's request was authentic, whichever service it went to."""
        if number in self.keys:
            self._seen[number] = self.clock()

    def last_seen(self, number: int) -> int | None:
        """When a student asked last, in milliseconds since 1970; None when that is not known."""
        return self._seen.get(number)
