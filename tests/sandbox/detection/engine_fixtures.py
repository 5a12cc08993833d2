"""A detection service with its engine and a clock that a test sets, as the sandbox serves them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests
from flask import Flask

from labkit.model.detection.event import connect_event
from labkit.sandbox.control import TOKEN_HEADER
from labkit.sandbox.detection import seed_data
from labkit.sandbox.detection.api.app import create_detection_app
from labkit.sandbox.detection.engine import Engine
from labkit.sandbox.detection.feed import control_blueprint
from labkit.sandbox.detection.store.store import DetectionStore
from labkit.sandbox.detection.timestamps import now_ms
from labkit.sandbox.dispatcher import Dispatcher
from labkit.sandbox.ids import new_id
from tests.sandbox.detection.fixtures import PRECREATED, RULES, Service, items
from tests.serving import serving
from tests.wait import PATIENCE_SECONDS

TOKEN = "the-token-of-this-test"
SECOND, HOUR, DAY = 1000, 3_600_000, 86_400_000


class Clock:
    """This moment in milliseconds, as a test has set it."""

    def __init__(self) -> None:
        self.now = now_ms()

    def __call__(self) -> int:
        return self.now


@dataclass
class Watched:
    """A detection service under test, with its engine and clock."""

    service: Service
    engine: Engine
    clock: Clock
    session: requests.Session = field(default_factory=requests.Session)

    @property
    def store(self) -> DetectionStore:
        return self.service.store

    def event(self, address: str = "203.0.113.10", **changes: Any) -> dict[str, Any]:
        """A connect of the lab's agent at this moment; None removes a key."""
        common = {"_id": new_id(), "timestamp": self.clock.now, "agent_id": seed_data.LAB_AGENT_ID}
        event = {**connect_event(address), **common, **changes}
        return {key: value for key, value in event.items() if value is not None}

    def send(self, *events: Mapping[str, Any]) -> dict[str, int]:
        """Put events in over HTTP; what came of them, without the zeros."""
        response = self.post(orjson.dumps(events))
        assert response.status_code == 200, response.text
        return {name: number for name, number in response.json().items() if number}

    def post(self, body: bytes, token: str = TOKEN) -> requests.Response:
        url = f"{self.service.url}/_lab/events"
        return self.session.post(url, data=body, headers={TOKEN_HEADER: token}, timeout=PATIENCE_SECONDS)

    def alerts(self, query: str = "") -> list[dict[str, Any]]:
        """The active alerts, newest first."""
        return items(self.service.get(f"/v2/alerts?status=active{query}"), "alerts")

    def events_of(self, alert: Mapping[str, Any]) -> list[dict[str, Any]]:
        return self.service.get(f"/v2/alerts/{alert['id']}/events").json()["events"]

    def change_rule(self, path: str = PRECREATED, **changes: Any) -> dict[str, Any]:
        """Change fields of a rule through the API; the lab's own unless told."""
        response = self.service.put(path, self.service.get(path).json() | changes)
        assert response.status_code == 200, response.text
        return response.json()

    def make_rule(self, **fields: Any) -> dict[str, Any]:
        """Another rule, enabled, like the lab's but for these fields."""
        body = self.service.get(PRECREATED).json() | {"enabled": True} | fields
        response = self.service.post(RULES, body)
        assert response.status_code == 200, response.text
        return response.json()


@contextmanager
def watching(folder: Path, clock: Clock) -> Iterator[Watched]:
    """The service whose world is in a folder."""
    store = DetectionStore(folder / "world" / "detection.sqlite")
    engine = Engine(store, clock)
    control = Flask("control")
    control.register_blueprint(control_blueprint(engine, TOKEN))
    detection = create_detection_app(store, engine=engine)
    with serving(Dispatcher(detection, detection, control, TOKEN)) as url:
        watched = Watched(Service(url, store, **store.credentials()), engine, clock)
        yield watched
        engine.close()
        watched.session.close()
        watched.service.session.close()
    store.close()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    """The world as it starts, with the lab's rule enabled."""
    with watching(tmp_path, Clock()) as watched:
        watched.change_rule(enabled=True)
        yield watched


def addresses(number: int, start: int = 0) -> Iterable[str]:
    """That many addresses of the internet, each once."""
    return (f"203.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" for n in range(start, start + number))
