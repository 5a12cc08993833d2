"""The sandbox's process: it serves AWS and the detection service at one port of 127.0.0.1, and a class at one more.

`python -m labkit.sandbox.server --home FOLDER` answers at once, while a thread loads moto.
"""

from __future__ import annotations

import argparse
import logging
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Protocol

import psutil
from filelock import FileLock, Timeout

from labkit.aws_config import point_aws_cli_at
from labkit.files import private_folder
from labkit.model.errors import LabError
from labkit.sandbox.classroom import settings as class_settings
from labkit.sandbox.classroom.listener import listen_for_class, tls_context
from labkit.sandbox.dispatcher import Dispatcher
from labkit.sandbox.http import Server, listen
from labkit.sandbox.state import State, previous_port, remove_state, write_state

HOST = "127.0.0.1"
IDLE_HOURS = 12
MAX_OPEN_FILES = 65_536
MOST_LOG_BYTES = 50_000_000
SWITCH_SECONDS = 0.001
"""How long a thread may run while others wait; Python's 0.005 makes short requests wait for long ones."""

log = logging.getLogger("labkit.sandbox")


class ServedApp(Protocol):
    """What a process of the lab serves on this machine: the sandbox, or a student's host in a class."""

    application: Dispatcher

    def load(self) -> None:
        """Load the slow parts, while HTTP is answered already."""

    def tick(self) -> None:
        """Called every second."""


def listen_locally(home: Path) -> socket.socket:
    """A listener for this machine only: on the previous port if it is free, else on any."""
    try:
        return listen(HOST, previous_port(home))
    except OSError:
        return listen(HOST, 0)


def serve(home: Path, parent: int | None = None, seed: str = "") -> None:
    """Serve this home until SIGTERM, until no request came for twelve hours, or until `parent` (a pid) ended.

    If the home serves a class, only SIGTERM ends it: a class outlives its instructor's JupyterLab and a night.
    seed: all ids and keys of a new home derive from it; for throw-away homes. Raises filelock.Timeout if another
    sandbox serves this home, LabError for a seed in a home that has state already, or a class that cannot be served.
    """
    folder = private_folder(private_folder(home) / "world")
    with FileLock(folder / "lock", timeout=5, mode=0o600):
        if seed and (folder / "detection.sqlite").exists():
            raise LabError(f"A seed needs a new home, but {folder} has state already.")
        _serve_locked(home, folder, parent, seed)


def _serve_locked(home: Path, folder: Path, parent: int | None, seed: str) -> None:
    from labkit.sandbox.app import SandboxApp

    served = class_settings.load(home)
    local = listen_for_class(served) if served and not served.beside else listen_locally(home)
    app = SandboxApp(home, folder, seed, served)
    servers = [Server(local, app.application)]
    if served is not None and served.beside:
        servers.append(Server(listen_for_class(served), app.application, tls_context(served), outside=True))
    url = announce(home, local, app.token)
    point_aws_cli_at(home / "aws" / "config", url)
    log.info("serving %s at %s%s", folder, url, f", and at {served.url}" if served else "")
    is_class = served is not None and served.size > 0
    serve_until_stopped(servers, app, None if is_class else parent, stops_when_idle=not is_class)
    remove_state(home)
    app.close()
    log.info("stopped")


def announce(home: Path, local: socket.socket, token: str) -> str:
    """Write the home's state file: where this process answers, and what opens its control calls. Returns the URL."""
    url = f"http://{HOST}:{local.getsockname()[1]}"
    write_state(home, State(os.getpid(), hash(psutil.Process()), url, version("moto"), token))
    return url


def serve_until_stopped(
    servers: list[Server], app: ServedApp, parent: int | None, stops_when_idle: bool = True
) -> None:
    """Serve until SIGTERM, until `parent` (a pid) ended, or until no request came for hours."""
    stopped = threading.Event()

    def stop(signum: int = 0, frame: FrameType | None = None) -> None:
        stopped.set()

    signal.signal(signal.SIGTERM, stop)  # before anybody is answered, who may then stop this process
    signal.signal(signal.SIGINT, stop)
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    threading.Thread(target=app.load, daemon=True).start()
    threading.Thread(target=_watch, args=(app, parent, stop, stops_when_idle), daemon=True).start()
    stopped.wait()
    for server in servers:
        server.shutdown()


def _watch(app: ServedApp, parent: int | None, stop: Callable[[], None], stops_when_idle: bool) -> None:
    """Call `tick` every second; stop when the parent process ended or no request came for hours. Keep the log small."""
    try:
        parent_process = psutil.Process(parent) if parent is not None else None
    except psutil.NoSuchProcess:  # it ended while this one was starting
        stop()
        return
    while True:
        time.sleep(1)
        try:
            _bound_log()
            app.tick()
        except Exception:  # it must not end this thread, which ends the process with its parent
            log.exception("the once-a-second check failed")
        idle = stops_when_idle and time.monotonic() - app.application.last_request > IDLE_HOURS * 3600
        if idle or (parent_process is not None and not parent_process.is_running()):
            log.info("stopping: %s", "idle" if idle else "JupyterLab ended")
            stop()
            return


def _bound_log() -> None:
    """Empty the log, which is this process's error output, when it is large: each request writes a line, also of those
    who have no key."""
    with suppress(OSError):  # a terminal or a pipe
        if os.fstat(sys.stderr.fileno()).st_size > MOST_LOG_BYTES:
            os.ftruncate(sys.stderr.fileno(), 0)


def _allow_many_connections() -> None:
    """Raise the limit of open files, often 1024: a class keeps some hundred connections open, each with several files
    of the database."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_OPEN_FILES if most == resource.RLIM_INFINITY else min(most, MAX_OPEN_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def main() -> None:
    """The entry point of the child process; its standard error is the log file."""
    parser = argparse.ArgumentParser(prog="labkit.sandbox.server")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--parent", type=int, default=None)
    parser.add_argument("--seed", default="", help="makes the same ids and keys every time: for throw-away homes")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    _allow_many_connections()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        serve(arguments.home, arguments.parent, arguments.seed)
    except LabError as error:
        sys.exit(str(error))
    except Timeout:
        sys.exit("Another sandbox serves this home already.")
    except OSError as error:  # a full disk, most likely
        log.exception("the sandbox ended")
        sys.exit(f"The sandbox cannot use its files in {arguments.home}: {type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
