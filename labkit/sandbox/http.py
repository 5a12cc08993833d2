"""HTTP as the sandbox speaks it: kept connections, one write a reply, TLS where it is served beyond this machine.

werkzeug's own handler closes every connection after its reply, which costs each call a new connection and, with TLS,
a new handshake; and its server would do a handshake before it accepts the next connection.
"""

from __future__ import annotations

import logging
import re
import socket
import ssl
from collections.abc import Callable, Iterable
from typing import IO, Any, cast

from werkzeug.exceptions import ClientDisconnected
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wsgi import LimitedStream

WSGIApp = Callable[[dict[str, Any], Any], Iterable[bytes]]

OUTSIDE = "labkit.outside"
"""The WSGI environment's key that is true where a request came to the listener for others than this machine."""

IDLE_SECONDS = 90.0
"""How long a connection on which nothing is asked is kept; also how long a handshake or a request may take to come."""

MOST_LEFT_OVER = 16_000_000
"""Bytes of a body that nobody wanted which are read all the same, so that its sender gets to see the refusal."""

_FAULT = ("500 INTERNAL SERVER ERROR", [("Content-Type", "text/plain")], b"The sandbox met a fault of its own.\n")
_NO_ADDRESS = ("400 BAD REQUEST", [("Content-Type", "text/plain")], b"The request names no address.\n")
_NO_LENGTH = ("411 LENGTH REQUIRED", [("Content-Type", "text/plain")], b"A body needs its Content-Length.\n")

_LENGTH = re.compile(r"[0-9]{1,18}")

log = logging.getLogger("labkit.sandbox")
Reply = tuple[str, list[tuple[str, str]], bytes]


class Handler(WSGIRequestHandler):
    """One connection, in a thread of its own, from its first request to its last."""

    server: Server
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.1"  # the standard library's own, 0.9, has replies without a status
    path = ""
    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS

    def make_environ(self) -> dict[str, Any]:
        environ = super().make_environ()
        environ[OUTSIDE] = self.server.outside
        return environ

    def run_wsgi(self) -> None:
        """Answer one request; leave the connection ready for the next, or closed."""
        lengths = self.headers.get_all("Content-Length", ["0"])  # of two, another program may believe the other one
        length = lengths[0].strip()
        if "Transfer-Encoding" in self.headers or len(lengths) > 1 or not _LENGTH.fullmatch(length):
            self._send(_NO_LENGTH, drained=False)
            return
        body = LimitedStream(cast(IO[bytes], self.rfile), int(length))
        try:
            environ = self.make_environ() | {"wsgi.input": body}
        except ValueError:  # an address with half a bracket
            self._send(_NO_ADDRESS, drained=False)
            return
        try:
            reply = answer(self.server.app, environ)
        except Exception:  # the edge: what no application of ours caught is logged, and the client told
            log.exception("%s %s failed", self.command, environ["PATH_INFO"])
            reply = _FAULT
        self._send(reply, drained=_drained(body, int(length)))

    def _send(self, reply: Reply, drained: bool) -> None:
        status, headers, content = reply
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in headers:
            if name.lower() not in ("content-length", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        if not drained:
            self.send_header("Connection", "close")
        # The headers and the body in one write: two would be two packets, and with TLS two records.
        self._headers_buffer += [b"\r\n", b"" if self.command == "HEAD" else content]  # type: ignore[attr-defined]
        self.flush_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Method, path and status only, since a query may hold a ticket."""
        log.info("%s %s %s", self.command, self.path.split("?", 1)[0], code)


def answer(app: WSGIApp, environ: dict[str, Any]) -> Reply:
    """The whole reply of an application."""
    begun: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        begun[:] = [status, headers]

    parts = app(environ, start_response)
    try:
        content = b"".join(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()
    return begun[0], begun[1], content


def _drained(body: LimitedStream, length: int) -> bool:
    """Whether what was left of a request's body is read, so that the next request begins where it should."""
    if length > MOST_LEFT_OVER:
        return body.is_exhausted
    try:
        while body.read(65536):
            pass
    except (ClientDisconnected, OSError):
        return False
    return True


class Server(ThreadedWSGIServer):
    """Serves an application on a listening socket, a thread a connection.

    context: of TLS; None without it. outside: the listener is for others than this machine.
    """

    def __init__(
        self, listener: socket.socket, app: WSGIApp, context: ssl.SSLContext | None = None, outside: bool = False
    ) -> None:
        host, port = listener.getsockname()[:2]
        super().__init__(host, port, app, Handler, fd=listener.fileno())
        self.context = self.ssl_context = context
        self.outside = outside

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection. A handshake is done here, in the connection's own thread: one that never comes to its
        end keeps nobody waiting."""
        if self.context is None:
            super().finish_request(request, client_address)
            return
        request.settimeout(IDLE_SECONDS)
        try:
            with self.context.wrap_socket(request, server_side=True) as secured:
                super().finish_request(secured, client_address)
        except OSError as fault:  # ssl.SSLError too: a client that does not trust us, or does not speak TLS
            log.info("a connection ended: %s", getattr(fault, "reason", "") or type(fault).__name__)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket at an address; port 0 is any. Raises OSError when it cannot be had."""
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    listener = socket.socket(family, kind)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(512)
    except OSError:
        listener.close()
        raise
    return listener
