"""What the sandbox serves, put together: AWS's side, the detection side, the host, and the control calls."""

from __future__ import annotations

import os
import secrets
import threading
from pathlib import Path

from labkit.model.rule_filter import parse
from labkit.sandbox.aws_server import AwsApp, create_aws_app
from labkit.sandbox.control import create_control_app
from labkit.sandbox.detection_server import create_detection_app
from labkit.sandbox.detection_store import DetectionStore
from labkit.sandbox.dispatcher import Dispatcher
from labkit.sandbox.engine import Engine
from labkit.sandbox.engine_routes import control_blueprint
from labkit.sandbox.host import Host
from labkit.sandbox.host_routes import host_blueprint
from labkit.sandbox.ids import Ids


class Services:
    """All of it, on one world. application: answers the requests. token: opens the control calls; random always."""

    def __init__(self, home: Path, world: Path, seed: str = "") -> None:
        ids = Ids(seed)
        self.token = secrets.token_urlsafe(32)
        self._warm = threading.Event()
        self._store = DetectionStore(world / "detection.sqlite", ids)
        self._engine = Engine(self._store)
        self._host = Host(home, self._store, self._engine)
        self._aws: AwsApp = create_aws_app(
            world, on_change=lambda account, region: self._host.refresh(self._aws), ids=ids
        )
        detection = create_detection_app(self._store, engine=self._engine)
        control = create_control_app(self.token, self._health, self._credentials)
        control.register_blueprint(control_blueprint(self._engine, self.token))
        control.register_blueprint(host_blueprint(self._host, self.token))
        self.application = Dispatcher(self._aws, detection, control, self.token)

    def load(self) -> None:
        """Load what takes long, while HTTP is answered already: moto, the range, the filter's parser."""
        self._aws.warm()
        self._host.start(self._aws)
        parse("user = null")  # builds the parser, which would make the first rule that is written wait
        self._warm.set()

    def look_after(self) -> None:
        """What is done every second: heal what was killed from outside."""
        self._host.ensure()

    def close(self) -> None:
        """End the range and close what is kept."""
        self._host.close()
        self._engine.close()
        self._aws.close()
        self._store.close()

    def _health(self) -> dict[str, object]:
        return {"warm": self._warm.is_set(), "pid": os.getpid()}

    def _credentials(self) -> dict[str, dict[str, str]]:
        return {"aws": self._aws.keys.to_dict(), "detection": self._store.credentials()}
