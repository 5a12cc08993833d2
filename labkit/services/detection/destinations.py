"""The destinations of the alerts of one rule, read from the detection service.

The `dst_ip` among an alert's aggregates is its only destination. If the rule does not aggregate by it, the destinations
are in the alert's events, and new events may add more while the alert's window is open.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from labkit.model.detection.records import Alert
from labkit.model.errors import LabError, ServiceError
from labkit.model.response.messages import milliseconds
from labkit.model.response.plan import cidr_block_of
from labkit.model.response.response import Destination
from labkit.model.response.safe_addresses import parse_address
from labkit.services.detection.api import DetectionApi

OVERLAP_MS = 5_000
"""How far a quick read goes back before the newest alert seen: simultaneous alerts may become visible one by one."""

MOST_ALERTS_FOR_AGES = 1000


@dataclass(frozen=True)
class ReadResult:
    """The destinations of the alerts that were read. trouble: why the rest was not read; None if all were."""

    destinations: tuple[Destination, ...]
    trouble: LabError | None = None


class AlertDestinations:
    """The destinations of a rule's active alerts; what was read of an alert is kept while the alert is listed.

    look_back_seconds: how old an alert may be, unless there is no newer one: nobody may have answered it yet. The
    rule's window is enough: an event after an alert's window raises a new alert.
    """

    def __init__(self, detection: DetectionApi, rule_id: str, look_back_seconds: float) -> None:
        self._detection, self._rule_id = detection, rule_id
        self._look_back_ms = int(look_back_seconds * 1000)
        self._start_ms, self._round = 0, 0
        self._rounds: dict[str, int] = {}
        self._read: dict[str, tuple[Destination, ...]] = {}
        self._alerts: dict[str, Alert] = {}
        self._fresh: dict[str, None] = {}
        self._sources: dict[str, tuple[str, ...]] = {}

    def read(self, now_ms: int, since_ms: int | None = None) -> ReadResult:
        """Read every alert of the look-back time, or since an earlier moment if there was an outage.

        If there are none, read those of the look-back time before the newest alert.
        """
        self._start_ms = min(now_ms - self._look_back_ms, now_ms if since_ms is None else since_ms)
        before, self._alerts = self._alerts, {}
        trouble = self._take(self._start_ms)
        if trouble is None and not self._alerts:
            trouble = self._take_last()
        if trouble is None:
            self._read = {alert_id: self._read[alert_id] for alert_id in self._alerts}
            self._rounds = {alert_id: self._rounds[alert_id] for alert_id in self._alerts}
        else:
            self._alerts = before | self._alerts
        self._fresh = {}
        return ReadResult(self._of(self._alerts), trouble)

    def read_newest(self) -> ReadResult:
        """Read alerts newer than the newest one seen, and return them with those from the feed since the last read.

        The others are left out: they may have been dismissed meanwhile.
        """
        newest = max((milliseconds(alert.created_at) for alert in self._alerts.values()), default=0)
        trouble = self._take(max(self._start_ms, newest - OVERLAP_MS))
        fresh, self._fresh = self._fresh, {}
        return ReadResult(self._of(fresh), trouble)

    def take_in(self, alerts: Iterable[Alert]) -> tuple[Destination, ...]:
        """The destinations of those alerts from a feed that are active and belong to the rule. Raises LabError."""
        active = [alert for alert in alerts if alert.rule_id == self._rule_id and not alert.dismissed]
        for alert in active:
            self._read[alert.id], self._rounds[alert.id] = self._destinations_of(alert), self._round
            self._alerts[alert.id] = alert
            self._fresh[alert.id] = None
        return self._of(alert.id for alert in active)

    def ages(self, cidr_blocks: Iterable[str]) -> dict[str, int]:
        """When the newest active alert for each of these single addresses was raised, if it can be found.

        Reads the aggregates of the newest thousand alerts, however old.
        """
        wanted, found = set(cidr_blocks), dict[str, int]()
        for alert in itertools.islice(self._detection.alerts(ruleId=self._rule_id), MOST_ALERTS_FOR_AGES):
            address = parse_address(dict(alert.aggregates).get("dst_ip", ""))
            if address is not None and (cidr := cidr_block_of(address)) in wanted:
                found.setdefault(cidr, milliseconds(alert.created_at))
                if found.keys() == wanted:
                    break
        return found

    def event_at_ms(self, destination: Destination) -> int | None:
        """When the program connected: the first event behind the alert with this destination."""
        if destination.event_at_ms is not None:
            return destination.event_at_ms
        wanted = parse_address(destination.address)
        events = _connections(self._detection.alert_events(destination.alert_id))
        return next((_timestamp(event) for event, address in events if parse_address(address) == wanted), None)

    def sources(self, alert_id: str) -> tuple[str, ...]:
        """The private addresses of the host whose agent saw it."""
        alert = self._alerts.get(alert_id)
        if alert is None or not alert.agent_id:
            return ()
        if alert.agent_id not in self._sources:
            self._sources[alert.agent_id] = self._detection.agent(alert.agent_id).private_addresses
        return self._sources[alert.agent_id]

    def _take_last(self) -> LabError | None:
        """Read the newest alert and those of the look-back time before it; return the error, if any."""
        try:
            newest = next(self._detection.alerts(ruleId=self._rule_id), None)
        except LabError as error:
            return None if error.code == "404" else error
        return None if newest is None else self._take(milliseconds(newest.created_at) - self._look_back_ms)

    def _take(self, start_ms: int) -> LabError | None:
        """Read the alerts since a moment; return the error that ended it early, if any."""
        # Whole seconds: every version of the service accepts this form of a time.
        from_ = f"{datetime.fromtimestamp(start_ms // 1000, UTC):%Y-%m-%dT%H:%M:%S}"
        try:
            listed = list(self._detection.alerts(ruleId=self._rule_id, from_=from_))
        except LabError as error:
            return None if error.code == "404" else error  # some lists of the service answer so when empty
        # The least recently read come first, so that under a rate limit each alert gets its turn.
        listed.sort(key=lambda alert: self._rounds.get(alert.id, 0))
        self._round += 1
        try:
            for alert in listed:
                if alert.id not in self._read or not _address_of(alert):
                    self._read[alert.id], self._rounds[alert.id] = self._destinations_of(alert), self._round
        except LabError as error:
            return error
        finally:
            self._alerts |= {alert.id: alert for alert in listed}
            self._fresh |= {alert.id: None for alert in listed}
        return None

    def _destinations_of(self, alert: Alert) -> tuple[Destination, ...]:
        at_ms, address = milliseconds(alert.created_at), _address_of(alert)
        if address:
            return (Destination(address, alert.id, at_ms),)
        try:
            events = self._detection.alert_events(alert.id)
        except ServiceError as error:
            if error.code == "404":  # events are kept for three days, alerts for a year
                return ()
            raise
        found: dict[str, Destination] = {}
        for event, address in _connections(events):
            found.setdefault(address, Destination(address, alert.id, at_ms, _timestamp(event)))
        return tuple(found.values())

    def _of(self, alerts: Iterable[str]) -> tuple[Destination, ...]:
        return tuple(each for alert_id in alerts for each in self._read.get(alert_id, ()))


def _address_of(alert: Alert) -> str:
    """The destination among the alert's aggregates; "" if there is none."""
    address = dict(alert.aggregates).get("dst_ip", "")
    return address if parse_address(address) is not None else ""


def _connections(events: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], str]]:
    """The connection events, each with its destination."""
    for event in events:
        address = (event.get("connection") or {}).get("dst_addr")
        if address:
            yield event, str(address)


def _timestamp(event: Mapping[str, Any]) -> int | None:
    at_ms = event.get("timestamp")
    return int(at_ms) if isinstance(at_ms, int | float) else None
