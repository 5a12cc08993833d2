"""What the sandbox serves, put together: AWS's side, the detection side, the host, and the control calls."""

from __future__ import annotations

import os
import secrets
import threading
from pathlib import Path

from labkit.model.rule_filter import parse
from labkit.sandbox.aws.app import AwsApp, create_aws_app
from labkit.sandbox.aws.keys import ACCOUNT
from labkit.sandbox.classroom import certificate
from labkit.sandbox.classroom.host_feed import StudentHosts
from labkit.sandbox.classroom.roster import Roster
from labkit.sandbox.classroom.routes import class_blueprint
from labkit.sandbox.classroom.settings import ClassSettings
from labkit.sandbox.control import create_control_app
from labkit.sandbox.detection.app import create_detection_app
from labkit.sandbox.detection.engine import Engine
from labkit.sandbox.detection.feed import control_blueprint
from labkit.sandbox.detection.store.store import DetectionStore
from labkit.sandbox.detection.timestamps import now_ms
from labkit.sandbox.dispatcher import Dispatcher
from labkit.sandbox.host.connect_events import ConnectEvents
from labkit.sandbox.host.host import SOURCE_ADDRESSES, SimulatedHost
from labkit.sandbox.host.location import HostLocation
from labkit.sandbox.host.routes import host_blueprint
from labkit.sandbox.ids import Ids


class Services:
    """All of it, on one world. application: answers the requests. token: opens the control calls; random always.

    served: the class that has accounts and users here; None for none.
    """

    def __init__(self, home: Path, world: Path, seed: str = "", served: ClassSettings | None = None) -> None:
        ids = Ids(seed)
        roll = Roster.load(world, served.size if served else 0, ids)
        self.token = secrets.token_urlsafe(32)
        self._warm = threading.Event()
        self._store = DetectionStore(world / "detection.sqlite", ids)
        self._store.students.enrol(len(roll.keys), now_ms())
        self._engine = Engine(self._store)
        self._aws: AwsApp = create_aws_app(world, self._changed, ids, roll)
        self._host = SimulatedHost(
            home,
            ConnectEvents.of_agent(self._store, source_addresses=SOURCE_ADDRESSES),
            look=lambda: HostLocation.of(self._aws.place_of(ACCOUNT)),
            tell=lambda event: self._engine.ingest([event]),
        )
        self._hosts = StudentHosts(self._aws.place_of)
        detection = create_detection_app(self._store, engine=self._engine, roll=roll, hosts=self._hosts)
        control = create_control_app(self.token, self._health, self._credentials)
        control.register_blueprint(control_blueprint(self._engine, self.token))
        control.register_blueprint(host_blueprint(self._host, self.token))
        control.register_blueprint(class_blueprint(roll, self._aws, self._store, lambda: _address(served), self.token))
        self.application = Dispatcher(self._aws, detection, control, self.token)

    def load(self) -> None:
        """Load what takes long, while HTTP is answered already: moto, the range, the filter's parser."""
        self._aws.warm()
        self._host.start()
        parse("user = null")  # builds the parser, which would make the first rule that is written wait
        self._warm.set()

    def tick(self) -> None:
        """What is done every second: heal what was killed from outside."""
        self._host.ensure()

    def close(self) -> None:
        """End the range and close what is kept."""
        self._host.close()
        self._hosts.close()
        self._engine.close()
        self._aws.close()
        self._store.close()

    def _changed(self, account: str, region: str) -> None:
        """The host here is in the sandbox's own account; a student's is in theirs, and on their own machine."""
        if account == ACCOUNT:
            self._host.refresh()
        else:
            self._hosts.changed(account)

    def _health(self) -> dict[str, object]:
        return {"warm": self._warm.is_set(), "pid": os.getpid()}

    def _credentials(self) -> dict[str, dict[str, str]]:
        return {"aws": self._aws.keys.to_dict(), "detection": self._store.credentials()}


def _address(served: ClassSettings | None) -> dict[str, str]:
    """Where students find the sandbox, and what certificate they are to trust there."""
    if served is None:
        return {"url": "", "fingerprint": ""}
    return {"url": served.url, "fingerprint": certificate.pinned(Path(served.certificate)) if served.tls else ""}
