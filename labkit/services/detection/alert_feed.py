"""Waits for alerts through the feed of the lab's own service; the published API has none."""

from __future__ import annotations

from labkit.model.detection.records import Alert
from labkit.model.errors import LabError, ServiceError
from labkit.services.detection import errors as detection_errors
from labkit.services.detection.api import DetectionApi

POLL_SECONDS = 10.0
"""How long the service holds one request."""

_NO_FEED = {"404", "405", detection_errors.NOT_AUTHENTIC, detection_errors.NOT_JSON}


class NoFeed(LabError):
    """The detection service has no feed; alerts have to be polled."""


class AlertFeed:
    """The feed of one detection service, of all alerts or of one rule's. Not thread-safe."""

    def __init__(self, api: DetectionApi, rule_id: str = "") -> None:
        self._api, self._rule_id = api, rule_id
        self._after: int | None = None

    def __call__(self) -> list[Alert]:
        """The alerts that are new or have another event since the last call, as soon as there are any; none after ten
        seconds.

        The first call returns at once without alerts: earlier ones have to be read from the API. Raises NoFeed if there
        is no feed, and other LabErrors as the API does.
        """
        try:
            reply = self._api.alert_changes(self._after, self._rule_id, 0 if self._after is None else POLL_SECONDS)
        except ServiceError as error:
            if error.code not in _NO_FEED:
                raise
            raise NoFeed(
                f"The detection service at {self._api.url} has no feed of alerts.",
                "The published API has none; only the lab's own service does.",
                "Poll for alerts instead.",
            ) from error
        self._after = reply["after"]
        return [Alert.from_api(item["alert"]) for item in reply["alerts"]]
