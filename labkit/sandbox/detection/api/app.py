"""The detection service's REST API, version 2: authentication with Hawk, rate limits, and the form of errors."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence

from flask import Blueprint, Flask, Response, current_app, g, request
from mohawk import Receiver
from werkzeug.exceptions import HTTPException

from labkit.sandbox.detection.api import agents, alerts, organization, rules
from labkit.sandbox.detection.api.errors import ApiError
from labkit.sandbox.detection.api.hawk import HawkRefused, NonceStore, receive, sign_reply
from labkit.sandbox.detection.api.permissions import Caller, Permissions
from labkit.sandbox.detection.api.rate_limit import RateLimit
from labkit.sandbox.detection.api.request import PERMISSIONS, STORE, permissions, reply, store
from labkit.sandbox.detection.engine import Engine
from labkit.sandbox.detection.feed import feed_blueprint
from labkit.sandbox.detection.store.database import NoSuch
from labkit.sandbox.detection.store.store import DetectionStore
from labkit.sandbox.detection.timestamps import now_ms

REQUESTS_PER_MINUTE = 6000
"""Sandbox: the real service allowed an organization 200. 100 a second only stops a runaway client."""

_MOST_BODY_BYTES = 1_000_000
_CHANGING = {"POST", "PUT", "DELETE"}

log = logging.getLogger(__name__)
self_test = Blueprint("self_test", __name__)


def create_detection_app(
    store: DetectionStore,
    rate_limit: RateLimit | None = None,
    engine: Engine | None = None,
    limits: Permissions | None = None,
    more_calls: Sequence[Blueprint] = (),
) -> Flask:
    """The WSGI app that serves `/v2/…` and `/help/hawk/self-test`; safe under a server with threads.

    rate_limit: `REQUESTS_PER_MINUTE` by default. engine: feeds its alerts to clients that wait at `/lab/feed/alerts`;
    without one there is no such path, as on the real service. limits: of callers, beyond their roles'. more_calls:
    served behind the same signature, as a class has.
    """
    app = Flask("labkit.sandbox.detection", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _MOST_BODY_BYTES
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.extensions |= {
        STORE: store,
        "nonces": NonceStore(),
        "rate_limit": rate_limit or RateLimit(REQUESTS_PER_MINUTE),
        PERMISSIONS: limits or Permissions(),
    }
    for module in (rules, alerts, agents, organization):
        app.register_blueprint(module.blueprint, url_prefix="/v2")
    app.register_blueprint(self_test)
    if engine is not None:
        app.register_blueprint(feed_blueprint(engine))
    for blueprint in more_calls:
        app.register_blueprint(blueprint)
    app.before_request(_admit)
    app.after_request(_finish)
    app.register_error_handler(HawkRefused, _answer_refused)
    app.register_error_handler(ApiError, lambda error: reply({"errors": error.errors}, error.status))
    app.register_error_handler(NoSuch, lambda missing: reply({"errors": [str(missing)]}, 404))
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(Exception, _answer_fault)
    return app


@self_test.get("/help/hawk/self-test")
def answer_self_test() -> Response:
    """Confirm, signed, that the request's signature is correct."""
    return reply({"message": "The request is authentic."})


def _admit() -> Response | None:
    """Admit a request that is authentic, from a member, permitted, and within the rate limit."""
    extensions = current_app.extensions
    g.receiver = receive(request, _key_of, extensions["nonces"])
    if request.blueprint == self_test.name:
        return None
    g.caller = _caller(g.receiver)
    g.allowance = extensions["rate_limit"].take(permissions().rate_limit_key(g.caller))
    if not g.allowance.allowed:
        return Response("Too many requests\n", 429, mimetype="text/plain")
    if g.caller.role == "reader" and request.method in _CHANGING:
        raise ApiError(403, "a reader may not change anything")
    if request.method in _CHANGING:
        permissions().check_change(g.caller, request.endpoint or "")
    return None


def _key_of(user_id: str) -> str:
    user = store().people.user(user_id)
    if not user.enabled:
        raise LookupError(user_id)
    return user.api_key


def _caller(receiver: Receiver) -> Caller:
    """The signer, for the organization in Hawk's `ext`."""
    user = store().people.user(receiver.parsed_header["id"])
    organization_id = receiver.parsed_header.get("ext", "")
    role = store().people.role(organization_id, user.id)
    if role is None:
        raise ApiError(403, f"organization {organization_id!r} (Hawk's ext) is not one that the user is a member of")
    store().people.note_authenticated(user.id, now_ms())
    caller = Caller(user, organization_id, role)
    permissions().note_authenticated(caller)
    return caller


def _finish(response: Response) -> Response:
    """Sign every reply to an authentic request, refusals included, so that the client can trust it."""
    if "allowance" in g:
        response.headers.update(g.allowance.headers)
    if "receiver" in g:
        sign_reply(g.receiver, response)
    return response


def _answer_refused(refused: HawkRefused) -> Response:
    response = reply({"errors": [refused.message]}, 401)
    response.headers["WWW-Authenticate"] = refused.challenge
    return response


def _answer_http(error: HTTPException) -> Response:
    return reply({"errors": [f"{request.method} {request.path}: {error.description}"]}, error.code or 500)


def _answer_fault(fault: Exception) -> Response:
    """Last resort: log a bug of ours, or a full disk, and answer 500 in the API's form."""
    log.error("%s %s failed", request.method, request.path, exc_info=fault)
    if getattr(fault, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
        return reply({"errors": ["the sandbox's disk is full"]}, 507)
    return reply({"errors": ["internal error"]}, 500)
