"""Carries out the responder's plan: alerts in, deny entries out.

It reads the world in each round (the active alerts of one rule, the entries of one network ACL) and needs no memory for
what it does; what it remembers is what it has said. So it may be killed, started again and started twice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from labkit.model.detection.records import Alert
from labkit.model.errors import CredentialsRefused, LabError, ServiceError, ServiceUnreachable
from labkit.model.network_acl import Entry, NetworkAcl
from labkit.model.response.messages import Message
from labkit.model.response.plan import cidr_block_of, plan
from labkit.model.response.response import Add, Destination, Keep, Outcome, Plan, Refuse, Remove, Replace, own_entries
from labkit.model.response.safe_addresses import SafeNetwork, parse_address
from labkit.responder.alert_listener import AlertListener, Wait
from labkit.responder.announcer import Announcer, Done
from labkit.services import aws
from labkit.services.detection.api import DetectionApi
from labkit.services.detection.destinations import AlertDestinations

INTERVAL_SECONDS = 10.0
LOOK_BACK_SECONDS = 3600.0
OVERLAP_MS = 300_000
"""After an outage a round looks back to before the last good one: the original's window of five minutes."""

TRIES = 6
DETECTION, AWS = "The detection service", "AWS"
_OVERTAKEN = {"NetworkAclEntryAlreadyExists", "InvalidNetworkAclEntry.NotFound", "NetworkAclEntryLimitExceeded"}
_FINAL = {"400", "403", "clock"}


class Responder:
    """Denies, in one network ACL, the destinations of the active alerts of one rule.

    safe: what is never denied, asked anew in each round. emit: takes each message once. look_back_seconds: how old an
    alert may be, at least the rule's window. wait: returns when the service has news; without it, or when it raises a
    LabError, alerts are polled every interval_seconds. Use one `run` at a time; another may run elsewhere.

    AWS has no way to change an entry only if it still is what it was. So another writer's entry could be overwritten if
    it took the place of an own entry in the milliseconds between the look and the change.
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
    ) -> None:
        self.network_acl_id, self.rule_id = network_acl_id, rule_id
        self.network_acl: NetworkAcl | None = None
        self._ec2, self._safe, self._emit, self._wait = ec2, safe, emit, wait
        self._alerts = AlertDestinations(detection, rule_id, max(look_back_seconds, OVERLAP_MS / 1000))
        self._interval_seconds = interval_seconds
        self._stop, self._lock = threading.Event(), threading.RLock()
        self._ages: dict[str, int] | None = None
        self._last_good_ms: int | None = None
        self._announcer, self._done = Announcer(emit, self._alerts), list[Done]()
        self._asked, self._away, self._failures = DETECTION, set[str](), 0

    def look(self) -> Plan:
        """What a round would do now; nothing is changed. Raises LabError."""
        with self._lock:
            reading = self._alerts.read(_now_ms(), self._last_good_ms)
            if reading.trouble is not None:
                raise reading.trouble
            return self._planned(reading.destinations)

    def run_once(self, news: Sequence[Alert] | None = None) -> Plan:
        """One round: read the alerts, carry out the plan, say what is new; the plan as it was carried out.

        news: what a feed has told of; these alerts come first, then those newer than the newest seen are looked for.
        Without it, all of the look-back time are read. What was read before a service failed is carried out all the
        same. Raises LabError.
        """
        with self._lock:
            started_ms, made, self._done, full = _now_ms(), None, [], news is None
            try:
                self._add_now(news or ())
                self._asked = DETECTION
                reading = self._alerts.read(started_ms, self._last_good_ms) if full else self._alerts.read_newest()
                if reading.trouble is None:
                    self._answered(DETECTION)
                made = self._carry_out(reading.destinations)
            finally:
                self._announcer.announce(self._done, made, full)
            if reading.trouble is not None:
                self._asked = DETECTION
                raise reading.trouble
            self._last_good_ms, self._failures = started_ms - OVERLAP_MS, 0
            return made

    def run(self, stop: threading.Event) -> None:
        """Round after round until `stop` is set; it is set, too, when this ends by itself.

        A service that goes away, fails or asks for patience is waited for, and that is said once. Raises LabError for
        what time does not mend: keys that are refused, a network ACL that is gone.
        """
        self._stop = stop
        feed = ", and at once where the service tells of them" if self._wait is not None else ""
        about = f"Alerts of rule {self.rule_id} are looked at every {self._interval_seconds:g} s{feed}."
        self._emit(Message("started", f"The responder watches over {self.network_acl_id}. {about}"))
        try:
            self._rounds(stop, AlertListener(self._wait, self._interval_seconds, stop))
        except LabError as error:
            self._emit(Message("ended", f"The responder has ended. {error}"))
            raise
        finally:
            stop.set()
            self._stop = threading.Event()
        self._emit(Message("ended", "The responder was stopped. Its entries stay."))

    def cleanup(self) -> tuple[Entry, ...]:
        """Delete the responder's own entries and no other; which they were. Raises LabError when some are left."""
        with self._lock:
            removed = [entry for entry in self.own() if self._deleted(entry)]
            for entry in removed:
                self._emit(Message("removed", Remove(entry, "cleaning up.").sentence, entry.cidr_block, entry=entry))
            left = self.own()
            if left:
                numbers = ", ".join(f"entry {entry.rule_number}" for entry in left)
                raise LabError(
                    f"Still there: {numbers} of {self.network_acl_id}.",
                    "A responder that runs somewhere makes them anew.",
                    "Stop it, then clean up again.",
                )
            return tuple(removed)

    def own(self) -> tuple[Entry, ...]:
        """The responder's own entries as they are now. Raises LabError."""
        return own_entries(self._described().entries)

    # --- rounds ---

    def _rounds(self, stop: threading.Event, news: AlertListener) -> None:
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
                if _is_final(error):
                    raise
                stop.wait(self._patience_seconds(error))
                came, due = None, 0.0
            else:
                came = news.wait(due - time.monotonic())

    def _patience_seconds(self, error: LabError) -> float:
        """How long to wait after a fault, as long as the service asks, else longer each time; it is said once."""
        asked = error.retry_after_seconds if isinstance(error, ServiceError) else None
        self._failures += 1
        if self._asked not in self._away:
            self._away.add(self._asked)
            then = f"Asked to wait {max(1, round(asked))} s." if asked is not None else "Trying again."
            self._emit(Message("trouble", f"{error.what} {then}"))
        return asked + 0.05 if asked is not None else min(self._interval_seconds, 0.25 * 2 ** min(self._failures, 10))

    def _answered(self, service: str) -> None:
        if service in self._away:
            self._away.remove(service)
            self._emit(Message("answers again", f"{service} answers again."))

    # --- the plan, made and carried out ---

    def _carry_out(self, destinations: Sequence[Destination]) -> Plan:
        """Carry out the plan; when another writer was faster, look again and make a new one."""
        for tried in range(1, TRIES + 1):
            made = self._planned(destinations)
            try:
                for outcome in made.outcomes:
                    if self._stop.is_set():
                        break
                    self._do(outcome)
            except ServiceError as error:
                if error.code not in _OVERTAKEN or tried == TRIES:
                    raise
            else:
                break
        self._answered(AWS)
        return made

    def _add_now(self, news: Sequence[Alert]) -> None:
        """Add what these alerts ask for where it was free when last looked: some milliseconds earlier than otherwise.

        What has changed meanwhile is found right after, when the whole plan is made of what is there now.
        """
        if not news or self.network_acl is None:
            return
        self._asked = DETECTION
        destinations = self._alerts.take_in(news)
        self._asked = AWS
        try:
            for outcome in plan(destinations, self.network_acl.entries, self._safe(), ages=self._ages).outcomes:
                if isinstance(outcome, Add) and not self._stop.is_set():
                    self._do(outcome)
        except ServiceError as error:
            if error.code not in _OVERTAKEN:
                raise

    def _planned(self, destinations: Sequence[Destination]) -> Plan:
        self._asked = AWS
        entries = self._described().entries
        self._know_ages(entries, destinations)
        return plan(destinations, entries, self._safe(), ages=self._ages)

    def _know_ages(self, entries: Sequence[Entry], destinations: Sequence[Destination]) -> None:
        """Remember how old each own entry's alert is; those made before this responder began are looked up once."""
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

    def _described(self) -> NetworkAcl:
        try:
            (self.network_acl,) = aws.describe_network_acls(self._ec2, ids=[self.network_acl_id])
        except ServiceError as error:
            if not error.code.startswith("InvalidNetworkAclID"):
                raise
            raise LabError(
                f"The network ACL {self.network_acl_id} is gone.",
                "It was deleted with its VPC, or it never was in this region.",
                "Create your VPC again if you need one, then start the responder again.",
                code=error.code,
            ) from error
        return self.network_acl

    def _do(self, outcome: Outcome) -> None:
        match outcome:
            case Add(_, entry):
                aws.create_entry(self._ec2, self.network_acl_id, entry)
            case Replace(_, old, new, _) if old.rule_number == new.rule_number:
                self._require(old)
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

    def _require(self, entry: Entry) -> None:
        """Look whether an own entry still is what it was: its number may be another writer's by now."""
        there = self._described()
        if entry not in there.entries:
            raise ServiceError(f"Entry {entry.rule_number} is another one now.", code="InvalidNetworkAclEntry.NotFound")

    def _delete(self, entry: Entry) -> None:
        self._require(entry)
        aws.delete_entry(self._ec2, self.network_acl_id, entry.rule_number, egress=True)

    def _deleted(self, entry: Entry) -> bool:
        try:
            self._delete(entry)
        except ServiceError as error:
            if error.code in _OVERTAKEN:
                return False
            raise
        return True


def _is_final(error: LabError) -> bool:
    """Whether trying again would not help. What is gone, refused or malformed stays so; all else may pass."""
    if isinstance(error, CredentialsRefused) or error.code in _FINAL:
        return True
    return not isinstance(error, ServiceError | ServiceUnreachable)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
