"""The one certificate that a student trusts at a class's sandbox: fetched once, and compared with its fingerprint."""

from __future__ import annotations

import ssl
from pathlib import Path
from urllib.parse import urlsplit

from labkit.files import disk_errors, write_private
from labkit.model.errors import LabError, ServiceUnreachable
from labkit.sandbox.classroom.certificate import fingerprint

CONNECT_SECONDS = 5


class WrongCertificate(LabError):
    """What answers at the class's address shows another certificate than the one to trust."""


def pinned(url: str, wanted: str, file: Path) -> Path:
    """The file that holds the certificate with this fingerprint; fetched where it does not yet.

    Raises WrongCertificate, ServiceUnreachable when nothing answers there, LabError when the file cannot be kept.
    """
    if _fingerprint_in(file) != wanted:
        text = fetch(url, wanted)
        with disk_errors(file.parent):
            write_private(file, text)
    return file


def fetch(url: str, wanted: str) -> str:
    """The certificate (PEM) that is shown at a URL, which has to be the one with this fingerprint."""
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
        f"What answers at {url} shows another certificate than the one you were told.",
        f"Its fingerprint begins {found[:23]}, and yours {wanted[:23]}: another program answers there, or the class's "
        "certificate was made anew.",
        "Compare the fingerprint with your instructor's. If it has changed there, join again with a new block.",
    )


def _fingerprint_in(file: Path) -> str:
    try:
        return fingerprint(ssl.PEM_cert_to_DER_cert(file.read_text(encoding="ascii")))
    except (OSError, ValueError):
        return ""
