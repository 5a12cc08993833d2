"""Sends real packets through a range and says which arrive: a process in both its networks, driven by JSON lines.

A line holds packets, each `{serial, egress, source, destination, protocol, port, icmp}`; the reply is the serials that
came through. Nothing answers a packet, so that the range's counters count these alone. Arguments: the pids of the
host's holder and of the keeper.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import select
import socket
import struct
import sys
import time
from typing import Any

from labkit.range import namespace
from labkit.range.packets import drops
from labkit.range.packets.nft import open_nft
from tests.wait import PATIENCE_SECONDS

MARK = re.compile(rb"RNG!(....)", re.DOTALL)
FAR_HARDWARE_ADDRESS = bytes.fromhex("020000000001")
ETHER_TYPES = {4: 0x0800, 6: 0x86DD}
SENTINELS = {"egress": 0xFFFFFFF0, "ingress": 0xFFFFFFF1}
RESOLVER, HOST = "10.0.0.2", "10.0.1.10"
BUFFER_BYTES, LOG_GROUP = 1 << 22, 6
QUIET_HOST = """
table inet quiet {
  chain in { type filter hook prerouting priority -300; icmpv6 type { 135, 136 } accept; drop; }
  chain out { type filter hook output priority -300; icmpv6 type { 135, 136 } accept; drop; }
}
"""
QUIET_FAR = f"""
table inet quiet {{
  chain in {{
    type filter hook input priority 0; iifname lo accept; icmpv6 type {{ 135, 136 }} accept;
    log group {LOG_GROUP} snaplen 128; drop;
  }}
}}
"""
Packet = dict[str, Any]


class Peer:
    """Both ends of the link."""

    def __init__(self, holder: int, keeper: int) -> None:
        spaces = [os.open(f"/proc/{holder}/ns/{kind}", os.O_RDONLY) for kind in ("user", "net")]
        far = os.open(f"/proc/{keeper}/ns/net", os.O_RDONLY)
        namespace.enter(spaces)
        open_nft().run(QUIET_HOST)
        self.host = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        self.host.bind(("eth0", 3))
        self.host.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        namespace.enter([far])
        open_nft().run(QUIET_FAR)
        self.arrivals = drops.open_log(LOG_GROUP)
        self.arrivals.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        raw = ((4, socket.AF_INET), (6, socket.AF_INET6))
        self.far = {version: socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW) for version, family in raw}

    def exchange(self, packets: list[Packet]) -> list[int]:
        """The serials that came through; a packet that is never filtered follows each way, and tells the end."""
        for way, source, destination in (("egress", HOST, RESOLVER), ("ingress", RESOLVER, HOST)):
            last = {"serial": SENTINELS[way], "source": source, "destination": destination}
            packets = [*packets, {**last, "egress": way == "egress", "protocol": 17, "port": 9, "icmp": None}]
        for packet in packets:
            self.send(packet)
        return sorted(self.arrived())

    def send(self, packet: Packet) -> None:
        version = ipaddress.ip_address(packet["source"]).version
        if packet["egress"]:
            self.host.sendto(wire(packet), ("eth0", ETHER_TYPES[version], 0, 0, FAR_HARDWARE_ADDRESS))
            return
        try:
            self.far[version].sendto(wire(packet), (packet["destination"], 0))
        except PermissionError:  # a drop in the output hook is told to the sender
            return

    def arrived(self) -> set[int]:
        serials: set[int] = set()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not serials.issuperset(SENTINELS.values()):
            ready, _, _ = select.select([self.host, self.arrivals], [], [], deadline - time.monotonic())
            if not ready:
                raise TimeoutError("the last packets did not arrive")
            for sock in ready:
                data, origin = sock.recvfrom(65536)
                if sock is self.arrivals or origin[2] == socket.PACKET_HOST:
                    serials |= {struct.unpack(">I", found)[0] for found in MARK.findall(data)}
        return serials - set(SENTINELS.values())


def wire(packet: Packet) -> bytes:
    """The packet from its IP header on."""
    source, destination = (ipaddress.ip_address(packet[name]) for name in ("source", "destination"))
    body = payload(packet) + b"RNG!" + struct.pack(">I", packet["serial"])
    if source.version == 6:
        head = struct.pack(">IHBB", 0x60000000, len(body), packet["protocol"], 64)
        return head + source.packed + destination.packed + body
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), packet["serial"] & 0xFFFF, 0, 64, packet["protocol"], 0)
    head += source.packed + destination.packed
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + body


def payload(packet: Packet) -> bytes:
    if packet["protocol"] == 6:
        return struct.pack(">HHIIBBHHH", 4242, packet["port"], 1, 0, 0x50, 2, 512, 0, 0)
    if packet["protocol"] == 17:
        return struct.pack(">HHHH", 4242, packet["port"], 16, 0)
    if packet["icmp"]:
        return struct.pack(">BBHI", *packet["icmp"], 0, 0)
    return bytes(8)


def checksum(header: bytes) -> int:
    total = sum(struct.unpack(f">{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


if __name__ == "__main__":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # on one processor, packets arrive in the order sent
    peer = Peer(int(sys.argv[1]), int(sys.argv[2]))
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(peer.exchange(json.loads(line))), flush=True)
