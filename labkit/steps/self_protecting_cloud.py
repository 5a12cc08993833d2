"""Chapter 3, as the original's part 3: the host in its VPC, an alert, and the deny entry that answers it."""

from __future__ import annotations

from labkit.steps import host, protection
from labkit.steps.step import Step

STEPS: tuple[Step, ...] = (host.SUBNET, protection.ALERT, protection.DENIED)
