"""The engine over HTTP, outside `/v2`, which stays the published API: events in, and the feed of alerts.

    POST /_lab/events                          behind the sandbox's own token
    GET  /_lab/alerts?after=&rule=&wait=       behind the sandbox's own token
    GET  /lab/feed/alerts?after=&rule=&wait=   signed with Hawk like the API, for clients elsewhere

The feed answers at once if something is newer than `after`, else when something comes or after `wait` seconds:
`{"alerts": [{"sequence", "count", "eventAt", "alertId", "alert"}], "after"}`. Each alert that is new or has another
event is listed once, in its current state; pass the reply's `after` in the next request. A request without `after` gets
that number alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

import orjson
from flask import Blueprint, Response, request

from labkit.sandbox.control import refuse_without_token
from labkit.sandbox.detection import seed_data
from labkit.sandbox.detection.api.errors import ApiError
from labkit.sandbox.detection.api.request import feed_reply, long_poll, organization_id, reply
from labkit.sandbox.detection.engine import Engine, EventRefused

MOST_BODY_BYTES = 8_000_000


def feed_blueprint(engine: Engine) -> Blueprint:
    """The feed for everybody who may use the API; for an app that authenticates requests."""
    blueprint = Blueprint("lab_feed", __name__)

    @blueprint.get("/lab/feed/alerts")
    def feed() -> Response:
        return _changes(engine, organization_id())

    return blueprint


def control_blueprint(engine: Engine, token: str) -> Blueprint:
    """Events in, and the feed, for clients with the sandbox's token."""
    blueprint = Blueprint("engine", __name__)

    blueprint.before_request(lambda: refuse_without_token(token))
    blueprint.register_error_handler(ApiError, lambda error: reply({"errors": error.errors}, error.status))

    @blueprint.post("/_lab/events")
    def ingest() -> Response:
        request.max_content_length = MOST_BODY_BYTES
        return ingested(engine, events_in(request.get_data()))

    @blueprint.get("/_lab/alerts")
    def feed() -> Response:
        return _changes(engine, request.args.get("organization") or seed_data.ORGANIZATION_ID)

    return blueprint


def events_in(body: bytes) -> Iterator[Any]:
    """The events of a body: a JSON array, or one object per line. Raises orjson.JSONDecodeError."""
    if body.lstrip()[:1] == b"[":
        yield from orjson.loads(body)
        return
    for number, line in enumerate(body.splitlines(), start=1):
        if line.strip():
            try:
                event = orjson.loads(line)
            except orjson.JSONDecodeError as fault:
                raise orjson.JSONDecodeError(f"line {number}: {fault.msg}", fault.doc, fault.pos) from fault
            yield event


def ingested(engine: Engine, events: Iterable[Any], most_fired: int | None = None) -> Response:
    """Process events and reply what happened to them. Raises ApiError (400) for one that is not valid."""
    try:
        return reply(asdict(engine.ingest(events, most_fired)))
    except (EventRefused, orjson.JSONDecodeError) as fault:
        raise ApiError(400, str(fault)) from fault


def _changes(engine: Engine, organization: str) -> Response:
    after, wait_seconds = long_poll()
    changes = engine.changes(organization, after, request.args.get("rule") or None, wait_seconds)
    return feed_reply({"alerts": list(changes.alerts), "after": changes.after})
