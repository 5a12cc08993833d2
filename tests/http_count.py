"""Every HTTP request of this process, counted."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def requests_counted() -> Iterator[list[str]]:
    """Every HTTP request that this process sends meanwhile, whichever library sends it, as `METHOD /path`."""
    sent: list[str] = []
    send = http.client.HTTPConnection.putrequest

    def counted(self: http.client.HTTPConnection, method: str, url: str, *more: bool, **options: bool) -> None:
        sent.append(f"{method} {url.partition('?')[0]}")
        send(self, method, url, *more, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(http.client.HTTPConnection, "putrequest", counted)
        yield sent
