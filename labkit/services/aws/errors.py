"""Translates botocore's errors into LabErrors, which keep the service's error code. No other module reads them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from email.utils import parsedate_to_datetime
from textwrap import shorten
from typing import Any

from labkit.model.errors import (
    CredentialsRefused,
    InvalidInput,
    LabError,
    QuotaReached,
    ServiceError,
    ServiceUnreachable,
)
from labkit.services.unreachable import RESTARTING, retry_advice, untrusted

CLOCK_TOLERANCE_SECONDS = 300
"""AWS refuses a signature made more than five minutes away from its own clock."""

MOST_REPORTED = 400
"""Characters of what botocore says about a call by hand."""

_CLOCK = {"RequestExpired", "RequestTimeTooSkewed", "RequestInTheFuture"}
_CLOCK_WORDS = ("Signature expired", "Signature not yet current")
_REFUSED = {"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "AuthFailure"}

Words = tuple[str, str, str]
_ENTER_AGAIN = "Enter the keys again: copy both completely from where they were created."
_UNKNOWN_KEY: Words = (
    "AWS does not know this access key id.",
    "It was mistyped or deleted, or it belongs to another cloud or sandbox.",
    _ENTER_AGAIN,
)
_NOT_PERMITTED: Words = (
    "These keys are not allowed to call {operation} in {service}.",
    "They are valid, but no policy of their user allows it (region {region}).",
    "Ask the person who created the keys to allow EC2, or use other keys.",
)
_EXPIRED: Words = (
    "These temporary keys have expired.",
    "Keys with a session token work only for a few hours.",
    "Get new ones and enter them.",
)
_CREDENTIAL_WORDS: Mapping[str, Words] = {
    "InvalidClientTokenId": _UNKNOWN_KEY,
    "UnrecognizedClientException": _UNKNOWN_KEY,
    "UnauthorizedOperation": _NOT_PERMITTED,
    "AccessDenied": _NOT_PERMITTED,
    "AccessDeniedException": _NOT_PERMITTED,
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "SignatureDoesNotMatch": (
        "The secret access key does not belong to this access key id.",
        "AWS knows the access key id, but the signature made with the secret does not match.",
        _ENTER_AGAIN,
    ),
    "InvalidToken": (
        "The session token does not belong to these keys.",
        "Temporary keys are three values that belong together.",
        "Copy all three again.",
    ),
    "OptInRequired": (
        "This account cannot use {service} in {region}.",
        "The region is not enabled for the account, or the account's sign-up is not complete.",
        "Choose another region, such as us-east-1.",
    ),
    "AuthFailure": (
        "{service} in {region} does not accept these keys.",
        "One of the two is wrong or no longer valid, or the region is not enabled for the account.",
        _ENTER_AGAIN,
    ),
    "IncompleteSignature": (
        "The access key id is malformed.",
        "{service} could not read it in the signed request: the two keys may be swapped.",
        _ENTER_AGAIN,
    ),
    "": (
        "{service} rejected these keys without giving a reason.",
        "The two keys may be swapped, or one of them is not a key.",
        _ENTER_AGAIN,
    ),
}
_BUSY: Words = (
    "{service} is too busy for {operation}.",
    "The lab tried several times.",
    "Wait a minute, then run this again.",
)
_BUSY_CODES = ("RequestLimitExceeded", "Throttling", "ThrottlingException", "Unavailable", "ServiceUnavailable")
_OTHER_WORDS: Mapping[str, Words] = {
    **dict.fromkeys(_BUSY_CODES, _BUSY),
    "DependencyViolation": (
        "{service} refused {operation}: something else still uses it.",
        "{message}",
        "Delete what uses it first, then run this again.",
    ),
    "NetworkAclEntryAlreadyExists": (
        "The entry was not added: its rule number is already in use.",
        "{message}",
        "Choose a free number, or replace the existing entry.",
    ),
    ".NotFound": (
        "{service} found nothing for {operation} in {region}.",
        "{message}",
        "Check the id and the region: it may have been deleted, or be in another region.",
    ),
    "": ("{service} refused {operation} ({code}).", "{message}", "Fix the cause, then run this again."),
}

_CHECK_NETWORK = "Check the network, the proxy and the name of the region, then run this again."


@contextmanager
def translate_aws_errors(client: Any) -> Iterator[None]:
    """Raise botocore's errors from the block as LabErrors. Parameter errors are bugs of the lab and pass unchanged."""
    from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ParamValidationError:
        raise
    except ClientError as error:
        raise _refusal(error, client) from error
    except (BotoCoreError, ResponseParserError) as error:
        raise _no_answer(error, client) from error


_TAKES = {
    "list": 'Put the value in square brackets, as in VpcIds=["vpc-…"]',
    "str": "Put the value in quotes",
    "int": "Write a whole number without quotes",
    "bool": "Write True or False without quotes",
}
"""What to do about a value of the wrong type, by the type that boto3 takes."""


def explain_call(error: Exception, client: Any | None) -> LabError | None:
    """The LabError for a student's own call of boto3 that failed; None for an error that is not of the call.

    client: the one that was called; None if there is none, as when it cannot be made.
    """
    from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
    from botocore.parsers import ResponseParserError

    if client is None:
        words = ("boto3 refused the call.", _sentence(str(error)), 'Use the lab\'s client: ec2 = lab.boto3("ec2")')
        return InvalidInput(*words) if isinstance(error, BotoCoreError) else None
    if isinstance(error, ClientError):
        return _refusal(error, client)
    if isinstance(error, ParamValidationError):
        _, _, report = str(error).partition("\n")
        next_step = "Correct them, then run the cell again."
        if takes := re.search(r"valid types: <class '(\w+)'>", report):
            next_step = f"{_TAKES.get(takes[1], 'Correct them')}, then run the cell again."
        return InvalidInput("The call was not sent: boto3 refused its arguments.", _sentence(report), next_step)
    if isinstance(error, BotoCoreError | ResponseParserError):
        return _no_answer(error, client)
    if isinstance(error, TypeError) and "keyword arguments" in str(error):
        return InvalidInput(
            "The call was not sent: boto3 takes each argument with its name.",
            _sentence(str(error)),
            'Write the name before the value, such as VpcIds=["vpc-…"]; then run the cell again.',
        )
    if isinstance(error, AttributeError) and id(error.obj) == id(client):
        near = get_close_matches(str(error.name), dir(client), 1, 0.5)
        return InvalidInput(
            f"boto3 has no call “{error.name}” for {client.meta.service_model.service_name.upper()}.",
            "Its name must match exactly, in small letters with underscores.",
            f"Did you mean {near[0]}?" if near else "Compare it with the hint, then run the cell again.",
        )
    return None


def _sentence(report: str) -> str:
    """botocore's report of one or more lines as sentences; a list of all services is cut off."""
    sentences = " ".join(f"{line.strip().rstrip('.')}." for line in report.splitlines() if line.strip())
    return shorten(sentences, MOST_REPORTED, placeholder=" …")


def _refusal(error: Any, client: Any) -> LabError:
    """The LabError for an error reply."""
    code: str = error.response.get("Error", {}).get("Code", "")
    message: str = error.response.get("Error", {}).get("Message", "")
    service, region = client.meta.service_model.service_name.upper(), client.meta.region_name
    skew = _skew_seconds(error)
    if code in _CLOCK or message.startswith(_CLOCK_WORDS) or (code in _REFUSED and _is_off(skew)):
        return _clock_off(service, skew, code)
    values = {"service": service, "region": region, "operation": error.operation_name, "message": message}
    if code in _CREDENTIAL_WORDS or _is_rejection_without_code(error):
        return CredentialsRefused(*_sentences(_CREDENTIAL_WORDS, code, **values), code=code)
    if code.endswith("LimitExceeded") and code not in _BUSY_CODES:
        return QuotaReached(
            f"{service} refused {error.operation_name}: a quota is used up.",
            f"{region} allows no more of these ({code}).",
            "Delete what is no longer needed, then run this again.",
            code=code,
        )
    family = ".NotFound" if code.endswith(".NotFound") else code
    return ServiceError(*_sentences(_OTHER_WORDS, family, **values), code=code)


def _sentences(table: Mapping[str, Words], code: str, **values: str) -> tuple[str, str, str]:
    """The three sentences for a code, or the table's "" row, with the values filled in."""
    what, why, next_step = (sentence.format(code=code, **values) for sentence in table.get(code, table[""]))
    return what, why, next_step


def _clock_off(service: str, skew: float | None, code: str) -> ServiceError:
    if skew is None or not _is_off(skew):
        how_far = "it differs from the service's by more than five minutes"
    else:
        how_far = f"it is {_duration(abs(skew))} {'behind' if skew > 0 else 'ahead of'} the service's"
    return ServiceError(
        f"{service} refused the request because of this machine's clock.",
        f"A signed request is valid for five minutes, and this clock is wrong: {how_far}.",
        "Set the clock (on Linux: timedatectl set-ntp true), then run this again. The keys may be correct.",
        code=code,
    )


def _no_answer(error: Exception, client: Any) -> LabError:
    """The LabError for a missing or unreadable reply."""
    from botocore.exceptions import ConnectionError as NoConnection
    from botocore.exceptions import HTTPClientError, SSLError, WaiterError
    from botocore.parsers import ResponseParserError

    endpoint = client.meta.endpoint_url
    if isinstance(error, ResponseParserError):
        return ServiceError(
            f"The reply from {endpoint} could not be read.",
            "The server there is not AWS-compatible, or it had an internal error.",
            "Check the endpoint; in the sandbox, run: labkit sandbox stop, then start.",
            code="ResponseParserError",
        )
    if isinstance(error, WaiterError):
        return ServiceError(
            "AWS created it, but does not show it yet.",
            "In EC2, a new resource takes a moment to become visible everywhere.",
            "Run this again: the lab will find it and not create a second one.",
            code="WaiterError",
        )
    if isinstance(error, SSLError):
        return untrusted(endpoint)
    if isinstance(error, HTTPClientError | NoConnection):
        return ServiceUnreachable(
            f"Nothing answers at {endpoint}.",
            f"The connection failed ({type(error).__name__}).",
            retry_advice(endpoint, _CHECK_NETWORK if ".amazonaws.com" in endpoint else RESTARTING),
        )
    return ServiceUnreachable(
        f"No request could be made to {endpoint}.",
        f"The AWS library reports: {error}",
        "Check the region and the endpoint, then run this again.",
    )


def _skew_seconds(error: Any) -> float | None:
    """The service's clock minus ours, from the reply's Date header; None without one."""
    date = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
    try:
        return parsedate_to_datetime(date).timestamp() - time.time()
    except (TypeError, ValueError):
        return None


def _is_off(skew: float | None) -> bool:
    return skew is not None and abs(skew) > CLOCK_TOLERANCE_SECONDS


def _is_rejection_without_code(error: Any) -> bool:
    """Whether the service rejected the keys without an AWS error code; swapped keys can cause this."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status in (401, 403) and error.response.get("Error", {}).get("Code", "") in ("", "Unknown", str(status))


def _duration(seconds: float) -> str:
    """A length of time in its largest whole unit."""
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = round(seconds / size)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{round(seconds)} seconds"
