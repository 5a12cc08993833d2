"""Serves the board's page on the loopback address until it is ended."""

from __future__ import annotations

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
from labkit.classroom.board.table import Board
from labkit.classroom.board.watch import Watch
from labkit.files import write_private
from labkit.model.errors import LabError
from labkit.views.render import render

HOST = "127.0.0.1"


class Silent(WSGIRequestHandler):
    """Logs nothing: the address that opens a page holds the token, and a page asks every second."""

    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: object) -> None:
        pass


class BoardServer:
    """A board at an address. take: reads the world. port: 0 for any that is free.

    Raises LabError when the port is taken.
    """

    def __init__(self, take: Callable[[], Board], port: int = 0) -> None:
        given = os.environ.pop(TOKEN_VARIABLE, "")
        self.proxied = bool(given)
        self._token = given or secrets.token_urlsafe(24)
        self._listener = _listen(port)
        app = create_app(Watch(take).look, self._token)
        self._server = make_server(HOST, 0, app, threaded=True, request_handler=Silent, fd=self._listener.fileno())

    @property
    def url(self) -> str:
        """What opens it, the token included."""
        return f"http://{HOST}:{self._listener.getsockname()[1]}/?token={self._token}"

    def serve(self) -> None:
        """Answer until interrupted; where a proxy started it, until that is gone."""
        if self.proxied:
            threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
        try:
            self._server.serve_forever()
        finally:
            self._server.server_close()
            self._listener.close()


@contextmanager
def opened_in_browser(url: str, folder: Path) -> Iterator[None]:
    """Open the address in the web browser, through a private file: anybody can read a process's arguments."""
    file = folder / "open-board.html"
    write_private(file, str(render("board_opener.html.j2", url=url)))
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
            f"The system says: {error.strerror}.",
            "Choose another port, or leave --port out for one that is free.",
        ) from error
    listener.listen(128)
    return listener


def _end_with(parent: int) -> None:
    """End this process once its parent has gone; not with 0, which a proxy would take for good."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
