"""Waits for alerts through the feed of the lab's own service; the published API has none."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labkit.model.detection.records import Alert
from labkit.model.errors import LabError, ServiceError
from labkit.services.detection import errors as detection_errors
from labkit.services.detection.api import DetectionApi

POLL_SECONDS = 10.0
"""How long the service holds one request; a stop is noticed only when it returns."""

_NO_FEED = {"404", "405", detection_errors.NOT_AUTHENTIC, detection_errors.NOT_JSON}


class NoFeed(LabError):
    """The detection service has no feed; alerts have to be polled."""


@dataclass(frozen=True)
class AlertChange:
    """An alert that is new or has another event. count: its events. event_at_ms: when the last one happened, in
    milliseconds since 1970."""

    alert: Alert
    count: int
    event_at_ms: int
    sequence: int


@dataclass(frozen=True)
class FeedReply:
    """What changed, and the number to continue from; no changes after a timeout."""

    after: int
    changes: tuple[AlertChange, ...] = ()


@dataclass
class AlertFeed:
    """The feed of one detection service, of all alerts or of one rule's. Not thread-safe."""

    api: DetectionApi
    rule_id: str = ""

    def position(self) -> int:
        """The number from which to wait for new alerts. Raises NoFeed or another LabError."""
        return int(self._ask(None, 0)["after"])

    def wait(self, after: int, stop: threading.Event, timeout_seconds: float = POLL_SECONDS) -> FeedReply:
        """What changed after this number, as soon as something changes; nothing after the timeout or `stop`.

        Raises NoFeed if there is no feed, and other LabErrors as the API does.
        """
        deadline = time.monotonic() + timeout_seconds
        reply = FeedReply(after)
        while not stop.is_set():
            left = deadline - time.monotonic()
            body = self._ask(reply.after, max(0.0, min(left, POLL_SECONDS)))
            reply = FeedReply(int(body["after"]), tuple(map(_change, body["alerts"])))
            if reply.changes or left <= POLL_SECONDS:
                break
        return reply

    def _ask(self, after: int | None, wait_seconds: float) -> Mapping[str, Any]:
        try:
            return self.api.alert_changes(after, self.rule_id, wait_seconds)
        except ServiceError as error:
            if error.code not in _NO_FEED:
                raise
            raise NoFeed(
                f"The detection service at {self.api.url} has no feed of alerts.",
                "The published API has none; only the lab's own service does.",
                "Poll for alerts instead.",
            ) from error


def _change(item: Mapping[str, Any]) -> AlertChange:
    return AlertChange(Alert.from_api(item["alert"]), int(item["count"]), int(item["eventAt"]), int(item["sequence"]))
