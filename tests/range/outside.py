"""Runs a command in a range while listening to all that leaves it: `outside.py FOLDER -- COMMAND…` prints JSON.

The whole takes place in a network namespace that plays this machine's outside: it has a device, a default route and a
neighbour, so that what leaves the range would leave there, and is heard. A packet sent outside on purpose shows that
the ear is open.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import sys
import threading
from pathlib import Path

from labkit.range import namespace
from labkit.range.range import Range
from tests.range.ranges import ALLOW_ALL
from tests.wait import until

CONTROL = "10.77.0.1"
WORLD = """\
link set lo up
link add out0 address 02:00:00:00:00:0a type veth peer name out1 address 02:00:00:00:00:0b
addr add 10.9.0.1/24 dev out0
addr add 2001:db8:9::1/64 dev out0 nodad
link set out0 up
link set out1 up
neigh add 10.9.0.2 lladdr 02:00:00:00:00:0b dev out0 nud permanent
neigh add 2001:db8:9::2 lladdr 02:00:00:00:00:0b dev out0 nud permanent
route add default via 10.9.0.2
route add ::/0 via 2001:db8:9::2
"""
ALL_PROTOCOLS = 3
IPV4, IPV6, ARP = 0x0800, 0x86DD, 0x0806


def destinations(frames: list[bytes]) -> list[str]:
    """Where the packets went; what the kernel says to its neighbours by itself is left out."""
    found = []
    for frame in frames:
        kind = int.from_bytes(frame[12:14], "big")
        if kind == IPV4:
            found.append(ipaddress.ip_address(frame[30:34]))
        elif kind == IPV6:
            found.append(ipaddress.ip_address(frame[38:54]))
    return [str(address) for address in found if not address.is_multicast and not address.is_link_local]


def listen() -> tuple[socket.socket, list[bytes]]:
    ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PROTOCOLS))
    ear.bind(("out1", ALL_PROTOCOLS))
    frames: list[bytes] = []

    def hear() -> None:
        while True:
            frames.append(ear.recv(2048))

    threading.Thread(target=hear, daemon=True).start()
    return ear, frames


if __name__ == "__main__":
    folder, command = sys.argv[1], sys.argv[3:]
    namespace.unshare_all()
    namespace.ip(WORLD)
    heard_by, frames = listen()
    network = Range(Path(folder))
    network.up()
    network.apply(ALLOW_ALL)
    ran = network.run(command, timeout_seconds=60)
    tier = network.tier
    network.down()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"control", (CONTROL, 9))
    until(lambda: CONTROL in destinations(frames))
    print(json.dumps({"tier": tier, "code": ran.code, "out": ran.out, "err": ran.err, "heard": destinations(frames)}))
