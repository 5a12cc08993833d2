"""The responder: rounds that read alerts, plan deny entries, apply the plan and announce what is new.

Each round reads the active alerts of one rule and the entries of one network ACL, and depends on no earlier round; only
what was announced is remembered. So a responder may be killed, restarted, and run twice at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from labkit.model.detection.records import Alert
from labkit.model.errors import LabError, ServiceError
from labkit.model.network_acl import Entry, NetworkAcl
from labkit.model.response.messages import Message
from labkit.model.response.plan import cidr_block_of, plan
from labkit.model.response.response import Add, Destination, Keep, Outcome, Plan, Refuse, Remove, Replace, own_entries
from labkit.model.response.safe_addresses import SafeNetwork, parse_address
from labkit.responder.alert_listener import AlertListener, Wait
from labkit.responder.announcer import Announcer, Done
from labkit.responder.faults import is_final, network_acl_gone
from labkit.services import aws
from labkit.services.detection.api import DetectionApi
from labkit.services.detection.destinations import AlertDestinations

INTERVAL_SECONDS = 10.0
LOOK_BACK_SECONDS = 3600.0
OVERLAP_MS = 300_000
"""After an outage, a round looks back this far before the last good one: the original's window of five minutes."""

TRIES = 6
DETECTION, AWS = "The detection service", "AWS"
_OVERTAKEN = {"NetworkAclEntryAlreadyExists", "InvalidNetworkAclEntry.NotFound", "NetworkAclEntryLimitExceeded"}


class Responder:
    """Denies, in one network ACL, the destinations of the active alerts of one rule.

    safe: what is never denied, asked for in each round. emit: takes each message, once. look_back_seconds: how old an
    alert may be, at least the rule's window. wait: returns when the service has new alerts; without it, or while it
    raises LabErrors, alerts are polled every interval_seconds. find: which network ACL to write to now, if another
    may take its place. Use one `run` at a time; another may run elsewhere.

    AWS cannot change an entry on the condition that it is unchanged. So another writer's entry is overwritten if it
    replaces one of the responder's in the milliseconds between the check and the change.
    """

    def __init__(
        self,
        ec2: Any,
        network_acl_id: str,
        detection: DetectionApi,
        rule_id: str,
        safe: Callable[[], Sequence[SafeNetwork]],
        emit: Callable[[Message], None],
        *,
        interval_seconds: float = INTERVAL_SECONDS,
        look_back_seconds: float = LOOK_BACK_SECONDS,
        wait: Wait | None = None,
        find: Callable[[], NetworkAcl] | None = None,
    ) -> None:
        self.network_acl_id, self.rule_id = network_acl_id, rule_id
        self.network_acl: NetworkAcl | None = None
        self._ec2, self._safe, self._emit, self._wait, self._find = ec2, safe, emit, wait, find
        self._alerts = AlertDestinations(detection, rule_id, max(look_back_seconds, OVERLAP_MS / 1000))
        self._interval_seconds, self._stop, self._lock = interval_seconds, threading.Event(), threading.RLock()
        self._ages: dict[str, int] | None = None
        self._last_good_ms: int | None = None
        self._announcer, self._done = Announcer(emit, self._alerts), list[Done]()
        self._asked, self._away, self._failures = DETECTION, set[str](), 0

    def look(self) -> Plan:
        """The plan of a round now; nothing is changed. Raises LabError."""
        with self._lock:
            reading = self._alerts.read(_now_ms(), self._last_good_ms)
            if reading.trouble is not None:
                raise reading.trouble
            return self._plan(reading.destinations)

    def run_once(self, news: Sequence[Alert] | None = None) -> Plan:
        """One round: read the alerts, plan, apply, announce; returns the plan that was applied.

        news: the alerts from a feed. They are handled first, then those newer than the newest seen are read; without
        `news`, all alerts of the look-back time are read. What was read before a service failed is still applied.
        Raises LabError.
        """
        with self._lock:
            started_ms, made, self._done, full = _now_ms(), None, [], news is None
            try:
                self._add_now(news or ())
                self._asked = DETECTION
                reading = self._alerts.read(started_ms, self._last_good_ms) if full else self._alerts.read_newest()
                if reading.trouble is None:
                    self._answered(DETECTION)
                made = self._plan_and_apply(reading.destinations)
            finally:
                self._announcer.announce(self._done, made, full)
            if reading.trouble is not None:
                self._asked = DETECTION
                raise reading.trouble
            self._last_good_ms, self._failures = started_ms - OVERLAP_MS, 0
            return made

    def run(self, stop: threading.Event) -> None:
        """Round after round until `stop` is set, which is also set when this ends by itself.

        It waits for a service that does not answer, fails or limits the rate, and says so once. Raises LabError for
        what waiting does not fix: keys that are refused, a network ACL that no longer exists.
        """
        self._stop = stop
        feed = ", and at once if the service announces them" if self._wait is not None else ""
        about = f"It reads the alerts of rule {self.rule_id} every {self._interval_seconds:g} s{feed}."
        writes = f"The responder writes to {self.network_acl_id}."
        self._emit(Message("started", f"{writes} {about}", plain=writes))
        try:
            self._run_rounds(stop, AlertListener(self._wait, self._interval_seconds, stop))
        except LabError as error:
            self._emit(Message("ended", f"The responder has ended. {error}"))
            raise
        finally:
            stop.set()
            self._stop = threading.Event()
        self._emit(Message("ended", "The responder was stopped. Its entries stay."))

    def cleanup(self) -> tuple[Entry, ...]:
        """Delete the responder's own entries and no others; return them. Raises LabError if some remain."""
        with self._lock:
            removed = [entry for entry in self.own() if self._delete_if_unchanged(entry)]
            for entry in removed:
                self._emit(Message("removed", Remove(entry, "cleaning up.").sentence, entry.cidr_block, entry=entry))
            if left := self.own():
                numbers = ", ".join(f"entry {entry.rule_number}" for entry in left)
                raise LabError(
                    f"Not all entries are gone: {numbers} of {self.network_acl_id} remain.",
                    "A responder is still running somewhere and adds them again.",
                    "Stop it, then clean up again.",
                )
            return tuple(removed)

    def own(self) -> tuple[Entry, ...]:
        """The responder's own entries now. Raises LabError."""
        return own_entries(self._describe().entries)

    # --- rounds ---

    def _run_rounds(self, stop: threading.Event, news: AlertListener) -> None:
        came: list[Alert] | None = None
        due = 0.0
        while not stop.is_set():
            try:
                if came is not None:
                    self.run_once(came)
                if time.monotonic() >= due:
                    self.run_once()
                    due = time.monotonic() + self._interval_seconds
            except LabError as error:
                if is_final(error):
                    raise
                stop.wait(self._seconds_to_wait(error))
                came, due = None, 0.0
            else:
                came = news.wait(due - time.monotonic())

    def _seconds_to_wait(self, error: LabError) -> float:
        """How long to wait after an error: as long as the service asks, else longer each time. Announces it once."""
        asked = error.retry_after_seconds if isinstance(error, ServiceError) else None
        self._failures += 1
        if self._asked not in self._away:
            self._away.add(self._asked)
            then = "Trying again." if asked is None else f"Asked to wait {max(1, round(asked))} s."
            self._emit(Message("trouble", f"{error.what} {then}"))
        return asked + 0.05 if asked is not None else min(self._interval_seconds, 0.25 * 2 ** min(self._failures, 10))

    def _answered(self, service: str) -> None:
        if service in self._away:
            self._away.remove(service)
            self._emit(Message("answers again", f"{service} answers again."))

    # --- plan and apply ---

    def _plan_and_apply(self, destinations: Sequence[Destination]) -> Plan:
        """Plan and apply; if another writer was faster, read the entries and plan again."""
        for tried in range(1, TRIES + 1):
            made = self._plan(destinations)
            try:
                for outcome in made.outcomes:
                    if self._stop.is_set():
                        break
                    self._apply(outcome)
            except ServiceError as error:
                if error.code not in _OVERTAKEN or tried == TRIES:
                    raise
            else:
                break
        self._answered(AWS)
        return made

    def _add_now(self, news: Sequence[Alert]) -> None:
        """Add entries for these alerts at the numbers last known to be free, which saves some milliseconds.

        The full plan that follows reads the entries and corrects what has changed since.
        """
        if not news or self.network_acl is None:
            return
        self._asked = DETECTION
        destinations = self._alerts.take_in(news)
        self._asked = AWS
        try:
            for outcome in plan(destinations, self.network_acl.entries, self._safe(), ages=self._ages).outcomes:
                if isinstance(outcome, Add) and not self._stop.is_set():
                    self._apply(outcome)
        except ServiceError as error:
            if error.code not in _OVERTAKEN:
                raise

    def _plan(self, destinations: Sequence[Destination]) -> Plan:
        self._asked = AWS
        entries = self._describe().entries
        self._update_ages(entries, destinations)
        return plan(destinations, entries, self._safe(), ages=self._ages)

    def _update_ages(self, entries: Sequence[Entry], destinations: Sequence[Destination]) -> None:
        """Note when the alert of each own entry was raised; entries older than this responder are looked up once."""
        own = {entry.cidr_block for entry in own_entries(entries)}
        if self._ages is None:
            self._asked = DETECTION
            self._ages = self._alerts.ages(own) if own else {}
            self._asked = AWS
        ages = {cidr: at_ms for cidr, at_ms in self._ages.items() if cidr in own}
        for each in destinations:
            if (address := parse_address(each.address)) is not None and (cidr := cidr_block_of(address)) in own:
                ages[cidr] = max(each.alerted_at_ms, ages.get(cidr, 0))
        self._ages = ages

    def _describe(self) -> NetworkAcl:
        """The network ACL to write to. Another one that took its place is announced, and used from now on."""
        try:
            found = self._find() if self._find else aws.describe_network_acls(self._ec2, ids=[self.network_acl_id])[0]
        except LabError as error:
            if not error.code.startswith("InvalidNetworkAclID"):
                raise
            raise network_acl_gone(self.network_acl_id, error.code) from error
        if found.id != self.network_acl_id:
            self._emit(Message("trouble", f"{found.id} filters your host now: entries go there."))
            self._take_back_from(self.network_acl_id)
            self.network_acl_id = found.id
        self.network_acl = found
        return found

    def _take_back_from(self, network_acl_id: str) -> None:
        """Delete what this round added to a network ACL that no longer filters; the plan adds it to the new one."""
        done, self._done = self._done, []
        for outcome, _ in done:
            if isinstance(outcome, Add):
                with suppress(ServiceError):  # it may be gone already, with its network ACL
                    aws.delete_entry(self._ec2, network_acl_id, outcome.entry.rule_number, egress=True)

    def _apply(self, outcome: Outcome) -> None:
        match outcome:
            case Add(_, entry):
                aws.create_entry(self._ec2, self.network_acl_id, entry)
            case Replace(_, old, new, _) if old.rule_number == new.rule_number:
                self._require_unchanged(old)
                aws.replace_entry(self._ec2, self.network_acl_id, new)
            case Replace(_, old, new, _):
                self._delete(old)
                aws.create_entry(self._ec2, self.network_acl_id, new)
            case Remove(entry, _):
                self._delete(entry)
        self._done.append(Done(outcome, _now_ms()))
        if self.network_acl is not None and not isinstance(outcome, Keep | Refuse):
            entries = Plan((outcome,)).carried_out(self.network_acl.entries)
            self.network_acl = replace(self.network_acl, entries=entries)

    def _require_unchanged(self, entry: Entry) -> None:
        """Raise ServiceError unless an own entry is still there: another writer may have taken its number."""
        there = self._describe()
        if entry not in there.entries:
            raise ServiceError(f"Entry {entry.rule_number} has changed.", code="InvalidNetworkAclEntry.NotFound")

    def _delete(self, entry: Entry) -> None:
        self._require_unchanged(entry)
        aws.delete_entry(self._ec2, self.network_acl_id, entry.rule_number, egress=True)

    def _delete_if_unchanged(self, entry: Entry) -> bool:
        try:
            self._delete(entry)
        except ServiceError as error:
            if error.code in _OVERTAKEN:
                return False
            raise
        return True


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
