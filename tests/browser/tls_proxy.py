"""A proxy in front of the lab that ends TLS, shows it at another host and path, and removes that path again."""

from __future__ import annotations

import asyncio
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

    async def forward(request: asyncio.StreamReader, browser: asyncio.StreamWriter) -> None:
        """One connection: one request and its reply, or a websocket until its end."""
        with suppress(OSError, asyncio.IncompleteReadError):
            head = await request.readuntil(b"\r\n\r\n")
            reply, lab = await asyncio.open_connection("127.0.0.1", port)
            lab.write(_rewritten(head, port))
            sending = asyncio.create_task(_pipe(request, lab))
            await _pipe(reply, browser)
            sending.cancel()
            lab.close()
        browser.close()

    loop = asyncio.new_event_loop()  # of a thread: Playwright's runs in this one
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(asyncio.start_server(forward, sock=listener, ssl=context), loop).result()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _pipe(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()


def _rewritten(head: bytes, port: int) -> bytes:
    head = head.replace(f" {PATH}".encode(), b" /", 1)
    head = re.sub(rb"(?im)^host: .*$", f"Host: 127.0.0.1:{port}\r".encode(), head)
    if b"upgrade: websocket" in head.lower():
        return head
    return re.sub(rb"(?im)^connection: .*$", b"Connection: close\r", head)
