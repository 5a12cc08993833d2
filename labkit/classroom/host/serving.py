"""The process of a student's host: the range, the follower of its location, the outbox, the control calls."""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock
from flask import Flask, Response, jsonify

from labkit.classroom.host import log
from labkit.classroom.host.following import LocationFollower
from labkit.classroom.host.outbox import Outbox
from labkit.files import private_folder
from labkit.sandbox.dispatcher import Dispatcher, not_found
from labkit.sandbox.host.connect_events import ConnectEvents
from labkit.sandbox.host.host import SOURCE_ADDRESSES, LabHost
from labkit.sandbox.host.routes import host_blueprint
from labkit.sandbox.http import Server
from labkit.sandbox.ids import Ids
from labkit.sandbox.server import announce, listen_locally, serve_until_stopped
from labkit.sandbox.state import remove_state
from labkit.services.detection.api import DetectionApi
from labkit.services.sandbox_process import LOGIN_FILE

PATIENCE_SECONDS = 0.5
"""How long one call may take; its caller tries again by itself."""


class HostServices:
    """All of it. login: as in `host_process.prepared`."""

    def __init__(self, home: Path, session: Path, login: Mapping[str, str]) -> None:
        self.token = secrets.token_urlsafe(32)
        # A connection each, since the follower's requests wait for changes.
        self._follower = LocationFollower(_api(login), session / "location.json")
        self._outbox = Outbox(_api(login))
        events = ConnectEvents(Ids(), SOURCE_ADDRESSES)
        self._host = LabHost(home, events, self._follower.location, self._outbox.put, self._trouble)
        self.application = Dispatcher(not_found, not_found, self._control(), self.token)

    def load(self) -> None:
        """Start the range and the threads that talk to the class's sandbox."""
        threading.Thread(target=self._follower.follow, args=(self._host.put_in_force,), daemon=True).start()
        threading.Thread(target=self._outbox.send, daemon=True).start()
        self._host.start()

    def tick(self) -> None:
        """Called every second: restart a range that was killed."""
        self._host.ensure()

    def close(self) -> None:
        """End the range and the threads."""
        self._follower.stop()
        self._outbox.close()
        self._host.close()

    def _trouble(self) -> str:
        return " ".join(filter(None, (self._follower.trouble, self._outbox.trouble)))

    def _control(self) -> Flask:
        app = Flask("labkit.classroom.host", static_folder=None)
        app.register_blueprint(host_blueprint(self._host, self.token))

        @app.get("/_lab/health")
        def show_health() -> Response:
            return jsonify({"warm": self._host.is_started, "pid": os.getpid()})

        return app


def serve(home: Path, parent: int | None = None) -> None:
    """Serve the host whose login is in `home` until SIGTERM, until hours without a request, or until `parent` ends.

    Raises filelock.Timeout if another process serves it, FileNotFoundError without a login.
    """
    login = json.loads((home / LOGIN_FILE).read_text(encoding="utf-8"))
    session = private_folder(home / "world")
    with FileLock(session / "lock", timeout=5, mode=0o600):
        here = listen_locally(home)
        services = HostServices(home, session, login)
        log.info("a host of %s, served at %s", login["url"], announce(home, here, services.token))
        serve_until_stopped([Server(here, services.application)], services, parent)
        remove_state(home)
        services.close()
        log.info("stopped")


def _api(login: Mapping[str, str]) -> DetectionApi:
    return DetectionApi(
        login["url"],
        login["user_id"],
        login["api_key"],
        login["organization_id"],
        patience_seconds=PATIENCE_SECONDS,
        certificate=login["certificate"],
    )
