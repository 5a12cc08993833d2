"""The sandbox: one process, one port on 127.0.0.1, the real protocols of both services.

`python -m labkit.sandbox.server --home FOLDER` answers at once and loads moto in a thread meanwhile.
"""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Any

import psutil
from filelock import FileLock, Timeout
from werkzeug.serving import WSGIRequestHandler, make_server

from labkit.files import private_folder
from labkit.model.rule_filter import parse
from labkit.sandbox.aws_files import point_aws_cli_at
from labkit.sandbox.aws_server import CONTROL_FLAG, AwsApp, create_aws_app
from labkit.sandbox.control import TOKEN_HEADER, create_control_app, same_token
from labkit.sandbox.state import State, previous_port, remove_state, write_state

HOST = "127.0.0.1"
IDLE_HOURS = 12
WSGIApp = Callable[[dict[str, Any], Any], Iterable[bytes]]

log = logging.getLogger("labkit.sandbox")


class Dispatcher:
    """Hands each request to the service whose path it has, and remembers when the last one came."""

    def __init__(self, aws: WSGIApp, detection: WSGIApp, control: WSGIApp, token: str) -> None:
        self._aws, self._detection, self._control, self._token = aws, detection, control, token
        self.last_request = time.monotonic()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.last_request = time.monotonic()
        return self._service(environ)(environ, start_response)

    def _service(self, environ: dict[str, Any]) -> WSGIApp:
        path = environ.get("PATH_INFO", "")
        if path.startswith("/_lab/"):
            return self._control
        if path.startswith(("/v2/", "/help/hawk/", "/lab/")) or path == "/v2":
            return self._detection
        if path.startswith("/moto-api"):
            if not same_token(environ.get("HTTP_X_LAB_TOKEN", ""), self._token):
                return _refuse
            environ[CONTROL_FLAG] = True
        return self._aws


def _refuse(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("403 FORBIDDEN", [("Content-Type", "text/plain")])
    return [f"This call needs the header {TOKEN_HEADER}.\n".encode()]


class QuietHandler(WSGIRequestHandler):
    """Logs method, path and status only, since a query may hold a ticket."""

    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        log.info("%s %s %s", self.command, self.path.split("?", 1)[0], code)


def _listen(port: int) -> socket.socket:
    """A listening socket on the loopback address: this port if it is free, else any."""
    for wanted in (port, 0):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, wanted))
        except OSError:
            listener.close()
            if wanted == 0:
                raise
            continue
        listener.listen(128)
        return listener
    raise AssertionError("a port of 0 is always tried")


def serve(home: Path, parent: int | None = None) -> None:
    """Serve the world in `home` until SIGTERM, until nobody asked for twelve hours, or until `parent` (a pid) ended.

    Raises filelock.Timeout when another sandbox serves the same world.
    """
    world = private_folder(private_folder(home) / "world")
    with FileLock(world / "lock", timeout=5):
        _serve_world(home, world, parent)


def _serve_world(home: Path, world: Path, parent: int | None) -> None:
    from labkit.sandbox.detection_server import create_detection_app
    from labkit.sandbox.detection_store import DetectionStore
    from labkit.sandbox.engine import Engine
    from labkit.sandbox.engine_routes import control_blueprint
    from labkit.sandbox.host import Host
    from labkit.sandbox.host_routes import host_blueprint

    token = secrets.token_urlsafe(32)
    store = DetectionStore(world / "detection.sqlite")
    engine = Engine(store)
    host = Host(home, store, engine)
    aws: AwsApp = create_aws_app(world, on_change=lambda account, region: host.refresh(aws))
    warm = threading.Event()

    def credentials() -> dict[str, dict[str, str]]:
        return {"aws": aws.keys.to_dict(), "detection": store.credentials()}

    def health() -> dict[str, object]:
        return {"warm": warm.is_set(), "pid": os.getpid()}

    control = create_control_app(token, health, credentials)
    control.register_blueprint(control_blueprint(engine, token))
    control.register_blueprint(host_blueprint(host, token))
    dispatcher = Dispatcher(aws, create_detection_app(store, engine=engine), control, token)
    listener = _listen(previous_port(home))
    server = make_server(HOST, 0, dispatcher, threaded=True, request_handler=QuietHandler, fd=listener.fileno())
    url = f"http://{HOST}:{listener.getsockname()[1]}"
    point_aws_cli_at(home / "aws" / "config", url)
    write_state(home, State(os.getpid(), psutil.Process().create_time(), url, version("moto"), token))
    log.info("serving %s from %s", url, world)

    def load() -> None:
        aws.warm()
        host.start(aws)
        parse("user = null")  # builds the parser, which would make the first rule that is written wait
        warm.set()

    def stop(signum: int = 0, frame: FrameType | None = None) -> None:
        threading.Thread(target=server.shutdown).start()

    threading.Thread(target=load, daemon=True).start()
    threading.Thread(target=_watch, args=(dispatcher, parent, stop), daemon=True).start()
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        server.serve_forever()
    finally:
        remove_state(home)
        host.close()
        engine.close()
        aws.close()
        store.close()
        log.info("stopped")


def _watch(dispatcher: Dispatcher, parent: int | None, stop: Callable[[], None]) -> None:
    """Stop when the parent process is gone or nobody has asked for hours."""
    lives_with = psutil.Process(parent) if parent is not None else None
    while True:
        time.sleep(1)
        idle = time.monotonic() - dispatcher.last_request > IDLE_HOURS * 3600
        if idle or (lives_with is not None and not lives_with.is_running()):
            log.info("stopping: %s", "idle" if idle else "JupyterLab ended")
            stop()
            return


def main() -> None:
    """The entry point of the child process; its standard error is the log file."""
    parser = argparse.ArgumentParser(prog="labkit.sandbox.server")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--parent", type=int, default=None)
    arguments = parser.parse_args()
    os.umask(0o077)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    try:
        serve(arguments.home, arguments.parent)
    except Timeout:
        sys.exit("Another sandbox serves this world already.")


if __name__ == "__main__":
    main()
