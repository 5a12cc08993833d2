"""Ids and secrets: random, or, with a seed, the same every time."""

from __future__ import annotations

import random
import threading
import uuid

_NODE = 0x0242AC110002  # The real service's ids end in such a node; ours must not reveal this machine's address.
_TIME_HIGH = 0x1F0 << 48  # the top of a version 1 UUID's 60-bit time: an arbitrary year
_MOST_TICKS = 10_000  # of 100 ns between two seeded ids


def new_id() -> str:
    """A new UUID of version 1, like the service's ids."""
    return str(uuid.uuid1(node=_NODE))


class Ids:
    """The source of ids and secrets; safe to share between threads.

    With a seed everything derives from it, so anybody who knows the seed knows the keys: use it for throw-away homes
    only. Each kind of id has its own sequence, so ids of other kinds do not affect it. Ids of one kind
    rise, as UUIDs made by a clock do.
    """

    def __init__(self, seed: str = "") -> None:
        self._seed, self._lock = seed, threading.Lock()
        self._sequences: dict[str, _Sequence] = {}

    def new(self, kind: str) -> str:
        """The next UUID of version 1 for a kind, such as an alert."""
        if not self._seed:
            return new_id()
        with self._lock:
            if kind not in self._sequences:
                self._sequences[kind] = _Sequence(self.chance(kind))
            return self._sequences[kind].next()

    def chance(self, what: str) -> random.Random:
        """The generator for a secret or a seed: the operating system's, or one derived from our seed and `what`."""
        return random.Random(f"{self._seed}:{what}") if self._seed else random.SystemRandom()


class _Sequence:
    """UUIDs of version 1 whose times rise by random steps instead of a clock."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        # Low enough for a million ids before the low part, with which a UUID's text starts, wraps around.
        self._time = _TIME_HIGH | chance.getrandbits(16) << 32 | chance.getrandbits(31)

    def next(self) -> str:
        self._time += self._chance.randint(1, _MOST_TICKS)
        low, mid, high = self._time & 0xFFFFFFFF, self._time >> 32 & 0xFFFF, self._time >> 48
        variant, sequence = self._chance.getrandbits(6), self._chance.getrandbits(8)
        return str(uuid.UUID(fields=(low, mid, high, variant, sequence, _NODE), version=1))
