"""How far the range reaches on this machine, and what in words stands in the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labkit.range.facts import Reach, Tier

START = Path(__file__).with_name("start.py")
ASKED_FOR = "LABKIT_RANGE_TIER"
"""An environment variable: 2 or 3 asks for a lower tier than could be had, to see what it is like."""

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
_CURES = {
    "kernel/apparmor_restrict_unprivileged_userns": "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    "kernel/unprivileged_userns_clone": "sudo sysctl kernel.unprivileged_userns_clone=1",
    "user/max_user_namespaces": "sudo sysctl user.max_user_namespaces=15000",
}


def start_command(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of the range as a process."""
    return [sys.executable, "-I", "-S", str(START), module, *arguments]


def reach() -> Reach:
    """How far the range reaches here, tried now; takes some 50 ms."""
    if sys.platform != "linux":
        return Reach(3, "The range needs Linux.", "Open the lab on Linux, or in WSL 2 on Windows.")
    found = _probe()
    best = judge(found, _values(), any(map(os.path.exists, _CONTAINER_FILES)))
    asked = os.environ.get(ASKED_FOR, "")
    if asked in ("2", "3") and int(asked) > best.tier:
        tier: Tier = 2 if asked == "2" else 3
        return Reach(tier, f"It was asked for by {ASKED_FOR}={asked}.", f"Without {ASKED_FOR} it is tier {best.tier}.")
    return best


def judge(found: Mapping[str, Any], values: Mapping[str, str], in_container: bool) -> Reach:
    """The tier for what the probe found.

    values: kernel values that matter, by their path under /proc/sys.

    >>> judge({"calls": "", "missing": ["nft"], "packets": ""}, {}, False).next_step
    'For tier 1: sudo apt install nftables'
    """
    if found["calls"]:
        why = f"This machine does not let a program's system calls be watched ({found['calls']})."
        return Reach(3, why, "For tier 1 open the lab on Linux 5.5 or later, outside of sandboxes such as gVisor.")
    if found["missing"]:
        packages = " ".join(_PACKAGES[name] for name in found["missing"])
        why = f"Not installed: {', '.join(found['missing'])}."
        return Reach(2, why, f"For tier 1: sudo apt install {packages}")
    if not found["packets"]:
        return Reach(1)
    return _refused(found["packets"], values, in_container)


def _refused(what: str, values: Mapping[str, str], in_container: bool) -> Reach:
    """Tier 2, with the likeliest reason why a closed network was refused."""
    for name, (refusing, why) in _KERNEL_VALUES.items():
        if values.get(name) == refusing:
            return Reach(2, f"{why} ({what})", f"For tier 1: {_CURES[name]}, or see the README.")
    if in_container:
        why = f"This container may not make namespaces ({what})."
        options = "--security-opt seccomp=unconfined --security-opt apparmor=unconfined"
        return Reach(2, why, f"For tier 1 start it with {options}, or open the lab outside of a container.")
    why = f"This machine refuses a closed network ({what})."
    return Reach(2, why, "For tier 1 the kernel has to allow user namespaces, veth links and nftables: see the README.")


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
