"""Translates the detection service's error replies into LabErrors. No other module reads its status codes."""

from __future__ import annotations

import re
import time
from difflib import get_close_matches
from typing import TYPE_CHECKING

from labkit.model.errors import CredentialsRefused, InvalidInput, LabError, ServiceError, ServiceUnreachable
from labkit.services.unreachable import retry_advice

if TYPE_CHECKING:
    from requests import Response

CLOCK_OFF = "clock"
NOT_AUTHENTIC = "reply-not-authentic"
NOT_JSON = "reply-not-json"
"""The lab's own error codes; every other error has its HTTP status as code."""


def refusal(response: Response) -> LabError:
    """The error for a reply with a status of 400 or more."""
    status, reason = response.status_code, "; ".join(_texts(response))
    if status == 401:
        return _credentials(response, reason)
    what = f"The detection service answered {status} to {_call(response)}" + (f": {reason}" if reason else "")
    why, next_step = _WHY.get(status, ("The service had an internal error." if status >= 500 else "", ""))
    if status == 429:
        next_step = f"Wait {max(1, round(reset_seconds(response)))} seconds, then run the cell again."
    next_step = next_step or "Run the cell again; if that does not help, tell your instructor."
    error = ServiceError(what.rstrip(".") + ".", why, next_step, code=str(status))
    error.retry_after_seconds = reset_seconds(response) if status == 429 else None
    return error


_WHY = {
    400: (
        "The service does not accept a value in the request.",
        "Correct the named value, then run the cell again.",
    ),
    403: (
        "The user is not allowed to do this: a reader cannot change anything, a student of a class can change only "
        "rules with their own number, and the organization must be one of the user's.",
        "Check the student number and TS_ORGANIZATION_ID, or use the keys of a user who may change rules.",
    ),
    404: (
        "It does not exist in this organization, or no longer.",
        "List them again to find the right id.",
    ),
    409: ("The name is already in use.", "Choose another name, or use the existing one."),
    507: ("The service cannot save anything.", "Free some space on its disk, then try again."),
    429: ("The organization has used up its requests for this minute.", ""),
}


def reset_seconds(response: Response) -> float:
    """Seconds until the organization may send requests again; the header gives milliseconds from now."""
    try:
        return int(response.headers.get("x-rate-limit-reset", "")) / 1000
    except ValueError:
        return 2.0


def _call(response: Response) -> str:
    return f"{response.request.method} {response.request.path_url.split('?', 1)[0]}"


def _texts(response: Response) -> list[str]:
    """The texts of `{"errors": […]}`; empty if the body is something else, as for 429."""
    try:
        return [str(text) for text in response.json()["errors"]]
    except (ValueError, KeyError, TypeError):
        return []


def _credentials(response: Response, reason: str) -> LabError:
    clock = re.search(r'\bts="(\d+)"', response.headers.get("WWW-Authenticate", ""))
    if clock is not None:
        seconds = round(time.time()) - int(clock[1])
        ahead = "ahead of" if seconds > 0 else "behind"
        return ServiceError(
            f"The detection service refused the request's time: this clock is {abs(seconds)} seconds {ahead} its own.",
            "A signed request is valid for one minute by the service's clock.",
            "Set this machine's clock (for example, enable network time), then run the cell again.",
            code=CLOCK_OFF,
        )
    what, next_step = _KEYS.get(
        reason, ("The detection service refused the signature.", "Enter the user id and the API key again.")
    )
    why = "The API key signs each request, and the user id identifies the key (Settings > Application Keys)."
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
        "The detection service has already received this signed request.",
        "Run the cell again; each attempt gets a new signature.",
    ),
}


def explain_request(error: Exception) -> LabError | None:
    """The LabError for a student's own request that failed; None for an error that is not of requests."""
    from requests import Session
    from requests.exceptions import ConnectionError, HTTPError, JSONDecodeError, RequestException, Timeout

    if isinstance(error, AttributeError) and isinstance(error.obj, Session):
        near = get_close_matches(str(error.name), ("get", "post", "put", "delete"), 1, 0.5)
        return InvalidInput(
            f"The session has no “{error.name}”.",
            "It has one method for each HTTP method: get, post, put, delete.",
            f"Did you mean {near[0]}?" if near else CHECK_ADDRESS,
        )
    if isinstance(error, TypeError) and "Session' object is not callable" in str(error):
        return InvalidInput(
            "The session itself cannot be called.",
            "It has one method for each HTTP method: get, post, put, delete.",
            "Write the method's name after it and a dot, as in hawk.get(…). Then run the cell again.",
        )
    request, response = getattr(error, "request", None), getattr(error, "response", None)
    if isinstance(error, HTTPError) and response is not None and response.request is not None:
        if response.request.headers.get("Authorization", "").startswith("Hawk "):
            return refusal(response)
        return ServiceError(f"{response.url} answered {response.status_code}.", str(response.reason), CHECK_ADDRESS)
    if isinstance(error, JSONDecodeError):
        return InvalidInput(
            "The reply is not JSON.", "Not every reply is: an error may be plain text.", "Look at reply.text instead."
        )
    if isinstance(error, ConnectionError | Timeout) and request is not None:
        reason = f"The connection failed ({type(error).__name__})."
        return ServiceUnreachable(f"No answer from {request.url}", reason, retry_advice(request.url, CHECK_ADDRESS))
    if isinstance(error, RequestException):
        return InvalidInput("The request was not sent.", f"requests says: {str(error).rstrip('.')}.", CHECK_ADDRESS)
    return None


CHECK_ADDRESS = 'Check the address, such as hawk.get("/v2/rulesets"); then run the cell again.'


def not_authentic(url: str) -> LabError:
    """The error for a reply that has no signature, or one made with another key."""
    return ServiceError(
        f"The reply from {url} does not have the detection service's signature.",
        "Every reply is signed with the API key. Another program answers there, or the reply was changed in transit.",
        "Check the URL of the detection service, then run the cell again.",
        code=NOT_AUTHENTIC,
    )


def not_json(url: str) -> LabError:
    """The error for a reply that is not JSON."""
    return ServiceError(
        f"The detection service at {url} answered with something that is not JSON.",
        "Version 2 of its REST API always answers with a JSON object.",
        "Check the URL of the detection service, then run the cell again.",
        code=NOT_JSON,
    )


def unreachable(url: str, method: str) -> LabError:
    """The error if no reply came."""
    unknown = "" if method == "GET" else " The change may have been made: check before you make it again."
    return ServiceUnreachable(
        f"No answer from the detection service at {url}.",
        f"The sandbox has stopped, or the network does not reach that address.{unknown}",
        retry_advice(url),
    )
