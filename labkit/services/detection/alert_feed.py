"""Waiting for alerts: the lab's own service has a feed that answers when something comes; the published API none."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from labkit.model.detection.records import Alert
from labkit.model.errors import LabError, ServiceError
from labkit.services.detection import errors as detection_errors
from labkit.services.detection.api import DetectionApi

POLL_SECONDS = 10.0
"""How long one question waits at the service: an end that is asked for meanwhile is noticed after it."""

_NO_FEED = {"404", "405", detection_errors.NOT_AUTHENTIC, detection_errors.NOT_JSON}


class NoFeed(LabError):
    """The detection service has no feed: alerts have to be polled."""


@dataclass(frozen=True)
class AlertChange:
    """An alert that is new or has another event behind it. count: events behind it. event_at_ms: when the last one
    happened, milliseconds since 1970."""

    alert: Alert
    count: int
    event_at_ms: int
    sequence: int


@dataclass(frozen=True)
class News:
    """What changed, and what to ask on from; no alerts when the time was up first."""

    after: int
    changes: tuple[AlertChange, ...] = ()


@dataclass
class AlertFeed:
    """The feed of one detection service, of all alerts or of one rule's. Use one a thread."""

    api: DetectionApi
    rule_id: str = ""
    _after: int | None = field(default=None, repr=False)

    def position(self) -> int:
        """The number to wait from for all that is not there yet. Raises NoFeed or another LabError."""
        return int(self._ask(None, 0)["after"])

    def wait(self, after: int, stop: threading.Event, timeout_seconds: float = POLL_SECONDS) -> News:
        """Whatever changed after a number: at once, or as soon as it comes, or nothing after the timeout or `stop`.

        Raises NoFeed where there is no feed, and other LabErrors as the API does.
        """
        deadline = time.monotonic() + timeout_seconds
        news = News(after)
        while not stop.is_set():
            left = deadline - time.monotonic()
            reply = self._ask(news.after, max(0.0, min(left, POLL_SECONDS)))
            news = News(int(reply["after"]), tuple(map(_change, reply["alerts"])))
            if news.changes or left <= POLL_SECONDS:
                break
        return news

    def until_news(self, stop: threading.Event) -> None:
        """Return when something changed since the last call, or after a while, or soon after `stop` is set; the first
        call returns at once, so that what came before it is looked at. Raises NoFeed or another LabError."""
        if self._after is None:
            self._after = self.position()
        else:
            self._after = self.wait(self._after, stop).after

    def _ask(self, after: int | None, wait_seconds: float) -> Mapping[str, Any]:
        try:
            return self.api.alert_changes(after, self.rule_id, wait_seconds)
        except ServiceError as error:
            if error.code not in _NO_FEED:
                raise
            raise NoFeed(
                f"The detection service at {self.api.url} has no feed of alerts.",
                "The published API has none; only the lab's own service does.",
                "Ask for the alerts from time to time.",
            ) from error


def _change(item: Mapping[str, Any]) -> AlertChange:
    return AlertChange(Alert.from_api(item["alert"]), int(item["count"]), int(item["eventAt"]), int(item["sequence"]))
