"""The sandbox's HTTP server: persistent connections, one write per reply, and TLS for clients on other machines.

werkzeug's own handler closes each connection after the reply, so every call would need a new connection and, with TLS,
a new handshake; its server would also finish one handshake before it accepts the next connection.
"""

from __future__ import annotations

import io
import logging
import math
import re
import socket
import ssl
from collections.abc import Callable, Iterable
from email import errors as defects
from http.client import HTTPMessage
from typing import IO, Any, cast

from werkzeug.exceptions import ClientDisconnected
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wsgi import LimitedStream

from labkit.sandbox.chunks import ChunkedTooLarge, MalformedChunks, read_chunked
from labkit.sandbox.connections import ARRIVAL_SECONDS, IDLE_SECONDS, MOST_HEADER_BYTES, ClientConnection, Connections

WSGIApp = Callable[[dict[str, Any], Any], Iterable[bytes]]
Reply = tuple[str, list[tuple[str, str]], bytes]

OUTSIDE = "labkit.outside"
"""The key of the WSGI environment that is true if a request came to the listener for other machines."""

LINES = "application/x-ndjson"
"""The content type of a reply that is sent part by part, each when it comes: a JSON value a line."""

MOST_LEFT_OVER = 16_000_000
"""Most bytes of an unread request body that are read and discarded, so that the sender sees the refusal."""

LEFT_OVER_SECONDS = 1.0
"""How long a reply waits for the rest of an unread body, so that the connection can be kept."""


def _refusal(status: str, words: str) -> Reply:
    return status, [("Content-Type", "text/plain")], f"{words}\n".encode()


_FAULT = _refusal("500 INTERNAL SERVER ERROR", "Internal error in the sandbox; see its log.")
_NO_ADDRESS = _refusal("400 BAD REQUEST", "The request has an invalid address.")
_BAD_HEADERS = _refusal("400 BAD REQUEST", "A line of the headers is malformed.")
_NO_LENGTH = _refusal("411 LENGTH REQUIRED", "A body needs its Content-Length.")
_BAD_CHUNKS = _refusal("400 BAD REQUEST", "The chunks of the body are malformed.")
_TOO_LARGE = _refusal("413 REQUEST ENTITY TOO LARGE", "The body is too large.")
_OTHER_CODING = _refusal("501 NOT IMPLEMENTED", "Of transfer codings, only chunked is known.")

_HEADER_DEFECTS = (
    defects.FirstHeaderLineIsContinuationDefect,
    defects.MisplacedEnvelopeHeaderDefect,
    defects.MissingHeaderBodySeparatorDefect,
)

LONGEST_LOGGED = 200
"""Characters of what a client sent."""

_LENGTH = re.compile(r"[0-9]{1,18}")

log = logging.getLogger("labkit.sandbox")


class Handler(WSGIRequestHandler):
    """One connection, in a thread of its own, from its first request to its last."""

    server: Server
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.1"  # the default, 0.9, has replies without a status
    path = ""
    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS

    def __init__(self, connection: ClientConnection, client_address: Any, server: Server) -> None:
        self._arriving = connection
        super().__init__(connection.link, client_address, server)

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self.rfile = io.BufferedReader(self._arriving)

    def handle_one_request(self) -> None:
        """Wait for a request for as long as a connection may be idle; once it has begun, all of it has a deadline."""
        self._arriving.expect(IDLE_SECONDS)
        begun = self.rfile.peek(1)  # type: ignore[attr-defined]
        self._arriving.expect(ARRIVAL_SECONDS)
        if begun:
            self._arriving.most = MOST_HEADER_BYTES
            super().handle_one_request()
        else:
            self.close_connection = True

    def parse_request(self) -> bool:
        """Read the request line and headers. From Python 3.13.15 on, a request line without a version, which HTTP/0.9
        allows, leaves a dict in place of the headers."""
        parsed = super().parse_request()
        self._arriving.most = math.inf
        if parsed and isinstance(self.headers, dict):
            self.headers = HTTPMessage()
        return parsed

    def make_environ(self) -> dict[str, Any]:
        environ = super().make_environ()
        environ[OUTSIDE] = self.server.outside
        return environ

    def run_wsgi(self) -> None:
        """Answer one request, and leave the connection ready for the next one or closed."""
        taken = self._body()
        if isinstance(taken, tuple):
            self._send(taken, drained=False)
            self._arriving.expect(LEFT_OVER_SECONDS)
            _drained(LimitedStream(cast(IO[bytes], self.rfile), MOST_LEFT_OVER), MOST_LEFT_OVER)
            return
        body, length = taken, taken.limit
        try:
            environ = self.make_environ() | {"wsgi.input": body}
            if environ.pop("HTTP_TRANSFER_ENCODING", None):  # the application gets what was in the chunks
                environ["CONTENT_LENGTH"] = str(length)
        except ValueError:  # an address with half a bracket
            self._send(_NO_ADDRESS, drained=False)
            return
        try:
            status, headers, parts = begin(self.server.app, environ)
            if dict(headers).get("Content-Type", "").startswith(LINES):
                self._send_lines(status, headers, parts)
                return
            reply = status, headers, whole(parts)
        except Exception:  # last resort: log what the application did not catch, and answer 500
            log.exception("%s %s failed", self.command, environ["PATH_INFO"])
            reply = _FAULT
        self._arriving.expect(LEFT_OVER_SECONDS)
        drained = _drained(body, length)
        self._send(reply, drained)
        if not drained:  # who is still sending sees the reply only if we read on
            self._arriving.expect(ARRIVAL_SECONDS)
            _drained(body, length)

    def _body(self) -> LimitedStream | Reply:
        """The request's body; one in chunks has been read to its end. A refusal if it is not clear where it ends, as
        after a malformed header, from which on Python reads no other."""
        if any(isinstance(defect, _HEADER_DEFECTS) for defect in self.headers.defects):
            return _BAD_HEADERS
        lengths = self.headers.get_all("Content-Length", [])  # given two, a proxy may use the other one
        codings = self.headers.get_all("Transfer-Encoding", [])
        stream = cast(IO[bytes], self.rfile)
        if not codings:
            length = lengths[0].strip() if lengths else "0"
            known = len(lengths) < 2 and _LENGTH.fullmatch(length)
            return LimitedStream(stream, int(length)) if known else _NO_LENGTH
        if lengths or self.request_version == "HTTP/1.0":
            return _NO_LENGTH
        if [each.strip().lower() for each in codings] != ["chunked"]:
            return _OTHER_CODING
        try:
            content = read_chunked(stream)
        except MalformedChunks:
            return _BAD_CHUNKS
        except ChunkedTooLarge:
            return _TOO_LARGE
        return LimitedStream(io.BytesIO(content), len(content))

    def _send_lines(self, status: str, headers: list[tuple[str, str]], parts: Iterable[bytes]) -> None:
        """Send each part when it comes, as a chunk (RFC 9112, section 7.1), and close the connection after the last.

        When the client has left, `parts` is closed, and so learns of it.
        """
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in (*headers, ("Transfer-Encoding", "chunked"), ("Connection", "close")):
            self.send_header(name, value)
        try:
            self.end_headers()
            for part in parts:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
            self.wfile.write(b"0\r\n\r\n")
        except OSError as gone:
            log.info("%s: the client left (%s)", self._in_log(), type(gone).__name__)
        finally:
            close(parts)
            self.close_connection = True

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
        """Log method, path and status, but not the query, which may hold a ticket."""
        log.info("%s %s", self._in_log(), code)

    def log_error(self, format: str, *args: Any) -> None:
        """Log why a request could not be read; part of it may be in the words."""
        log.info("%s", (format % args)[:LONGEST_LOGGED])

    def _in_log(self) -> str:
        """Method and path, without the control characters that a client may put there."""
        words = f"{self.command} {self.path.split('?', 1)[0]}"
        return words[:LONGEST_LOGGED].encode("unicode_escape").decode()


def begin(app: WSGIApp, environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], Iterable[bytes]]:
    """The status and headers of an application's reply, and the parts of its content, which are to be closed."""
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        started[:] = [status, headers]

    parts = app(environ, start_response)
    return started[0], started[1], parts


def whole(parts: Iterable[bytes]) -> bytes:
    """All parts of a reply's content as one, closed."""
    try:
        return b"".join(parts)
    finally:
        close(parts)


def close(parts: Iterable[bytes]) -> None:
    """Close the parts of a reply's content, as WSGI asks for."""
    if hasattr(parts, "close"):
        parts.close()


def _drained(body: LimitedStream, length: int) -> bool:
    """Read the rest of a request's body, so that the next request starts in the right place; False if that failed."""
    if length > MOST_LEFT_OVER:
        return body.is_exhausted
    try:
        while body.read(65536):
            pass
    except (ClientDisconnected, OSError):
        return False
    return True


class Server(ThreadedWSGIServer):
    """Serves an application on a listening socket, with a thread per connection.

    context: for TLS; None without it. outside: the listener is for other machines.
    """

    def __init__(
        self, listener: socket.socket, app: WSGIApp, context: ssl.SSLContext | None = None, outside: bool = False
    ) -> None:
        host, port = listener.getsockname()[:2]
        super().__init__(host, port, app, Handler, fd=listener.fileno())
        self.context = self.ssl_context = context
        self.outside = outside
        self._connections = Connections()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection. The TLS handshake runs here, in the connection's own thread, so that a client that never
        finishes it blocks nobody else."""
        connection = ClientConnection(request)
        self._connections.opened(client_address[0], connection)
        try:
            if self.context is not None:
                request.settimeout(ARRIVAL_SECONDS)
                connection.link = self.context.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
                connection.link.do_handshake()
            Handler(connection, client_address, self)
        except OSError as fault:  # ssl.SSLError too: a client that does not trust us, or does not speak TLS
            log.info("a connection ended: %s", getattr(fault, "reason", "") or type(fault).__name__)
        finally:
            self._connections.closed(client_address[0], connection)
            if connection.link is not request:
                connection.link.close()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket at an address; port 0 means any. Raises OSError if the address is unavailable."""
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
