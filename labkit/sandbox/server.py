"""The sandbox: one process, one port on 127.0.0.1, and for a class one more, the real protocols of both services.

`python -m labkit.sandbox.server --home FOLDER` answers at once and loads moto in a thread meanwhile.
"""

from __future__ import annotations

import argparse
import logging
import os
import resource
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Protocol

import psutil
from filelock import FileLock, Timeout

from labkit.files import private_folder
from labkit.model.errors import LabError
from labkit.sandbox.aws.cli_files import point_aws_cli_at
from labkit.sandbox.classroom import settings as class_settings
from labkit.sandbox.classroom.settings import ClassSettings
from labkit.sandbox.dispatcher import Dispatcher
from labkit.sandbox.http import Server, listen
from labkit.sandbox.state import State, previous_port, remove_state, write_state

HOST = "127.0.0.1"
IDLE_HOURS = 12
MOST_FILES = 65_536

log = logging.getLogger("labkit.sandbox")


class Served(Protocol):
    """What a process of the lab serves on this machine: the sandbox, or in a class a student's host."""

    application: Dispatcher

    def load(self) -> None:
        """Load what takes long, while HTTP is answered already."""

    def tick(self) -> None:
        """What is done every second."""


def listen_here(home: Path, served: ClassSettings | None = None) -> socket.socket:
    """The listener of this machine: on a class's own port, else on the port of before if it is free, else on any."""
    if served is not None and not served.beside:
        return _listen_for(served)
    try:
        return listen(HOST, previous_port(home))
    except OSError:
        return listen(HOST, 0)


def _listen_for(served: ClassSettings) -> socket.socket:
    """The listener of a class: on that address and port, or on none, since its students know no other."""
    try:
        return listen(served.host, served.port)
    except OSError as error:
        raise LabError(
            f"The class's port {served.port} at {served.host} cannot be had: {error.strerror}.",
            "Another program listens there, or the address is no longer one of this machine.",
            "Free it, or say `labkit sandbox start --host ADDRESS --port PORT` for another.",
        ) from error


def _context(served: ClassSettings) -> ssl.SSLContext | None:
    if not served.tls:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(served.certificate, served.key, password=lambda: "")
    except OSError as error:
        raise LabError(
            f"The class's certificate cannot be used: {getattr(error, 'reason', None) or error.strerror}.",
            f"It is {served.certificate}, with the key {served.key}.",
            "Put them back, or say `labkit sandbox start --cert FILE --key FILE`.",
        ) from error
    return context


def serve(home: Path, parent: int | None = None, seed: str = "") -> None:
    """Serve the world in `home` until SIGTERM, until nobody asked for twelve hours, or until `parent` (a pid) ended.

    Where the home serves a class, only SIGTERM ends it: a class outlives its instructor's JupyterLab and a night.
    seed: what all ids and keys of a new world derive from, for a throw-away world. Raises filelock.Timeout when another
    sandbox serves the same world, LabError for a seed where there is a world already or a class that cannot be served.
    """
    world = private_folder(private_folder(home) / "world")
    with FileLock(world / "lock", timeout=5, mode=0o600):
        if seed and (world / "detection.sqlite").exists():
            raise LabError(f"A seed is for a new world, and there is one in {world}.")
        _serve_world(home, world, parent, seed)


def _serve_world(home: Path, world: Path, parent: int | None, seed: str) -> None:
    from labkit.sandbox.services import Services

    served = class_settings.load(home)
    here = listen_here(home, served)
    services = Services(home, world, seed, served)
    servers = [Server(here, services.application)]
    if served is not None and served.beside:
        servers.append(Server(_listen_for(served), services.application, _context(served), outside=True))
    url = announce(home, here, services.token)
    point_aws_cli_at(home / "aws" / "config", url)
    log.info("serving %s from %s%s", url, world, f", and a class at {served.url}" if served else "")
    serve_until_stopped(servers, services, None if served else parent, lasts=served is not None)
    remove_state(home)
    services.close()
    log.info("stopped")


def announce(home: Path, here: socket.socket, token: str) -> str:
    """Say in the home's state file where this process answers, and what opens its control calls; the URL."""
    url = f"http://{HOST}:{here.getsockname()[1]}"
    write_state(home, State(os.getpid(), psutil.Process().create_time(), url, version("moto"), token))
    return url


def serve_until_stopped(servers: list[Server], services: Served, parent: int | None, lasts: bool = False) -> None:
    """Serve until SIGTERM, until `parent` (a pid) ended, or until nobody has asked for hours, unless it `lasts`."""
    stopped = threading.Event()

    def stop(signum: int = 0, frame: FrameType | None = None) -> None:
        stopped.set()

    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    threading.Thread(target=services.load, daemon=True).start()
    threading.Thread(target=_watch, args=(services, parent, stop, lasts), daemon=True).start()
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    stopped.wait()
    for server in servers:
        server.shutdown()


def _watch(services: Served, parent: int | None, stop: Callable[[], None], lasts: bool) -> None:
    """Stop when the parent process is gone or nobody has asked for hours."""
    try:
        lives_with = psutil.Process(parent) if parent is not None else None
    except psutil.NoSuchProcess:  # it ended while this one was starting
        stop()
        return
    while True:
        time.sleep(1)
        services.tick()
        idle = not lasts and time.monotonic() - services.application.last_request > IDLE_HOURS * 3600
        if idle or (lives_with is not None and not lives_with.is_running()):
            log.info("stopping: %s", "idle" if idle else "JupyterLab ended")
            stop()
            return


def _allow_many_connections() -> None:
    """A class keeps some hundred connections open, each with its share of the database's files; many systems let a
    program have 1024 files until it asks for more."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if most == resource.RLIM_INFINITY else min(most, MOST_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _use_own_aws_settings() -> None:
    """Drop the caller's AWS and moto settings: moto makes a boto3 session when it is imported, and would fail on a
    profile that does not exist or on a damaged configuration file."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "MOTO_"))]:
        del os.environ[name]
    os.environ |= dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)


def main() -> None:
    """The entry point of the child process; its standard error is the log file."""
    parser = argparse.ArgumentParser(prog="labkit.sandbox.server")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--parent", type=int, default=None)
    parser.add_argument("--seed", default="", help="makes the same ids and keys every time: for throw-away worlds")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    _allow_many_connections()
    _use_own_aws_settings()
    try:
        serve(arguments.home, arguments.parent, arguments.seed)
    except LabError as error:
        sys.exit(str(error))
    except Timeout:
        sys.exit("Another sandbox serves this world already.")


if __name__ == "__main__":
    main()
