"""Where a service answers."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_loopback(url: str) -> bool:
    """Whether a URL points to this machine, so that no proxy may see its traffic.

    >>> is_loopback("http://127.0.0.1:8080/v2"), is_loopback("https://example.com")
    (True, False)
    """
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
