"""The ids and the secrets that a world is made of: random, or, with a seed, the same ones every time."""

from __future__ import annotations

import random
import threading
import uuid

_NODE = 0x0242AC110002  # The ids of the real service end in such a node; ours must not tell this machine's address.
_TIME_HIGH = 0x1F0 << 48  # of a version 1 UUID's 60 bits: a year as good as any
_MOST_TICKS = 10_000  # of 100 ns between two seeded ids


def new_id() -> str:
    """A fresh UUID of version 1, which is what the service's ids are."""
    return str(uuid.uuid1(node=_NODE))


class Ids:
    """Where ids and secrets come from; safe to share between threads.

    With a seed everything derives from it, so whoever knows it knows the keys: that is for throw-away worlds only,
    which one process makes, serves and leaves. Each kind of id has its own row, so what happens at the same time
    elsewhere changes nothing; a later id of a kind is always the larger one, as UUIDs made by a clock are.
    """

    def __init__(self, seed: str = "") -> None:
        self._seed, self._lock = seed, threading.Lock()
        self._rows: dict[str, _Row] = {}

    def new(self, kind: str) -> str:
        """A fresh UUID of version 1 for one more of a kind, such as an alert."""
        if not self._seed:
            return new_id()
        with self._lock:
            if kind not in self._rows:
                self._rows[kind] = _Row(self.chance(kind))
            return self._rows[kind].next()

    def chance(self, what: str) -> random.Random:
        """What to draw a secret or a seed from: the operating system's, or what the seed makes of `what`."""
        return random.Random(f"{self._seed}:{what}") if self._seed else random.SystemRandom()


class _Row:
    """UUIDs of version 1 whose times rise by a chance of its own in place of the clock."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        # Low enough for a million ids before the low part, which a UUID's text begins with, starts from 0 again.
        self._time = _TIME_HIGH | chance.getrandbits(16) << 32 | chance.getrandbits(31)

    def next(self) -> str:
        self._time += self._chance.randint(1, _MOST_TICKS)
        low, mid, high = self._time & 0xFFFFFFFF, self._time >> 32 & 0xFFFF, self._time >> 48
        variant, sequence = self._chance.getrandbits(6), self._chance.getrandbits(8)
        return str(uuid.UUID(fields=(low, mid, high, variant, sequence, _NODE), version=1))
