"""The range is closed: its links connect only each other, its routes end there, and no packet leaves."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from labkit.range.range import Range
from tests.range.ranges import keeper_pid, python

pytestmark = pytest.mark.tier_1

ATTEMPTS = str(Path(__file__).with_name("attempts.py"))


def seen_in(pid: int, *words: str) -> list[dict[str, Any]]:
    """What `ip` says in the network namespace of a process."""
    enter = ["nsenter", f"--target={pid}", "--user", "--net", "--preserve-credentials"]
    shown = subprocess.run([*enter, "ip", "-json", *words], capture_output=True, text=True, check=True)
    return list(json.loads(shown.stdout))


def test_each_side_has_loopback_and_one_link_that_ends_at_the_other_side(network: Range):
    host, far = (seen_in(pid, "-details", "link") for pid in (network.holder_pid, keeper_pid(network)))
    (host_end,) = [link for link in host if link["ifname"] != "lo"]
    (far_end,) = [link for link in far if link["ifname"] != "lo"]

    assert (host_end["ifname"], far_end["ifname"]) == ("eth0", "vpc")
    assert host_end["linkinfo"]["info_kind"] == far_end["linkinfo"]["info_kind"] == "veth"
    assert (host_end["link_index"], far_end["link_index"]) == (far_end["ifindex"], host_end["ifindex"])


def test_every_route_of_both_sides_ends_at_these_links(network: Range):
    for pid, devices in ((network.holder_pid, {"lo", "eth0"}), (keeper_pid(network), {"lo", "vpc"})):
        for family in ("-4", "-6"):
            routes = seen_in(pid, family, "route", "show", "table", "all")
            assert routes
            assert {route["dev"] for route in routes} <= devices


def test_the_far_side_forwards_nothing(network: Range):
    enter = ["nsenter", f"--target={keeper_pid(network)}", "--user", "--net", "--preserve-credentials"]
    read = subprocess.run(
        [*enter, "cat", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert read.stdout.split() == ["0", "0"]


@pytest.mark.parametrize("tier", [1, 2])
def test_no_packet_that_a_program_sends_leaves_the_range(folder: Path, monkeypatch: pytest.MonkeyPatch, tier: int):
    monkeypatch.setenv("LABKIT_RANGE_TIER", str(tier))
    with python("outside.py", str(folder), "--", sys.executable, ATTEMPTS) as process:
        out, _ = process.communicate(timeout=120)

    told = json.loads(out)
    attempts = json.loads(told["out"])
    assert told["tier"] == tier
    assert told["heard"] == ["10.77.0.1"]
    assert attempts["tcp"] == attempts["tcp, IPv6"] == attempts["tcp, IPv4 in an IPv6 socket"] == "HTTP/1.1 200 OK"
    assert attempts["tcp, another port"] == "ECONNREFUSED"
    assert attempts["name service"] == "ECONNREFUSED"
    assert attempts["name"] == ("203.0.113.10")
    assert attempts["no such name"] != "203.0.113.10"
    if tier == 2:
        assert {attempts["raw"], attempts["frames"]} == {"EPERM"}
        assert {outcome for name, outcome in attempts.items() if "without connect" in name} == {"ENETUNREACH"}
        assert attempts["udp by a message"] == "ENETUNREACH"
