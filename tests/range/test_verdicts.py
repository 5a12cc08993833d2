"""nftables decides real packets, and counts them per entry, as labkit.model.network_acl decides."""

from __future__ import annotations

import collections
import json
import random
import subprocess
import threading
from collections.abc import Callable, Iterator

import pytest

from labkit.model.network_acl import CATCH_ALL, Entry, Packet, decide
from labkit.range.range import Range
from tests.range.ranges import ALLOW_ALL, keeper_pid, python

pytestmark = pytest.mark.tier_1

NETWORK_ACLS, PACKETS_EACH, SEED = 500, 60, 20250923
INSIDE = {4: "10.0.1.10", 6: "2001:db8:1234:1a01::10"}
FAR = {
    4: "203.0.113.10 203.0.113.11 203.0.113.200 198.51.100.7 192.0.2.20 8.8.8.8 172.16.5.5 203.0.112.255 204.0.0.1",
    6: "2001:db8:bad::10 2001:db8:bad::11 2001:db8:900d::7 2a00::1 2001:db8:bae::1",
}
BLOCKS = {
    4: "0.0.0.0/0 203.0.113.0/24 203.0.113.10/32 203.0.113.10/31 198.51.100.0/25 192.0.2.20/32 128.0.0.0/1 8.0.0.0/8",
    6: "::/0 2001:db8:bad::/48 2001:db8:bad::10/128 2001:db8::/32 2000::/3",
}
PORTS = (0, 1, 22, 53, 79, 80, 81, 443, 1023, 1024, 32768, 49152, 65534, 65535)
TYPES, CODES = (0, 3, 8, 128, 129), (0, 1)
OTHER_PROTOCOLS = {4: ("2", "47", "50", "58", "132"), 6: ("47", "132")}


def random_entry(rng: random.Random, number: int, egress: bool) -> Entry:
    version = rng.choice((4, 4, 6))
    protocol = rng.choice(("-1", "6", "6", "17", "1", "58", "47", "132"))
    low, high = sorted((rng.choice(PORTS), rng.choice(PORTS)))
    ports = rng.choice(((0, 65535), (low, high), (low, low))) if protocol in ("6", "17") else None
    icmp = (rng.choice((-1, *TYPES)), rng.choice((-1, -1, *CODES))) if protocol in ("1", "58") else None
    block = rng.choice(BLOCKS[version].split())
    return Entry(number, egress, rng.choice(("allow", "allow", "deny")), protocol, block, ports, icmp)


def random_network_acl(rng: random.Random) -> list[Entry]:
    entries = [
        random_entry(rng, number, egress)
        for egress in (True, False)
        for number in rng.sample(range(1, CATCH_ALL), rng.randint(0, 20))
    ]
    rng.shuffle(entries)
    return [*entries, *(Entry(CATCH_ALL, egress, "deny", "-1", "0.0.0.0/0") for egress in (True, False))]


def random_packet(rng: random.Random) -> Packet:
    version, egress = rng.choice((4, 6)), rng.random() < 0.5
    far = rng.choice(FAR[version].split())
    icmp = "1" if version == 4 else "58"
    protocol = rng.choice(("6", "6", "17", "17", icmp, rng.choice(OTHER_PROTOCOLS[version])))
    make, near = (Packet.outbound, "source") if egress else (Packet.inbound, "destination")
    kind = (rng.choice(TYPES), rng.choice(CODES))
    return make(far, protocol, rng.choice(PORTS), icmp=kind, **{near: INSIDE[version]})


def deciding(entries: list[Entry], packet: Packet) -> tuple[bool, int]:
    """The entry that a packet counts to, `*` included."""
    entry = decide(entries, packet).deciding
    return packet.egress, entry.rule_number if entry else CATCH_ALL + packet.ipv6


class Wire:
    """The process that sends packets through the range."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def send(self, packets: dict[int, Packet]) -> set[int]:
        """The serials of those that came through."""
        assert self.process.stdin is not None and self.process.stdout is not None
        told = [
            {
                "serial": serial,
                "egress": packet.egress,
                "source": packet.source,
                "destination": packet.destination,
                "protocol": int(packet.protocol),
                "port": packet.port,
                "icmp": packet.icmp,
            }
            for serial, packet in packets.items()
        ]
        print(json.dumps(told), file=self.process.stdin, flush=True)
        return set(json.loads(self.process.stdout.readline()))


@pytest.fixture
def wire(network: Range) -> Iterator[Wire]:
    with python("packet_peer.py", str(network.holder_pid), str(keeper_pid(network)), stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        sender = Wire(process)
        warm_up(network, sender)
        yield sender
        assert process.stdin is not None
        process.stdin.close()


def warm_up(network: Range, wire: Wire) -> None:
    """Send until neighbours know each other: until then the kernel keeps packets back."""
    network.apply(ALLOW_ALL)
    packets = {
        2 * version + egress: make(FAR[version].split()[0], "udp", 9, **{near: INSIDE[version]})
        for version in (4, 6)
        for egress, make, near in ((1, Packet.outbound, "source"), (0, Packet.inbound, "destination"))
    }
    for _ in range(100):
        if wire.send(packets) == set(packets):
            return
    raise AssertionError("the neighbours do not know each other")


def test_500_random_network_acls_decide_real_packets_as_the_evaluator_does(network: Range, wire: Wire):
    rng, serial, differences = random.Random(SEED), 1000, []
    for number in range(NETWORK_ACLS):
        entries = random_network_acl(rng)
        packets = {serial + place: random_packet(rng) for place in range(PACKETS_EACH)}
        serial += PACKETS_EACH
        network.apply(entries)
        before = network.packets()
        arrived = wire.send(packets)
        for key, packet in packets.items():
            if (key in arrived) != decide(entries, packet).allowed:
                differences.append((number, packet, decide(entries, packet)))
        counted = {key: count - before[key] for key, count in network.packets().items()}
        expected = collections.Counter(deciding(entries, packet) for packet in packets.values())
        if {key: count for key, count in counted.items() if count} != expected:
            differences.append((number, counted, expected))

    assert differences[:3] == []


@pytest.mark.parametrize("fault", ["port", "side", "order", "action"])
def test_the_comparison_would_find_a_fault(network: Range, wire: Wire, fault: str):
    right = [Entry(10, True, "deny", "6", "203.0.113.0/24", (80, 80)), Entry(20, True, "allow", "-1", "0.0.0.0/0")]
    wrong = {
        "port": [Entry(10, True, "deny", "6", "203.0.113.0/24", (81, 81)), right[1]],
        "side": [Entry(10, False, "deny", "6", "203.0.113.0/24", (80, 80)), right[1]],
        "order": [Entry(30, True, "deny", "6", "203.0.113.0/24", (80, 80)), right[1]],
        "action": [Entry(10, True, "allow", "6", "203.0.113.0/24", (80, 80)), right[1]],
    }[fault]
    packet = Packet.outbound("203.0.113.10", "tcp", 80, source=INSIDE[4])
    network.apply(wrong)

    assert (1 in wire.send({1: packet})) != decide(right, packet).allowed


def test_entries_in_both_network_acls_stay_in_force_during_an_update(network: Range, wire: Wire):
    """Both deny one address, each by an entry of its own, and both allow another by the same entry."""
    first, second = (
        [Entry(number, True, "deny", "-1", "203.0.113.10/32"), *ALLOW_ALL] for number in (1, 2)
    )  # fmt: skip
    denied, let = (Packet.outbound(ip, "udp", 9, source=INSIDE[4]) for ip in ("203.0.113.10", "198.51.100.7"))
    packets = {serial: denied if serial % 2 else let for serial in range(4000)}
    network.apply(first)
    stop = switch_until_told(network, (second, first))
    arrived = wire.send(packets)
    switches = stop()

    assert arrived == {serial for serial, packet in packets.items() if packet is let}
    assert switches > 5


def switch_until_told(network: Range, network_acls: tuple[list[Entry], ...]) -> Callable[[], int]:
    """Switch between network ACLs in a thread; what is returned ends that, and says how often it was done."""
    ended, count = threading.Event(), collections.Counter[str]()

    def work() -> None:
        while not ended.is_set():
            network.apply(network_acls[count["switches"] % len(network_acls)])
            count["switches"] += 1

    thread = threading.Thread(target=work)
    thread.start()

    def stop() -> int:
        ended.set()
        thread.join()
        return count["switches"]

    return stop


def test_after_an_update_nothing_denied_passes(network: Range, wire: Wire):
    packet = Packet.outbound("203.0.113.10", "udp", 9, source=INSIDE[4])
    outcomes = []
    for serial in range(0, 200, 2):
        network.apply(ALLOW_ALL)
        passed = wire.send({serial: packet})
        network.apply([*ALLOW_ALL, Entry(1, True, "deny", "-1", "203.0.113.10/32")])
        outcomes.append((passed == {serial}, wire.send({serial + 1: packet})))

    assert set(map(str, outcomes)) == {"(True, set())"}
