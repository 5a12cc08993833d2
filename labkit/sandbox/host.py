"""The lab's host: a range, filtered by the network ACL of the host's subnet; its connections become events.

An entry exists, so it is enforced: the range is told before the call that made the entry is answered.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from labkit.model.errors import LabError
from labkit.model.network_acl import Entry, NetworkAcl
from labkit.model.vpc import HOST_TAG
from labkit.range import names
from labkit.range.facts import ConnectEvent
from labkit.range.place import range_folder
from labkit.range.range import Range
from labkit.sandbox.aws_keys import ACCOUNT
from labkit.sandbox.aws_server import AwsApp
from labkit.sandbox.connect_events import ConnectEvents
from labkit.sandbox.detection_store import DetectionStore
from labkit.sandbox.engine import Engine

START_SECONDS = 30
"""The range comes up once AWS's side is loaded; who asks before waits so long at most."""

log = logging.getLogger("labkit.sandbox.host")

NOT_IN_A_SUBNET = tuple(
    Entry(number, egress, "allow", "-1", block)
    for egress in (False, True)
    for number, block in ((100, "0.0.0.0/0"), (101, "::/0"))
)
"""What filters the host while it lives in no subnet: nothing."""


@dataclass(frozen=True)
class Place:
    """Where the host lives, and the network ACL that is in force there."""

    region: str
    subnet_id: str
    network_acl: NetworkAcl


class Host:
    """The range of one home, kept to what AWS's side says. Its life hangs on this process."""

    def __init__(self, home: Path, store: DetectionStore, engine: Engine) -> None:
        self._events = ConnectEvents(store, source_addresses=(names.HOST, names.HOST_IPV6))
        self._engine = engine
        self._range = Range(range_folder(home), self._connected)
        self._lock = threading.Lock()
        self._place: Place | None = None
        self._moved_at = 0.0
        self._fault = ""
        self._started = threading.Event()

    def start(self, aws: AwsApp) -> None:
        """Bring the range up with the entries that are there. A range that cannot be had is told by `status`."""
        try:
            self._range.up()
            self._fault = ""
        except LabError as error:
            log.warning("%s", error)
            self._fault = str(error)
        try:
            self.refresh(aws)
        finally:
            self._started.set()

    def ensure(self) -> None:
        """Bring the range up again if its keeper was killed; a range that was never up is left alone."""
        if self._started.is_set() and not self._fault and not self._range.is_up:
            self._range.up()

    def refresh(self, aws: AwsApp) -> None:
        """Put the entries in force that AWS's side has now. Raises LabError when the range refuses them."""
        with self._lock:
            before, self._place = self._place, aws.read(_place)
            if _where(before) != _where(self._place):
                self._moved_at = time.time()
            self._range.apply(NOT_IN_A_SUBNET if self._place is None else self._place.network_acl.entries)

    def status(self) -> dict[str, Any]:
        """How far the range reaches and why, where the host lives, and what each entry has decided."""
        self._started.wait(START_SECONDS)
        place, reach = self._place, self._range.reach
        return {
            "tier": reach.tier,
            "words": str(reach),
            "why": reach.why,
            "next_step": reach.next_step,
            "fault": self._fault,
            "folder": str(self._range.folder),
            "region": place.region if place else None,
            "subnet_id": place.subnet_id if place else None,
            "network_acl_id": place.network_acl.id if place else None,
            "packets": [
                {"egress": egress, "rule_number": number, "packets": count}
                for (egress, number), count in sorted(self._range.packets().items())
            ],
        }

    def drops(self, since: float) -> list[dict[str, Any]]:
        """The packets that entries denied after this time, in seconds since 1970; oldest first."""
        return [asdict(drop) for drop in self._range.drops(since)]

    def connections(self) -> list[dict[str, Any]]:
        """Where programs asked to connect to and when, in seconds since 1970; oldest first, not for ever.

        What another network ACL filtered, or none, is left out: only the one in force can be blamed or thanked.
        """
        told = [one for one in self._range.connections() if one.time > self._moved_at]
        return [{"time": one.time, "ip": one.ip, "port": one.port, "protocol": one.protocol} for one in told]

    def run(self, argv: Sequence[str], timeout_seconds: float) -> dict[str, Any]:
        """How a program ended in the range. Raises LabError when it is not installed or the range is not up."""
        self._started.wait(START_SECONDS)
        return asdict(self._range.run(argv, timeout_seconds))

    def close(self) -> None:
        """End the range and every program in it."""
        self._range.down()

    def _connected(self, facts: ConnectEvent) -> None:
        self._engine.ingest([self._events.event(facts)])


def _where(place: Place | None) -> tuple[str, str] | None:
    """The subnet and the network ACL, whatever its entries."""
    return None if place is None else (place.subnet_id, place.network_acl.id)


def _place() -> Place | None:
    """The subnet with the host's tag, as moto has it now; the last one that was made, where there are several."""
    from moto.ec2.models import ec2_backends

    found: Place | None = None
    for region, backend in list(dict.items(ec2_backends[ACCOUNT])):
        for subnet in (each for zone in backend.subnets.values() for each in zone.values()):
            if any(tag["key"] == HOST_TAG for tag in subnet.get_tags()):
                found = Place(region, subnet.id, _network_acl(backend, subnet.id))
    return found


def _network_acl(backend: Any, subnet_id: str) -> NetworkAcl:
    for acl in backend.network_acls.values():
        if any(each.subnet_id == subnet_id for each in acl.associations):
            entries = tuple(_entry(entry) for entry in acl.entries)
            return NetworkAcl(acl.id, acl.vpc_id, acl.default, entries, (subnet_id,))
    raise LookupError(f"{subnet_id} has no network ACL")


def _entry(entry: Any) -> Entry:
    ports = (entry.port_range_from, entry.port_range_to)
    icmp = (entry.icmp_type, entry.icmp_code)
    return Entry(
        rule_number=int(entry.rule_number),
        egress=_truth(entry.egress),
        rule_action=entry.rule_action,
        protocol=str(entry.protocol),
        cidr_block=entry.ipv6_cidr_block or entry.cidr_block,
        port_range=None if None in ports else (int(ports[0]), int(ports[1])),
        icmp=None if None in icmp else (int(icmp[0]), int(icmp[1])),
    )


def _truth(value: Any) -> bool:
    """moto keeps what a request said, as text or as a boolean."""
    return str(value).lower() == "true"
