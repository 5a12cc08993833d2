"""The one certificate to trust at a class's sandbox: fetched once and compared with its fingerprint."""

from __future__ import annotations

import ssl
from pathlib import Path
from urllib.parse import urlsplit

from labkit.files import disk_errors, write_private
from labkit.model.errors import LabError, ServiceUnreachable
from labkit.sandbox.classroom.certificate import fingerprint

CONNECT_SECONDS = 5


class WrongCertificate(LabError):
    """The server at the class's address has another certificate than the one to trust."""


def pinned(url: str, wanted: str, file: Path) -> Path:
    """The file with the certificate of this fingerprint, fetched if it is not there yet.

    Raises WrongCertificate, ServiceUnreachable if nothing answers, LabError if the file cannot be written.
    """
    if _fingerprint_in(file) != wanted:
        text = fetch(url, wanted)
        with disk_errors(file.parent):
            write_private(file, text)
    return file


def fetch(url: str, wanted: str) -> str:
    """The certificate (PEM) of the server at a URL. Raises WrongCertificate if its fingerprint differs."""
    parts = urlsplit(url)
    try:
        text = ssl.get_server_certificate((parts.hostname or "", parts.port or 443), timeout=CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        said = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ServiceUnreachable(
            f"Nothing answers with TLS at {url}.",
            f"The connection failed: {said}.",
            "Ask your instructor whether the class's sandbox runs, and whether your network reaches it.",
        ) from error
    found = fingerprint(ssl.PEM_cert_to_DER_cert(text))
    if found == wanted:
        return text
    raise WrongCertificate(
        f"The server at {url} has another certificate than the one in your block.",
        f"Its fingerprint begins {found[:23]}, and yours {wanted[:23]}: another program answers there, or the class's "
        "certificate was replaced.",
        "Compare the fingerprint with your instructor's. If it has changed there, join again with a new block.",
    )


def _fingerprint_in(file: Path) -> str:
    try:
        return fingerprint(ssl.PEM_cert_to_DER_cert(file.read_text(encoding="ascii")))
    except (OSError, ValueError):
        return ""
