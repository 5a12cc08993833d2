"""Passes each request to the part of the sandbox that serves its path."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from labkit.model.endpoint import is_loopback
from labkit.model.errors import InvalidInput
from labkit.sandbox.aws.app import CONTROL_FLAG
from labkit.sandbox.control import TOKEN_HEADER, same_token
from labkit.sandbox.http import OUTSIDE, WSGIApp


class Dispatcher:
    """The WSGI application. last_request: when the last request came, by `time.monotonic`."""

    def __init__(self, aws: WSGIApp, detection: WSGIApp, control: WSGIApp, token: str) -> None:
        self._aws, self._detection, self._control, self._token = aws, detection, control, token
        self.last_request = time.monotonic()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.last_request = time.monotonic()
        return self._service(environ)(environ, start_response)

    def _service(self, environ: dict[str, Any]) -> WSGIApp:
        path = environ.get("PATH_INFO", "")
        if not environ.get(OUTSIDE) and _is_rebound(environ, path):
            return _misdirected
        if environ.get(OUTSIDE) and path.startswith(("/_lab/", "/moto-api")):
            return not_found
        if path.startswith("/_lab/"):
            return self._control
        if path.startswith(("/v2/", "/help/hawk/", "/lab/")) or path == "/v2":
            return self._detection
        if path.startswith("/moto-api"):
            if not same_token(environ.get("HTTP_X_LAB_TOKEN", ""), self._token):
                return _refuse
            environ[CONTROL_FLAG] = True
        return self._aws


def _is_rebound(environ: dict[str, Any], path: str) -> bool:
    """Whether a request names another host than this machine, as a web page's does whose name was bound to 127.0.0.1.
    A proxy's requests for the services are signed, and signatures are checked; no proxy asks for the control calls."""
    host = environ.get("HTTP_HOST", "")
    if not host or ("HTTP_AUTHORIZATION" in environ and not path.startswith("/_lab/")):
        return False
    try:
        return not is_loopback(f"http://{host}")
    except InvalidInput:
        return True


def _misdirected(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("421 MISDIRECTED REQUEST", [("Content-Type", "text/plain")])
    return [b"The sandbox answers at 127.0.0.1 only.\n"]


def not_found(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer 404. The sandbox's own calls are for this machine: no token opens them from elsewhere."""
    start_response("404 NOT FOUND", [("Content-Type", "text/plain")])
    return [b"Not found.\n"]


def _refuse(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("403 FORBIDDEN", [("Content-Type", "text/plain")])
    return [f"This call needs the header {TOKEN_HEADER}.\n".encode()]
