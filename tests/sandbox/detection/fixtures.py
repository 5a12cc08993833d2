"""A detection service on a port of its own, and requests signed by mohawk alone: our client proves nothing here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from mohawk import Sender

from labkit.sandbox.detection import seed_data
from labkit.sandbox.detection.api.app import create_detection_app
from labkit.sandbox.detection.api.rate_limit import RateLimit
from labkit.sandbox.detection.store.alerts import NewAlert
from labkit.sandbox.detection.store.engine import KeptEvent
from labkit.sandbox.detection.store.store import DetectionStore
from labkit.services.detection.api import DetectionApi
from tests.serving import serving
from tests.wait import PATIENCE_SECONDS

RULESETS = "/v2/rulesets"
RULES = f"{RULESETS}/{seed_data.BASE_RULE_SET_ID}/rules"
PRECREATED = f"{RULES}/{seed_data.PRECREATED_RULE_ID}"


@dataclass
class Service:
    """A detection service that answers, its store, and a user of it."""

    url: str
    store: DetectionStore
    user_id: str
    api_key: str = field(repr=False)
    organization_id: str = seed_data.ORGANIZATION_ID
    session: requests.Session = field(default_factory=requests.Session)

    def sender(self, method: str, path: str, **hawk: Any) -> Sender:
        """A signature as mohawk makes it; `hawk` overrides its arguments, `id`, `key` and `url` included."""
        credentials = {"id": hawk.pop("id", self.user_id), "key": hawk.pop("key", self.api_key), "algorithm": "sha256"}
        url = hawk.pop("url", self.url) + path
        given = {"ext": self.organization_id, "always_hash_content": False} | hawk
        return Sender(credentials, url, method, **given)

    def send(self, sender: Sender, method: str, path: str, content: bytes = b"", **headers: str) -> requests.Response:
        """Send what was signed; `content` and headers are free to differ from it."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named["Authorization"] = sender.request_header
        return self.session.request(
            method, self.url + path, data=content or None, headers=named, timeout=PATIENCE_SECONDS
        )

    def get(self, path: str) -> requests.Response:
        """A GET, signed without a hash as the service's own clients do."""
        return self.send(self.sender("GET", path), "GET", path)

    def delete(self, path: str) -> requests.Response:
        """A DELETE, signed without a hash."""
        return self.send(self.sender("DELETE", path), "DELETE", path)

    def post(self, path: str, body: object, method: str = "POST") -> requests.Response:
        """A POST of JSON, signed with its hash."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sender = self.sender(method, path, content=content, content_type="application/json")
        return self.send(sender, method, path, content, Content_Type="application/json")

    def put(self, path: str, body: object) -> requests.Response:
        """A PUT of JSON, signed with its hash."""
        return self.post(path, body, "PUT")

    def as_member(self, email: str) -> Service:
        """The same service to another member."""
        user = self.store.people.find_user(email)
        return Service(self.url, self.store, user.id, user.api_key, self.organization_id)

    def api(self, **more: Any) -> DetectionApi:
        """Our client to it."""
        return DetectionApi(self.url, self.user_id, self.api_key, self.organization_id, **more)

    def add_alerts(self, number: int, created_at: int = 1_795_000_000_000, **fields: Any) -> list[str]:
        """Put alerts in, each a second after the other; returns their ids, newest first."""
        alert = {"title": "a title", "severity": 3, "rule_id": seed_data.PRECREATED_RULE_ID} | fields
        with self.store.transaction():
            ids = [
                self.store.alerts.insert_alert(
                    NewAlert(
                        organization_id=self.organization_id,
                        ruleset_id=seed_data.BASE_RULE_SET_ID,
                        created_at=created_at + 1000 * n,
                        **alert,
                    )
                )
                for n in range(number)
            ]
        return ids[::-1]


def add_events(store: DetectionStore, alert_id: str, *events: Mapping[str, Any]) -> None:
    """Keep raw events, and note that they contributed to an alert."""
    with store.transaction():
        for event in events:
            kept = KeptEvent(event["_id"], seed_data.ORGANIZATION_ID, event["timestamp"], event)
            store.engine.keep(kept)
            store.database.insert("alert_event", {"alert_id": alert_id, "event_id": kept.id})


@contextmanager
def a_service(folder: Path, rate_limit: RateLimit | None = None) -> Iterator[Service]:
    """A service whose file is in a folder."""
    store = DetectionStore(folder / "world" / "detection.sqlite")
    with serving(create_detection_app(store, rate_limit)) as url:
        service = Service(url, store, **store.credentials())
        yield service
        service.session.close()
    store.close()


@pytest.fixture
def detection_service(tmp_path: Path) -> Iterator[Service]:
    """A detection service with the world as it starts."""
    with a_service(tmp_path) as service:
        yield service


@pytest.fixture(scope="session")
def detection_unchanged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A detection service for the tests that change nothing: one for all of them."""
    with a_service(tmp_path_factory.mktemp("detection")) as service:
        yield service


@pytest.fixture
def detection_api(detection_service: Service) -> DetectionApi:
    """Our client to that service."""
    return detection_service.api()


def items(response: requests.Response, noun: str) -> list[dict[str, Any]]:
    """The items of a list reply, which must be of the published shape."""
    assert response.status_code == 200
    document = response.json()
    assert set(document) == {noun, "token"}
    return document[noun]


def errors(response: requests.Response) -> list[str]:
    """The texts of a refusal, which must be of the published shape."""
    assert response.status_code >= 400
    document = response.json()
    assert set(document) == {"errors"}
    return document["errors"]


def all_pages(service: Service, path: str, noun: str, next_path: Callable[[str], str]) -> list[list[dict[str, Any]]]:
    """Every page of a list; `next_path` makes the next request's path of a token."""
    pages, response = [], service.get(path)
    while True:
        pages.append(items(response, noun))
        token = response.json()["token"]
        if token is None:
            return pages
        assert isinstance(token, str)
        response = service.get(next_path(token))
