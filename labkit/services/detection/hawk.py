"""Hawk authentication for `requests`: signs each request and checks each reply."""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING, Any

from labkit.model.errors import InvalidInput

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

_DAY_SECONDS = 86_400
_UNSIGNED = {401, 429}


class NotAuthentic(Exception):
    """A reply without the service's signature, or with one for another key or body."""


class HawkAuth:
    """Signs a request, and checks the signature of its reply; `requests` takes it as `auth`.

    Raises InvalidInput for malformed values, and, while `requests` reads the reply, NotAuthentic. A reply that refuses
    an unknown caller is not signed.
    """

    def __init__(self, user_id: str, api_key: str, organization_id: str) -> None:
        user_id, api_key = _checked("TS_USER_ID", user_id), _checked("TS_API_KEY", api_key)
        self._credentials = {"id": user_id, "key": api_key, "algorithm": "sha256"}
        self._organization_id = _checked("TS_ORGANIZATION_ID", organization_id)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        from mohawk import Sender
        from mohawk.exc import HawkFail

        # It warns about every reply that no nonce is checked; a reply has none, its signature covers the request's.
        logging.getLogger("mohawk.base").setLevel(logging.ERROR)
        # The service's own clients hash a body where there is one, and leave the hash out of a GET.
        content = (
            {"content": request.body, "content_type": request.headers["Content-Type"]}
            if request.body
            else {"always_hash_content": False}
        )
        sender = Sender(dict(self._credentials), request.url, request.method, ext=self._organization_id, **content)
        request.headers["Authorization"] = sender.request_header

        def check(response: Response, **_: Any) -> None:
            if response.status_code in _UNSIGNED or response.status_code >= 500:
                return
            try:
                sender.accept_response(
                    response.headers.get("Server-Authorization", ""),
                    content=io.BytesIO(response.content),  # mohawk formats plain bytes for its log, at 85 µs a kB
                    content_type=response.headers.get("Content-Type", ""),
                    # Compares our own clock with itself: a laptop may sleep between a request and its reply.
                    timestamp_skew_in_seconds=_DAY_SECONDS,
                )
            except (HawkFail, ValueError) as error:  # mohawk raises ValueError if the header is missing
                raise NotAuthentic from error

        request.register_hook("response", check)
        return request


def _checked(field: str, value: str) -> str:
    """A value that is valid in a header. No message shows it, since it may be the key."""
    value = value.strip()
    if value and value.isascii() and value.isalnum():
        return value
    raise InvalidInput(
        f"{field} is empty." if not value else f"{field} contains a character that is not allowed.",
        "User id, API key and organization id consist of digits and letters.",
        f"Copy {field} again, whole and without quotes.",
        field=field,
    )
