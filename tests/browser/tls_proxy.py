"""A proxy in front of the lab that ends TLS, shows it at another host and path, and removes that path again."""

from __future__ import annotations

import io
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from labkit.sandbox.classroom import certificate

PATH = "/seven/"


@contextmanager
def tls_proxy(listener: socket.socket, folder: Path, port: int) -> Iterator[None]:
    """Serve on the listener what the port of this machine answers."""
    files = folder / "proxy.pem", folder / "proxy.key"
    certificate.make(*files, ["localhost"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    threading.Thread(target=_accept, args=(listener, context, port), daemon=True).start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _accept(listener: socket.socket, context: ssl.SSLContext, port: int) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_forward, args=(client, context, port), daemon=True).start()


def _forward(client: socket.socket, context: ssl.SSLContext, port: int) -> None:
    """One connection: one request and its reply, or a websocket until its end."""
    with suppress(OSError), context.wrap_socket(client, server_side=True) as browser, browser.makefile("rb") as request:
        head = b"".join(iter(request.readline, b"\r\n"))
        with socket.create_connection(("127.0.0.1", port)) as lab, lab.makefile("rb") as reply:
            lab.sendall(_rewritten(head, port) + b"\r\n")
            threading.Thread(target=_pipe, args=(request, lab), daemon=True).start()
            _pipe(reply, browser)


def _pipe(source: io.BufferedReader, target: socket.socket) -> None:
    with suppress(OSError, ValueError):  # ValueError: the other direction has ended and closed it
        while data := source.read1(65536):
            target.sendall(data)


def _rewritten(head: bytes, port: int) -> bytes:
    head = head.replace(f" {PATH}".encode(), b" /", 1)
    head = re.sub(rb"(?im)^host: .*$", f"Host: 127.0.0.1:{port}\r".encode(), head)
    if b"upgrade: websocket" in head.lower():
        return head
    return re.sub(rb"(?im)^connection: .*$", b"Connection: close\r", head)
