"""Which dropped packets are told of a program that ran on the host."""

from __future__ import annotations

from labkit.lab.part_3_host import not_left_over
from labkit.model.host.records import Connection, DroppedPacket, Program

STARTED = 100.0
CURL = Program(6315, 6171, 3, "pts0", 1000, 1000, "ubuntu", "ubuntu", "/usr/bin/curl", "/home/ubuntu", ("curl",))


def drop(address: str, egress: bool = True) -> DroppedPacket:
    ends = ("10.0.1.10", address) if egress else (address, "10.0.1.10")
    return DroppedPacket(STARTED, egress, 5, *ends, 6, 80)


def connection(address: str, time: float) -> Connection:
    return Connection(time, address, 80, "tcp", CURL)


def test_what_an_earlier_program_left_open_is_not_attributed_to_the_next_one() -> None:
    drops = [drop("192.0.2.123"), drop("192.0.2.123", egress=False), drop("203.0.113.10")]
    connections = [connection("192.0.2.123", 90.0), connection("203.0.113.10", 101.0)]
    assert not_left_over(drops, connections, STARTED) == [drop("203.0.113.10")]


def test_an_address_that_both_connected_to_and_one_that_nobody_asked_to_connect_to_are_reported() -> None:
    drops = [drop("203.0.113.10"), drop("198.51.100.7")]
    connections = [connection("203.0.113.10", 90.0), connection("203.0.113.10", 101.0)]
    assert not_left_over(drops, connections, STARTED) == drops
