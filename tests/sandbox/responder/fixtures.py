"""A responder between a network ACL of the sandbox and a detection service that a test can make fail."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from labkit.model.detection.event import connect_event
from labkit.model.network_acl import Entry
from labkit.model.response.messages import Message
from labkit.model.response.response import own_entries
from labkit.model.response.safe_addresses import never_deny
from labkit.responder import Responder
from labkit.sandbox.detection import seed_data
from labkit.sandbox.detection.api.app import create_detection_app
from labkit.sandbox.detection.api.rate_limit import RateLimit
from labkit.sandbox.detection.store.alerts import NewAlert
from labkit.sandbox.detection.store.store import DetectionStore
from labkit.sandbox.detection.timestamps import now_ms
from labkit.sandbox.ids import new_id
from labkit.services import aws as ec2_client
from tests.sandbox.detection.fixtures import Service, add_events
from tests.serving import serving
from tests.wait import PATIENCE_SECONDS

RULE_ID = seed_data.PRECREATED_RULE_ID


def raise_alert(
    store: DetectionStore, *addresses: str, rule_id: str = RULE_ID, at_ms: int | None = None, aggregated: bool = True
) -> str:
    """An alert as the engine would raise it, with an event a destination; the alert's id. None is left half-made.

    aggregated: whether the rule aggregates by destination, as the lab's does.
    """
    at_ms = now_ms() if at_ms is None else at_ms
    aggregates = {"user": "ubuntu", "exe": "/usr/bin/curl"} | ({"dst_ip": addresses[0]} if aggregated else {})
    with store.transaction():
        alert_id = store.alerts.insert_alert(
            NewAlert(
                seed_data.ORGANIZATION_ID,
                "connected",
                3,
                rule_id,
                seed_data.BASE_RULE_SET_ID,
                at_ms,
                agent_id=seed_data.LAB_AGENT_ID,
                aggregates=aggregates,
            )
        )
        for address in addresses:
            add_event(store, alert_id, address, at_ms - 5)
    return alert_id


def add_event(store: DetectionStore, alert_id: str, address: str, at_ms: int) -> None:
    """One more event behind an alert."""
    event = {**connect_event(address), "_id": new_id(), "timestamp": at_ms, "agent_id": seed_data.LAB_AGENT_ID}
    add_events(store, alert_id, event)


@dataclass
class Faults:
    """A detection service's app that answers with a fault while there is one. asked: the paths it was asked for."""

    app: Any
    status: str = ""
    asked: list[str] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        self.asked.append(environ["PATH_INFO"])
        if not self.status:
            return self.app(environ, start_response)
        start_response(self.status, [("Content-Type", "text/plain"), ("Content-Length", "0")])
        return [b""]


@dataclass
class Scene:
    """What a test of the responder has in its hands."""

    service: Service
    faults: Faults
    ec2: Any
    network_acl_id: str
    said: list[Message] = field(default_factory=list)

    @property
    def store(self) -> DetectionStore:
        return self.service.store

    @property
    def sentences(self) -> list[str]:
        return [one.sentence for one in self.said]

    def kinds(self, *kinds: str) -> list[Message]:
        return [one for one in self.said if one.kind in kinds]

    def responder(self, listed: tuple[str, ...] = (), patience_seconds: float = 0.5, **more: Any) -> Responder:
        """A responder of its own, with clients of its own."""
        return Responder(
            self.ec2,
            self.network_acl_id,
            self.service.api(patience_seconds=patience_seconds),
            more.pop("rule_id", RULE_ID),
            lambda: never_deny(["10.7.0.0/16"], {"203.0.113.200": "AWS (EC2)"}, listed),
            self.said.append,
            **{"interval_seconds": 0.05} | more,
        )

    def entries(self) -> tuple[Entry, ...]:
        """All entries that are there now."""
        (found,) = ec2_client.describe_network_acls(self.ec2, ids=[self.network_acl_id])
        return found.entries

    def denied(self) -> dict[int, str]:
        """The responder's own entries: CIDR block by rule number."""
        return {entry.rule_number: entry.cidr_block for entry in own_entries(self.entries())}

    def make(self, number: int, cidr_block: str, action: str = "deny") -> None:
        """An entry of another writer."""
        ec2_client.create_entry(self.ec2, self.network_acl_id, Entry(number, True, action, "-1", cidr_block))


@contextmanager
def running(responder: Responder) -> Iterator[threading.Event]:
    """A responder that runs in a thread; the event stops it, and is set when it has ended."""
    stop, ended = threading.Event(), list[BaseException]()

    def run() -> None:
        try:
            responder.run(stop)
        except BaseException as error:  # noqa: BLE001  kept for the test to see
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()
    if ended:
        raise ended[0]


@pytest.fixture
def rate_limit() -> RateLimit:
    """As much as the sandbox allows; a test module may allow less."""
    return RateLimit(100_000)


@pytest.fixture
def scene(tmp_path: Path, ec2: Any, acl: str, rate_limit: RateLimit) -> Iterator[Scene]:
    """A network ACL as AWS makes it, and a detection service without alerts."""
    store = DetectionStore(tmp_path / "detection" / "detection.sqlite")
    faults = Faults(create_detection_app(store, rate_limit))
    with serving(faults) as url:
        service = Service(url, store, **store.credentials())
        yield Scene(service, faults, ec2, acl)
        service.session.close()
    store.close()
