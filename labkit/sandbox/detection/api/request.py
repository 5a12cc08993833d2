"""Used by every call of the REST API: the caller, their organization, the store, the body, the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from flask import Response, current_app, g, request

from labkit.sandbox.detection.api.errors import ApiError
from labkit.sandbox.detection.api.permissions import Caller, Permissions
from labkit.sandbox.detection.store.people import NewAuditRecord
from labkit.sandbox.detection.store.store import DetectionStore
from labkit.sandbox.detection.timestamps import now_ms

STORE, PERMISSIONS = "detection_store", "permissions"
MOST_WAIT_SECONDS = 30.0


def caller() -> Caller:
    """Who signed the current request."""
    return g.caller


def organization_id() -> str:
    """The organization that the request is about."""
    return caller().organization_id


def store() -> DetectionStore:
    """The current app's store."""
    return current_app.extensions[STORE]


def permissions() -> Permissions:
    """What the caller may change."""
    return current_app.extensions[PERMISSIONS]


def reply(document: object, status: int = 200) -> Response:
    """A JSON reply."""
    return Response(orjson.dumps(document), status, mimetype="application/json")


def body() -> dict[str, Any]:
    """The request's JSON object. Raises ApiError (400)."""
    try:
        document = orjson.loads(request.get_data())
    except orjson.JSONDecodeError as error:
        raise ApiError(400, f"the body is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ApiError(400, "the body is not a JSON object")
    return document


def long_poll() -> tuple[int | None, float]:
    """The parameters of a feed: `after`, and `wait` in seconds, at most `MOST_WAIT_SECONDS`. Raises ApiError (400)."""
    given = request.args.get("after")
    try:
        after, wait_seconds = None if given is None else int(given), float(request.args.get("wait") or 0)
    except ValueError as error:
        raise ApiError(400, "after must be a whole number, and wait a number of seconds") from error
    # In this form “nan” means no wait.
    return after, min(wait_seconds, MOST_WAIT_SECONDS) if wait_seconds > 0 else 0.0


def feed_reply(document: object) -> Response:
    """A feed's reply, which nothing on the way may keep."""
    response = reply(document)
    response.headers["Cache-Control"] = "no-store"
    return response


def note(crud: str, action: str, description: str, context: Mapping[str, Any] | None = None) -> None:
    """Record what the caller did in the audit log. Call it in the same transaction as the change."""
    by = caller()
    record = NewAuditRecord(
        by.organization_id, by.user.id, by.user.email, crud, action, description, now_ms(), context or {}
    )
    store().audit.record(record)
