"""Which tier of the range this machine allows, and what prevents a better one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Tier = Literal[1, 2, 3]
TIER_NAMES = {
    1: "packets: programs run in a closed network whose packets the network ACL really filters",
    2: "system calls: programs run, and each connect(2) is intercepted and redirected to this machine",
    3: "evaluated only: no program runs; its result is computed from the entries",
}


@dataclass(frozen=True)
class TierStatus:
    """The tier of the range on this machine.

    why: why it is not tier 1; "" in tier 1. next_step: how to get tier 1 here.

    >>> print(TierStatus(3, "This is not Linux.", "Open the lab on Linux."))
    Range tier 3 of 3, evaluated only: no program runs; its result is computed from the entries. This is not Linux. \
Open the lab on Linux.
    """

    tier: Tier
    why: str = ""
    next_step: str = ""

    def __str__(self) -> str:
        first = f"Range tier {self.tier} of 3, {TIER_NAMES[self.tier]}."
        return " ".join(sentence for sentence in (first, self.why, self.next_step) if sentence)


START = Path(__file__).with_name("start.py")
TIER_VARIABLE = "LABKIT_RANGE_TIER"
"""An environment variable: 2 or 3 selects a lower tier than the machine allows, to try it."""

_PACKAGES = {"ip": "iproute2", "nft": "nftables"}
_PROBE_SECONDS = 60
_CONTAINER_FILES = ("/.dockerenv", "/run/.containerenv")
_KERNEL_VALUES = {
    "kernel/apparmor_restrict_unprivileged_userns": (
        "1",
        "AppArmor restricts user namespaces here, as Ubuntu 24.04 does.",
    ),
    "kernel/unprivileged_userns_clone": ("0", "User namespaces are switched off for ordinary users here."),
    "user/max_user_namespaces": ("0", "User namespaces are switched off here."),
}
_FIXES = {
    "kernel/apparmor_restrict_unprivileged_userns": "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    "kernel/unprivileged_userns_clone": "sudo sysctl kernel.unprivileged_userns_clone=1",
    "user/max_user_namespaces": "sudo sysctl user.max_user_namespaces=15000",
}


def start_command(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of the range as a process."""
    return [sys.executable, "-I", "-S", str(START), module, *arguments]


def detect() -> TierStatus:
    """Find out which tier this machine allows; takes about 50 ms."""
    if sys.platform != "linux":
        return TierStatus(3, "The range needs Linux.", "Open the lab on Linux, or in WSL 2 on Windows.")
    found = _probe()
    best = best_tier(found, _values(), any(map(os.path.exists, _CONTAINER_FILES)))
    asked = os.environ.get(TIER_VARIABLE, "")
    if asked in ("2", "3") and int(asked) > best.tier:
        tier: Tier = 2 if asked == "2" else 3
        return TierStatus(
            tier, f"{TIER_VARIABLE}={asked} selects it.", f"Without {TIER_VARIABLE} it is tier {best.tier}."
        )
    return best


def best_tier(found: Mapping[str, Any], values: Mapping[str, str], in_container: bool) -> TierStatus:
    """The best tier for what the probe found.

    values: kernel settings that matter, by their path under /proc/sys.

    >>> best_tier({"calls": "", "missing": ["nft"], "packets": ""}, {}, False).next_step
    'For tier 1: sudo apt install nftables'
    """
    if found["calls"]:
        why = f"This machine does not allow a program's system calls to be intercepted ({found['calls']})."
        return TierStatus(3, why, "For tier 1 open the lab on Linux 5.5 or later, outside sandboxes such as gVisor.")
    if found["missing"]:
        packages = " ".join(_PACKAGES[name] for name in found["missing"])
        why = f"Not installed: {', '.join(found['missing'])}."
        return TierStatus(2, why, f"For tier 1: sudo apt install {packages}")
    if not found["packets"]:
        return TierStatus(1)
    return _refused(found["packets"], values, in_container)


def _refused(what: str, values: Mapping[str, str], in_container: bool) -> TierStatus:
    """Tier 2, with the most likely reason why the kernel refused a closed network."""
    for name, (refusing, why) in _KERNEL_VALUES.items():
        if values.get(name) == refusing:
            return TierStatus(2, f"{why} ({what})", f"For tier 1: {_FIXES[name]}, or see the README.")
    if in_container:
        why = f"This container is not allowed to create namespaces ({what})."
        options = "--security-opt seccomp=unconfined --security-opt apparmor=unconfined"
        return TierStatus(2, why, f"For tier 1 start it with {options}, or open the lab outside a container.")
    why = f"This machine does not allow a closed network ({what})."
    return TierStatus(
        2, why, "For tier 1 the kernel must allow user namespaces, veth links and nftables: see the README."
    )


def _probe() -> dict[str, Any]:
    try:
        ended = subprocess.run(
            start_command("probe"), capture_output=True, text=True, timeout=_PROBE_SECONDS, check=False
        )
        return dict(json.loads(ended.stdout))
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return {"calls": f"the probe failed: {error}", "missing": [], "packets": ""}


def _values() -> dict[str, str]:
    values = {}
    for name in _KERNEL_VALUES:
        try:
            values[name] = Path("/proc/sys", name).read_text().strip()
        except OSError:  # another kernel, without this value
            continue
    return values
