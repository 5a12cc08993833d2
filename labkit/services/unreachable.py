"""The errors that all services share when no trusted server answers at their endpoint."""

from __future__ import annotations

from labkit.model.endpoint import is_loopback
from labkit.model.errors import ServiceUnreachable
from labkit.services.environment import CLASS_FILE, home_folder

RESTARTING = (
    "It may be restarting: wait a moment, then run this again. If it still does not answer, ask your instructor."
)


def retry_advice(url: str, remote: str = RESTARTING) -> str:
    """What to do if nothing answers; remote: the advice for an address that is not on this machine."""
    if is_loopback(url) and not (home_folder() / CLASS_FILE).exists():  # a class is started by its instructor
        return "Start the sandbox (labkit sandbox start), then run this again."
    return remote


def untrusted(url: str) -> ServiceUnreachable:
    """The error for a server whose certificate the lab does not trust."""
    return ServiceUnreachable(
        f"The server at {url} has a certificate that the lab does not trust.",
        "It may be another program, or the certificate was replaced. The lab sent nothing to it.",
        "Ask your instructor. In a class, join again with the whole block: labkit join",
    )
