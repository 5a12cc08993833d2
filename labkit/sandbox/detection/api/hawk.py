"""Hawk on the detection service's side: requests are verified, replies signed.

Source: https://github.com/mozilla/hawk/blob/main/API.md (the protocol), mohawk's documentation (its receiver).
"""

from __future__ import annotations

import io
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping

from mohawk import Receiver, exc
from werkzeug import Request, Response

SKEW_SECONDS = 60
"""How far a client's clock may be off in either direction; Hawk's usual value."""

_MUST_HASH = {"POST", "PUT", "PATCH"}
"""These methods need a hash, since their body would be unsigned; a GET or DELETE may omit it."""


class HawkRefused(Exception):
    """A request that is not authentic: `message` for the body, `challenge` for `WWW-Authenticate`."""

    def __init__(self, message: str, challenge: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.challenge = challenge or f'Hawk error="{message}"'


class NonceStore:
    """Remembers requests for as long as a replay of one could pass as authentic.

    A request may be dated `SKEW_SECONDS` ahead, so it stays valid for twice that after it came. most: limits memory.
    """

    def __init__(self, most: int = 100_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._came: OrderedDict[tuple[str, str, str], float] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._came)

    def seen(self, user_id: str, nonce: str, timestamp: str) -> bool:
        """Whether this request came before; remembers it. The signature is that of mohawk's `seen_nonce`."""
        now = self._clock()
        with self._lock:
            while self._came and (
                len(self._came) >= self._most or next(iter(self._came.values())) < now - 2 * SKEW_SECONDS - 1
            ):
                self._came.popitem(last=False)
            key = (user_id, nonce, timestamp)
            if key in self._came:
                return True
            self._came[key] = now
            return False


def receive(request: Request, key_of: Callable[[str], str], nonces: NonceStore) -> Receiver:
    """The mohawk receiver of an authentic request, ready to sign the reply.

    key_of: a user's API key; raises LookupError for an unknown user. Raises HawkRefused with the messages of the Hawk
    protocol's own implementation, which say what to fix: the user id, the key or the clock.
    """
    header = request.headers.get("Authorization", "")
    try:
        receiver = Receiver(
            lambda user_id: {"id": user_id, "key": key_of(user_id), "algorithm": "sha256"},
            header,
            _signed_url(request),
            request.method,
            seen_nonce=nonces.seen,
            timestamp_skew_in_seconds=SKEW_SECONDS,
            **_content(request, header),
        )
    except exc.TokenExpired as expired:
        # The challenge holds our time, signed with the user's key, so that a client can compute its offset.
        raise HawkRefused("Stale timestamp", expired.www_authenticate) from expired
    except (exc.HawkFail, KeyError, ValueError) as fault:
        # mohawk raises KeyError for a header without id, ts or nonce, ValueError for one without attributes.
        raise HawkRefused(_WORDS.get(type(fault), "Invalid Hawk header")) from fault
    if request.method in _MUST_HASH and "hash" not in receiver.parsed_header:
        raise HawkRefused("Missing required payload hash")
    return receiver


_WORDS: Mapping[type[Exception], str] = {
    exc.MissingAuthorization: "Missing Hawk header",
    exc.CredentialsLookupError: "Unknown credentials",
    exc.MacMismatch: "Bad mac",
    exc.MisComputedContentHash: "Bad payload hash",
    exc.AlreadyProcessed: "Invalid nonce",
}


def _signed_url(request: Request) -> str:
    """The URL as the client signed it: its own Host header with the port, path and query as received, undecoded.

    Behind a proxy that terminates TLS the client signed port 443. Trusting the proxy's header only changes which
    signature is expected, so it admits nothing.
    """
    scheme = request.headers.get("X-Forwarded-Proto", request.scheme)
    return f"{scheme}://{request.headers.get('Host', '')}{request.environ['RAW_URI']}"


def _content(request: Request, header: str) -> dict[str, object]:
    """mohawk's arguments about the body: a hash, where the header has one, must cover the bytes that came.

    An attribute's value cannot hold a double quote, so the plain search is safe.
    """
    if 'hash="' in header:
        return {"content": _LazyBody(request), "content_type": request.headers.get("Content-Type", "")}
    return {"accept_untrusted_content": True}


class _LazyBody:
    """A request's body as a file, which is read only when mohawk asks for it: after it has checked the signature.

    A file, since mohawk formats a plain body for a debug line that nobody reads (85 µs a kB).
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._content: io.BytesIO | None = None

    def read(self, size: int) -> bytes:
        if self._content is None:
            self._content = io.BytesIO(self._request.get_data())
        return self._content.read(size)


def sign_reply(receiver: Receiver, response: Response) -> None:
    """Add `Server-Authorization`, which covers the reply's body and its Content-Type."""
    response.headers["Server-Authorization"] = receiver.respond(
        content=io.BytesIO(response.get_data()), content_type=response.headers.get("Content-Type", "")
    )
