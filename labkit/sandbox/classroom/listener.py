"""The address that a class's students connect to."""

from __future__ import annotations

import socket
import ssl

from labkit.model.errors import LabError
from labkit.sandbox.classroom.settings import ClassSettings
from labkit.sandbox.http import listen


def listen_for_class(served: ClassSettings) -> socket.socket:
    """A listener on the class's address and port. Raises LabError if they are in use: students know no others."""
    try:
        return listen(served.host, served.port)
    except OSError as error:
        raise LabError(
            f"The sandbox cannot listen on the class's port {served.port} at {served.host}: {error.strerror}.",
            "Another program listens there, or this machine no longer has that address.",
            "Free the port, or choose another with `labkit sandbox start --host ADDRESS --port PORT`.",
        ) from error


def tls_context(served: ClassSettings) -> ssl.SSLContext | None:
    """The context with the class's certificate; None without TLS. Raises LabError if the files cannot be used."""
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
            "Restore these files, or run `labkit sandbox start --cert FILE --key FILE`.",
        ) from error
    return context
