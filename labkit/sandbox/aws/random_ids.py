"""The source of moto's ids, which can derive from a seed."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto.moto_api._internal.moto_random import MotoRandom


class ThreadRandom(MotoRandom):
    """moto's source of ids with a generator per thread, so that a reading request does not affect a changing one."""

    _of_thread = threading.local()

    @classmethod
    def generator(cls) -> random.Random:
        """This thread's own generator."""
        if not hasattr(cls._of_thread, "generator"):
            cls._of_thread.generator = random.Random()
        return cls._of_thread.generator

    @classmethod
    @contextmanager
    def seeded(cls, seed: str) -> Iterator[None]:
        """Let this thread's ids derive from `seed` while the block runs."""
        outer = cls.generator()
        cls._of_thread.generator = random.Random(seed)
        try:
            yield
        finally:
            cls._of_thread.generator = outer

    def seed(self, a: Any = None, version: int = 2) -> None:
        self.generator().seed(a, version)

    def random(self) -> float:
        return self.generator().random()

    def getrandbits(self, k: int, /) -> int:
        return self.generator().getrandbits(k)
