"""The addresses at which the services in use answer: what must never be denied, whatever an alert says."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit


class EndpointAddresses:
    """Every address that the services' hosts were found at so far; a host's name may give others each time.

    urls: each service's name for people, and where it answers.
    """

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._urls = dict(urls)
        self._known: dict[str, str] = {}

    def __call__(self) -> Mapping[str, str]:
        """Each address with its service's name. A host that cannot be found now keeps the addresses it had."""
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
    except OSError:
        return []
    return [str(each[4][0]).partition("%")[0] for each in found]
