"""Serves the board's page on the loopback address until it is stopped."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from werkzeug.serving import WSGIRequestHandler, make_server

from labkit.classroom.board import TOKEN_VARIABLE
from labkit.classroom.board.page import create_app
from labkit.classroom.board.refresh import Refresher
from labkit.classroom.board.step_times import StepTimes
from labkit.classroom.board.table import TEMPLATES, Board
from labkit.files import write_private
from labkit.model.errors import LabError
from labkit.views.render import render

HOST = "127.0.0.1"


class Undelayed(WSGIRequestHandler):
    """Sends each part of a reply at once."""

    disable_nagle_algorithm = True


class BoardServer:
    """A board at an address. take: reads the services. port: 0 for any free one.

    Raises LabError if the port is in use.
    """

    def __init__(self, take: Callable[[], Board], port: int = 0) -> None:
        given = os.environ.pop(TOKEN_VARIABLE, "")
        self.proxied = bool(given)
        self._token = given or secrets.token_urlsafe(24)
        self._listener = _listen(port)
        times = StepTimes()
        app = create_app(Refresher(lambda: times.timed(take())).latest, self._token)
        # Logs nothing: the first address contains the token, and a page asks every second.
        logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
        self._server = make_server(HOST, 0, app, threaded=True, request_handler=Undelayed, fd=self._listener.fileno())

    @property
    def url(self) -> str:
        """The address that opens it, with the token."""
        return f"http://{HOST}:{self._listener.getsockname()[1]}/?token={self._token}"

    def serve(self) -> None:
        """Serve until interrupted, or until the proxy that started this process has ended."""
        if self.proxied:
            threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
        try:
            self._server.serve_forever()
        finally:
            self._server.server_close()
            self._listener.close()


@contextmanager
def opened_in_browser(url: str, folder: Path) -> Iterator[None]:
    """Open the address in the browser through a private file: everybody can read a process's arguments."""
    file = folder / "open-board.html"
    write_private(file, str(render(f"{TEMPLATES}:opener.html.j2", url=url)))
    try:
        webbrowser.open(file.as_uri())
        yield
    finally:
        file.unlink(missing_ok=True)


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise LabError(
            f"The board cannot listen on port {port}.",
            f"The system reports: {error.strerror}.",
            "Choose another port, or leave --port out to use a free one.",
        ) from error
    listener.listen(128)
    return listener


def _end_with(parent: int) -> None:
    """End this process after its parent; not with 0, which a proxy would take for success."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
