"""A small internet: a resolver, a web page at every address, and a service that sends a byte now and then.

Each service answers at every address that is routed to it, in the range all of them. Other ports refuse.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

from labkit.range.dns import answer

PAGE_PORTS, DRIP_PORT, DNS_PORT = (80, 8080), 7777, 53
_LONGEST_REQUEST = 16384
_PATIENCE_SECONDS = 10
_DRIP_SECONDS = 0.05

_MAD_HOST = "dadismad.com"
_MAD_FACE = r"""
     .-------.
    / --\ /-- \
   |   o   o   |    DAD IS MAD
   |    .-.    |
    \  /   \  /
     '-------'

"""

Service = Callable[[socket.socket], None]


def serve_pages(port: int, address: str = "") -> int:
    """Serve a page on a port of every address, or of one; returns the port."""
    return _serve(port, address, _page)


def serve_drips(port: int, address: str = "") -> int:
    """Serve a byte every 50 ms, to show what happens to an open connection; returns the port."""
    return _serve(port, address, _drip)


def serve_dns(address: str, port: int = DNS_PORT) -> int:
    """Answer DNS queries at an address; returns the port. Raises OSError if it is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind((address, port))
    threading.Thread(target=_answer_queries, args=(listener,), daemon=True).start()
    return int(listener.getsockname()[1])


def _serve(port: int, address: str, service: Service) -> int:
    if not address and socket.has_dualstack_ipv6():
        listener = socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=128)
    else:
        listener = socket.create_server((address, port), backlog=128)
    threading.Thread(target=_accept, args=(listener, service), daemon=True).start()
    return int(listener.getsockname()[1])


def _accept(listener: socket.socket, service: Service) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:  # it gave up before it was accepted, or too many are open
            continue
        threading.Thread(target=_attend, args=(connection, service), daemon=True).start()


def _attend(connection: socket.socket, service: Service) -> None:
    with connection:
        try:
            connection.settimeout(_PATIENCE_SECONDS)
            service(connection)
        except OSError:  # the other side is gone or out of reach
            return


def _page(connection: socket.socket) -> None:
    request = b""
    while b"\r\n\r\n" not in request and len(request) < _LONGEST_REQUEST:
        if not (more := connection.recv(4096)):
            return
        request += more
    here = connection.getsockname()[0].removeprefix("::ffff:")
    connection.sendall(page(request, here))


def page(request: bytes, here: str) -> bytes:
    """The reply to an HTTP request. here: the address it reached, shown unless it is loopback. Source: RFC 9112.

    >>> print(page(b"GET / HTTP/1.1\\r\\nHost: dadismad.com\\r\\n\\r\\n", "203.0.113.10").decode().splitlines()[5])
    You reached dadismad.com at 203.0.113.10.
    """
    lines = request.decode("ascii", "replace").split("\r\n")
    named = next((line[5:].strip() for line in lines if line.lower().startswith("host:")), "")
    host = "".join(letter for letter in named[:255] if letter.isalnum() or letter in ".-:[]") or "a host"
    where = "" if here.startswith("127.") else f" at {here}"
    face = _MAD_FACE if host.endswith(_MAD_HOST) else ""
    body = f"You reached {host}{where}.\n{face}From the range: nothing left this machine.\n"
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return (head if lines[0].startswith("HEAD ") else head + body).encode("ascii", "replace")


def _drip(connection: socket.socket) -> None:
    connection.settimeout(None)
    while True:
        connection.sendall(b".")
        time.sleep(_DRIP_SECONDS)


def _answer_queries(listener: socket.socket) -> None:
    while True:
        query, asker = listener.recvfrom(512)
        try:
            listener.sendto(answer(query), asker)
        except (ValueError, OSError):  # not a query, or the asker is gone
            continue
