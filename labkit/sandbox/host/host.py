"""The lab's host: a range, filtered by the network ACL of the host's subnet, whose connections become events.

An entry is in force before the call that creates it is answered.
"""

from __future__ import annotations

import ipaddress
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from labkit.files import disk_errors
from labkit.model.errors import LabError
from labkit.model.host.location import HostLocation, entries_at, refusal_text
from labkit.model.host.records import Connection, DenyInForce, DroppedPacket, ProgramOutput, ProgramResult
from labkit.model.network_acl import Entry
from labkit.model.response.response import own_entries
from labkit.range import dns
from labkit.range.paths import range_folder
from labkit.range.range import Range
from labkit.sandbox.host.connect_events import ConnectEvents

START_SECONDS = 90
"""How long a call waits for the range to start; it starts once AWS's side is loaded."""

SOURCE_ADDRESSES = (dns.HOST, dns.HOST_IPV6)
"""What the host connects from."""

_DENIES_KEPT = 256

log = logging.getLogger("labkit.sandbox.host")


class LabHost:
    """The range of one home, kept in step with AWS's side. It ends with this process.

    locate: where the host is now. send: takes the event of each connection. trouble: why `locate` may be out of date,
    in words; "" when it is not.
    """

    def __init__(
        self,
        home: Path,
        events: ConnectEvents,
        locate: Callable[[], HostLocation | None],
        send: Callable[[Mapping[str, Any]], object],
        trouble: Callable[[], str] = str,
    ) -> None:
        self._events, self._locate, self._send, self._trouble = events, locate, send, trouble
        self._range = Range(range_folder(home), self._connected)
        self._lock = threading.Lock()
        self._location: HostLocation | None = None
        self._moved_at = 0.0
        self._denies: deque[DenyInForce] = deque(maxlen=_DENIES_KEPT)
        self._fault = self._refused = ""
        self._started = threading.Event()

    def start(self) -> None:
        """Start the range with the present entries. If it cannot start, `status` says why."""
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
        """Restart a range whose keeper was killed, and retry entries that it refused; a range that never started is
        left alone."""
        if not self._started.is_set() or self._fault:
            return
        if not self._range.is_up:
            try:
                self._range.up()
            except LabError as error:  # retried in a second; until then, users of the range get the error
                log.warning("%s", error)
                return
        if self._refused:
            self.refresh()

    def refresh(self) -> None:
        """Put AWS's present entries in force. If the range or the disk refuses them, this is reported."""
        with suppress(LabError), disk_errors(self._range.folder):
            self.put_in_force()

    def put_in_force(self) -> None:
        """Put AWS's present entries in force. Raises LabError if they are others than before and the range refuses
        them."""
        with self._lock:
            wanted, began = self._locate(), time.time()
            try:
                self._range.apply(entries_at(wanted))
            except LabError as error:
                before, self._refused = self._refused, refusal_text(wanted, self._location, error.why)
                if before != self._refused:
                    log.warning("%s", self._refused)
                if entries_at(wanted) != entries_at(self._location):
                    raise LabError(self._refused) from error
                return
            if (wanted and wanted.key) != (self._location and self._location.key):
                self._moved_at = began
            else:
                self._note_denies(set(entries_at(wanted)) - set(entries_at(self._location)))
            self._location, self._refused = wanted, ""

    def _note_denies(self, new: set[Entry]) -> None:
        now, made = time.time(), self.connections()
        for entry in own_entries(new):
            address = entry.network.network_address
            known = [one.time for one in made if ipaddress.ip_address(one.ip) == address]
            self._denies.append(DenyInForce(now, entry.rule_number, str(address), known[-1] if known else None))
            self._range.show_at_prompts(self._denies[-1].sentence)

    @property
    def is_started(self) -> bool:
        """Whether `start` has finished, well or not."""
        return self._started.is_set()

    @property
    def behind(self) -> str:
        """Why the entries in force may not be those that AWS has, in words; "" when they are."""
        return " ".join(filter(None, (self._refused, self._trouble())))

    def status(self) -> dict[str, Any]:
        """The range's tier and why, where the host is, and how many packets each entry has decided."""
        self._started.wait(START_SECONDS)
        location, tier = self._location, self._range.status
        return {
            "tier": tier.tier,
            "words": str(tier),
            "fault": self._fault,
            "behind": self.behind,
            "folder": str(self._range.folder),
            "region": location.region if location else "",
            "subnet_id": location.subnet_id if location else "",
            "network_acl_id": location.network_acl.id if location else "",
            "packets": [
                {"egress": egress, "rule_number": number, "packets": count}
                for (egress, number), count in sorted(self._range.packets().items())
            ],
        }

    def drops(self, since: float) -> list[DroppedPacket]:
        """The packets that entries denied after this time, in seconds since 1970; oldest first."""
        return self._range.drops(since)

    def denies(self, since: float) -> list[DenyInForce]:
        """The deny entries for one address that came into force after this time; oldest first, 256 are kept."""
        return [deny for deny in tuple(self._denies) if deny.time > since]

    def connections(self) -> list[Connection]:
        """The last connections that programs asked for, oldest first.

        Those before the host moved are left out: the network ACL in force now did not filter them.
        """
        return [connection for connection in self._range.connections() if connection.time > self._moved_at]

    def follow(
        self, argv: Sequence[str], timeout_seconds: float
    ) -> Generator[ProgramOutput | ProgramResult, None, None]:
        """Run a program in the range: what it writes, then how it ended; closing the iterator ends it.

        Raises LabError if it is not installed or the range is not up.
        """
        self._started.wait(START_SECONDS)
        with closing(self._range.follow(argv, timeout_seconds)) as following:
            for each in following:
                yield each._replace(behind=self.behind) if isinstance(each, ProgramResult) else each

    def close(self) -> None:
        """End the range and every program in it."""
        self._range.down()

    def _connected(self, connection: Connection) -> None:
        self._send(self._events.event(connection))
