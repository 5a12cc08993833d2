"""Where a service answers."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

from labkit.model.errors import InvalidInput


def url_parts(url: str) -> SplitResult:
    """A URL taken apart; "" has no parts. Raises InvalidInput for one without scheme or host, or of another form.

    >>> url_parts("https://example.com:8443").port
    8443
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
        if url and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError("It must begin with http:// or https://, and name a host")
    except ValueError as error:
        raise InvalidInput(
            f"“{url}” is no URL.", f"{error}.", "Correct it where it is set, or join the class again: labkit join"
        ) from error
    return parts


def is_loopback(url: str) -> bool:
    """Whether a URL points to this machine, so that no proxy may see its traffic. Raises InvalidInput as above.

    >>> is_loopback("http://127.0.0.1:8080/v2"), is_loopback("https://example.com")
    (True, False)
    """
    host = url_parts(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
