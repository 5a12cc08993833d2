"""The addresses of the services in use, which the responder must never deny."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit


class EndpointAddresses:
    """All addresses that the services' host names have resolved to so far; they may change.

    urls: the URL of each service, by its display name.
    """

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._urls = dict(urls)
        self._known: dict[str, str] = {}

    def __call__(self) -> Mapping[str, str]:
        """Each address with its service's name. A host that does not resolve now keeps its known addresses."""
        for name, url in self._urls.items():
            for address in _addresses_of(urlsplit(url).hostname or ""):
                self._known.setdefault(address, name)
        return dict(self._known)


def _addresses_of(host: str) -> list[str]:
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError):  # no such name, or no name at all
        return []
    return [str(each[4][0]).partition("%")[0] for each in found]
