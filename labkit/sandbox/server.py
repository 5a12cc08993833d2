"""The sandbox: one process, one port on 127.0.0.1, the real protocols of both services.

`python -m labkit.sandbox.server --home FOLDER` answers at once and loads moto in a thread meanwhile.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import psutil
from filelock import FileLock, Timeout
from werkzeug.serving import WSGIRequestHandler, make_server

from labkit.files import private_folder
from labkit.sandbox.aws_files import point_aws_cli_at
from labkit.sandbox.state import State, previous_port, remove_state, write_state

if TYPE_CHECKING:
    from labkit.sandbox.services import Services

HOST = "127.0.0.1"
IDLE_HOURS = 12

log = logging.getLogger("labkit.sandbox")


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


def serve(home: Path, parent: int | None = None, seed: str = "") -> None:
    """Serve the world in `home` until SIGTERM, until nobody asked for twelve hours, or until `parent` (a pid) ended.

    seed: what all ids and keys of a new world derive from, for a throw-away world. Raises filelock.Timeout when another
    sandbox serves the same world, FileExistsError for a seed where there is a world already.
    """
    world = private_folder(private_folder(home) / "world")
    with FileLock(world / "lock", timeout=5, mode=0o600):
        if seed and (world / "detection.sqlite").exists():
            raise FileExistsError(f"A seed is for a new world, and there is one in {world}.")
        _serve_world(home, world, parent, seed)


def _serve_world(home: Path, world: Path, parent: int | None, seed: str) -> None:
    from labkit.sandbox.services import Services

    services = Services(home, world, seed)
    listener = _listen(previous_port(home))
    server = make_server(
        HOST, 0, services.application, threaded=True, request_handler=QuietHandler, fd=listener.fileno()
    )
    url = f"http://{HOST}:{listener.getsockname()[1]}"
    point_aws_cli_at(home / "aws" / "config", url)
    created = psutil.Process().create_time()
    write_state(home, State(os.getpid(), created, url, version("moto"), services.token))
    log.info("serving %s from %s", url, world)

    def stop(signum: int = 0, frame: FrameType | None = None) -> None:
        threading.Thread(target=server.shutdown).start()

    threading.Thread(target=services.load, daemon=True).start()
    threading.Thread(target=_watch, args=(services, parent, stop), daemon=True).start()
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        server.serve_forever()
    finally:
        remove_state(home)
        services.close()
        log.info("stopped")


def _watch(services: Services, parent: int | None, stop: Callable[[], None]) -> None:
    """Stop when the parent process is gone or nobody has asked for hours."""
    lives_with = psutil.Process(parent) if parent is not None else None
    while True:
        time.sleep(1)
        services.look_after()
        idle = time.monotonic() - services.application.last_request > IDLE_HOURS * 3600
        if idle or (lives_with is not None and not lives_with.is_running()):
            log.info("stopping: %s", "idle" if idle else "JupyterLab ended")
            stop()
            return


def main() -> None:
    """The entry point of the child process; its standard error is the log file."""
    parser = argparse.ArgumentParser(prog="labkit.sandbox.server")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--parent", type=int, default=None)
    parser.add_argument("--seed", default="", help="makes the same ids and keys every time: for throw-away worlds")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    try:
        serve(arguments.home, arguments.parent, arguments.seed)
    except FileExistsError as error:
        sys.exit(str(error))
    except Timeout:
        sys.exit("Another sandbox serves this world already.")


if __name__ == "__main__":
    main()
