"""The lab's host: a range, filtered by the network ACL of the host's subnet; its connections become events.

An entry exists, so it is enforced: the range is told before the call that made the entry is answered.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from labkit.model.errors import LabError
from labkit.range import names
from labkit.range.facts import ConnectEvent
from labkit.range.paths import range_folder
from labkit.range.range import Range
from labkit.sandbox.host.connect_events import ConnectEvents
from labkit.sandbox.host.location import HostLocation, entries_at, not_taken

START_SECONDS = 90
"""The range comes up once it is known what filters it; who asks before waits so long at most."""

SOURCE_ADDRESSES = (names.HOST, names.HOST_IPV6)
"""What the host connects from."""

log = logging.getLogger("labkit.sandbox.host")


class SimulatedHost:
    """The range of one home, kept to what AWS's side says. Its life hangs on this process.

    look: where the host lives now, and what is to filter it. tell: takes the event of each connection. trouble: why
    `look` may not know what AWS has now, in words; "" when it does.
    """

    def __init__(
        self,
        home: Path,
        events: ConnectEvents,
        look: Callable[[], HostLocation | None],
        tell: Callable[[Mapping[str, Any]], object],
        trouble: Callable[[], str] = str,
    ) -> None:
        self._events, self._look, self._tell, self._trouble = events, look, tell, trouble
        self._range = Range(range_folder(home), self._connected)
        self._lock = threading.Lock()
        self._place: HostLocation | None = None
        self._moved_at = 0.0
        self._fault = self._refused = ""
        self._started = threading.Event()

    def start(self) -> None:
        """Bring the range up with the entries that are there. A range that cannot be had is told by `status`."""
        try:
            self._range.up()
            self._fault = ""
        except LabError as error:
            log.warning("%s", error)
            self._fault = str(error)
        try:
            self.refresh()
        finally:
            self._started.set()

    def ensure(self) -> None:
        """Bring the range up again if its keeper was killed, and let it try once more what it has refused; a range that
        was never up is left alone."""
        if not self._started.is_set() or self._fault:
            return
        if not self._range.is_up:
            try:
                self._range.up()
            except LabError as error:  # the next second tries again; who uses the range is told
                log.warning("%s", error)
                return
        if self._refused:
            self.refresh()

    def refresh(self) -> None:
        """Put the entries in force that AWS's side has now. What the range refuses is told by `status`."""
        with self._lock:
            wanted, began = self._look(), time.time()
            try:
                self._range.apply(entries_at(wanted))
            except LabError as error:
                said, self._refused = self._refused, not_taken(wanted, self._place, error.why)
                if said != self._refused:
                    log.warning("%s", self._refused)
                return
            if _where(wanted) != _where(self._place):
                self._moved_at = began
            self._place, self._refused = wanted, ""

    @property
    def is_started(self) -> bool:
        """Whether it was tried to bring it up, and what filters it was asked for."""
        return self._started.is_set()

    @property
    def behind(self) -> str:
        """Why what is in force may not be what AWS has, in words; "" when it is."""
        return " ".join(filter(None, (self._refused, self._trouble())))

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
            "behind": self.behind,
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
        return asdict(self._range.run(argv, timeout_seconds)) | {"behind": self.behind}

    def close(self) -> None:
        """End the range and every program in it."""
        self._range.down()

    def _connected(self, facts: ConnectEvent) -> None:
        self._tell(self._events.event(facts))


def _where(place: HostLocation | None) -> tuple[str, str] | None:
    """The subnet and the network ACL, whatever its entries."""
    return None if place is None else (place.subnet_id, place.network_acl.id)
