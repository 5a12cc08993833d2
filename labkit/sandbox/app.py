"""The sandbox's WSGI application, composed of its parts: AWS, detection, the host, a class, and the control calls."""

from __future__ import annotations

import logging
import os
import secrets
import threading
from pathlib import Path

from labkit.files import full_disk
from labkit.model.rule_filter import parse
from labkit.sandbox.aws.app import AwsApp
from labkit.sandbox.aws.keys import ACCOUNT
from labkit.sandbox.classroom.classroom import Classroom
from labkit.sandbox.classroom.host_feed import StudentHosts
from labkit.sandbox.classroom.settings import ClassSettings
from labkit.sandbox.control import create_control_app
from labkit.sandbox.detection.api.app import create_detection_app
from labkit.sandbox.detection.engine import Engine
from labkit.sandbox.detection.feed import control_blueprint
from labkit.sandbox.detection.store.store import DetectionStore
from labkit.sandbox.dispatcher import Dispatcher
from labkit.sandbox.host.connect_events import ConnectEvents
from labkit.sandbox.host.host import SOURCE_ADDRESSES, LabHost
from labkit.sandbox.host.routes import host_blueprint
from labkit.sandbox.ids import Ids

log = logging.getLogger("labkit.sandbox")


class SandboxApp:
    """All parts, on the state in one folder. application: answers requests. token: opens the control calls; always
    random. served: the class that is served here; None without one.
    """

    def __init__(self, home: Path, folder: Path, seed: str = "", served: ClassSettings | None = None) -> None:
        ids, self._home = Ids(seed), home
        self.token = secrets.token_urlsafe(32)
        self._warm, self._disk_was_full = threading.Event(), False
        self._store = DetectionStore(folder / "detection.sqlite", ids)
        classroom = Classroom(folder, ids, self._store, served)
        self._engine = Engine(self._store, student_of=classroom.students.by_agent)
        roster = classroom.roster
        self._aws = AwsApp(folder, self._on_change, ids, roster.iam_users(), roster.note_account)
        self._host = LabHost(
            home,
            ConnectEvents.of_agent(self._store, source_addresses=SOURCE_ADDRESSES),
            locate=lambda: self._aws.location_of(ACCOUNT),
            send=lambda event: self._engine.ingest([event]),
        )
        self._student_hosts = StudentHosts(self._aws.location_of)
        calls = classroom.detection_calls(self._engine, self._student_hosts)
        detection = create_detection_app(self._store, engine=self._engine, limits=classroom.limits, more_calls=calls)
        control = create_control_app(self.token, self._health, self._credentials)
        control.register_blueprint(control_blueprint(self._engine, self.token))
        control.register_blueprint(host_blueprint(self._host, self.token))
        control.register_blueprint(classroom.control_calls(self._aws, self.token))
        self.application = Dispatcher(self._aws, detection, control, self.token)

    def load(self) -> None:
        """Load the slow parts, while HTTP is answered already: moto, the range, the filter's parser.

        On a full disk some cannot be loaded: `tick` tries again once it has room.
        """
        try:
            self._aws.warm()
        except OSError as error:
            log.warning("%s", error)
        self._host.start()
        parse("user = null")  # builds the parser; the first rule that is written would wait for it
        self._disk_was_full = full_disk(self._home) is not None
        self._warm.set()

    def tick(self) -> None:
        """Called every second: restore what was killed from outside, or did not start on a full disk."""
        if self._disk_was_full and full_disk(self._home) is None:
            self.load()
        self._host.ensure()

    def close(self) -> None:
        """End the range and close the files."""
        self._host.close()
        self._student_hosts.close()
        self._engine.close()
        self._aws.close()
        self._store.close()

    def _on_change(self, account: str, region: str) -> None:
        """Refresh what filters the account's host: the one here, or a student's on their own machine."""
        if account == ACCOUNT:
            self._host.put_in_force()
        else:
            self._student_hosts.changed(account)

    def _health(self) -> dict[str, object]:
        full = full_disk(self._home)
        notice = " ".join(filter(None, (self._aws.notice, str(full or ""))))
        return {"warm": self._warm.is_set(), "pid": os.getpid(), "notice": notice}

    def _credentials(self) -> dict[str, dict[str, str]]:
        return {"aws": self._aws.keys.to_dict(), "detection": self._store.credentials()}
