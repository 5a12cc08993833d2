"""The detection service's refusals in the words of a LabError; the one place where its status codes are read."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from labkit.model.endpoint import is_loopback
from labkit.model.errors import CredentialsRefused, LabError, ServiceError, ServiceUnreachable

if TYPE_CHECKING:
    from requests import Response

CLOCK_OFF = "clock"
NOT_AUTHENTIC = "reply-not-authentic"
NOT_JSON = "reply-not-json"
"""Codes of our own, beside the HTTP status codes that every other refusal carries."""


def refusal(response: Response) -> LabError:
    """The error that a reply with a status of 400 or more stands for."""
    status, said = response.status_code, "; ".join(_texts(response))
    if status == 401:
        return _credentials(response, said)
    what = (
        f"The detection service answered {status} to {_call(response)}{': ' + said if said else ''}".rstrip(".") + "."
    )
    why, next_step = _WHY.get(status, ("Something failed inside the service." if status >= 500 else "", ""))
    if status == 429:
        next_step = f"Wait {max(1, round(reset_seconds(response)))} seconds, then run the cell again."
    error = ServiceError(
        what, why, next_step or "Run the cell again; if it stays, tell the instructor.", code=str(status)
    )
    error.retry_after_seconds = reset_seconds(response) if status == 429 else None
    return error


_WHY = {
    400: (
        "A value in the request is not one that it accepts.",
        "Mend the value that is named, then run the cell again.",
    ),
    403: (
        "The user may not do this: a reader may only look, a student of a class changes only rules that bear their "
        "number, and the organization must be one of the user's.",
        "Check the student number and TS_ORGANIZATION_ID, or take the keys of a user who may change rules.",
    ),
    404: (
        "There is no such thing in this organization, or no longer.",
        "Look again at the list that the id came from.",
    ),
    409: ("The name is taken.", "Take another name, or use what is there."),
    429: ("The organization has used up its requests for this minute.", ""),
}


def reset_seconds(response: Response) -> float:
    """How long until the organization may ask again; the header counts milliseconds from now."""
    try:
        return int(response.headers.get("x-rate-limit-reset", "")) / 1000
    except ValueError:
        return 2.0


def _call(response: Response) -> str:
    return f"{response.request.method} {response.request.path_url.split('?', 1)[0]}"


def _texts(response: Response) -> list[str]:
    """The texts of `{"errors": […]}`; none when the body is something else, as it is with 429."""
    try:
        return [str(text) for text in response.json()["errors"]]
    except (ValueError, KeyError, TypeError):
        return []


def _credentials(response: Response, said: str) -> LabError:
    clock = re.search(r'\bts="(\d+)"', response.headers.get("WWW-Authenticate", ""))
    if clock is not None:
        seconds = round(time.time()) - int(clock[1])
        ahead = "ahead of" if seconds > 0 else "behind"
        return ServiceError(
            f"The detection service refused the request's time: this clock is {abs(seconds)} seconds {ahead} its own.",
            "A signed request is good for one minute, by the service's clock.",
            "Set this machine's clock (for example switch on network time), then run the cell again.",
            code=CLOCK_OFF,
        )
    what, next_step = _KEYS.get(
        said, ("The detection service refused the signature.", "Enter user id and API key again.")
    )
    why = "The API key signs each request, and the user id says whose key it is (Settings > Application Keys)."
    return CredentialsRefused(what, why, next_step, code="401")


_KEYS = {
    "Unknown credentials": (
        "The detection service does not know this user id.",
        "Copy TS_USER_ID again: 24 characters, 0 to 9 and a to f.",
    ),
    "Bad mac": (
        "The detection service knows the user id, but the API key is not that user's.",
        "Copy TS_API_KEY again, whole and without spaces.",
    ),
    "Invalid nonce": (
        "The detection service saw the very same signed request before.",
        "Run the cell again; each try is signed anew.",
    ),
}


def not_authentic(url: str) -> LabError:
    """The error for a reply that the service did not sign, or not with this key."""
    return ServiceError(
        f"Something answered at {url}, but without the detection service's signature.",
        "Every reply is signed with the API key. Another program answers there, or the reply was changed on its way.",
        "Check the URL of the detection service, then run the cell again.",
        code=NOT_AUTHENTIC,
    )


def no_json(url: str) -> LabError:
    """The error for a reply that is not the API's."""
    return ServiceError(
        f"The detection service at {url} answered with something that is not JSON.",
        "Version 2 of its REST API always answers with a JSON object.",
        "Check the URL of the detection service, then run the cell again.",
        code=NOT_JSON,
    )


def unreachable(url: str, method: str) -> LabError:
    """The error for no reply at all."""
    unknown = "" if method == "GET" else " Whether the change was made is not known: look before making it again."
    again = "Start the sandbox again (`labkit sandbox start`), or check the URL, then run the cell again."
    if not is_loopback(url):
        again = "It may be starting again: wait a moment, then run this again. If it stays away, ask your instructor."
    return ServiceUnreachable(
        f"No answer from the detection service at {url}.",
        f"The sandbox has stopped, or the network does not reach there.{unknown}",
        again,
    )


def untrusted(url: str) -> LabError:
    """The error for a certificate that is not to be trusted."""
    return ServiceUnreachable(
        f"What answers at {url} shows a certificate that is not to be trusted there.",
        "It may be another program, or the certificate was made anew. Nothing was sent to it.",
        "Ask your instructor. In a class, join again with the whole block: labkit join",
    )
