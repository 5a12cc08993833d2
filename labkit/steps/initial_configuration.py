"""Chapter 1, as the original's part 1: whether the host is ready."""

from __future__ import annotations

from labkit.steps import host
from labkit.steps.step import Step

STEPS: tuple[Step, ...] = (host.READY,)
