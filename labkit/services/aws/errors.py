"""botocore's errors in three sentences: the only place that knows them. The service's own code is kept."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any

from labkit.model.endpoint import is_loopback
from labkit.model.errors import CredentialsRefused, LabError, QuotaReached, ServiceError, ServiceUnreachable

CLOCK_TOLERANCE_SECONDS = 300
"""AWS refuses a signature made more than five minutes away from its own clock."""

_CLOCK = {"RequestExpired", "RequestTimeTooSkewed", "RequestInTheFuture"}
_CLOCK_WORDS = ("Signature expired", "Signature not yet current")
_REFUSED = {"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "AuthFailure"}

Words = tuple[str, str, str]
_TYPE_AGAIN = "Enter the keys again: copy both, whole, from where they were made."
_UNKNOWN_KEY: Words = (
    "AWS does not know this access key id.",
    "No account has it: it was mistyped, deleted, or belongs to another cloud or sandbox.",
    _TYPE_AGAIN,
)
_NOT_PERMITTED: Words = (
    "These keys may not do {operation} in {service}.",
    "They are known, but no policy of their user allows it (region {region}).",
    "Ask whoever made the keys to allow EC2, or use other keys.",
)
_EXPIRED: Words = (
    "These temporary keys have expired.",
    "Keys with a session token work for some hours only.",
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
        "The secret access key is not the one of this access key id.",
        "AWS knows the access key id, but the signature made with the secret does not fit.",
        _TYPE_AGAIN,
    ),
    "InvalidToken": (
        "The session token is not the one of these keys.",
        "Temporary keys come as three values that belong together.",
        "Copy all three again.",
    ),
    "OptInRequired": (
        "This account cannot use {service} in {region}.",
        "The region is not switched on for the account, or the account is not fully signed up.",
        "Choose another region, such as us-east-1.",
    ),
    "AuthFailure": (
        "{service} in {region} does not accept these keys.",
        "One of the two is wrong or no longer valid, or the region is not switched on for the account.",
        _TYPE_AGAIN,
    ),
    "IncompleteSignature": (
        "The access key id is not of AWS's form.",
        "{service} could not read it in the signed request: the two keys may be swapped.",
        _TYPE_AGAIN,
    ),
    "": (
        "{service} turned these keys away without a reason it has a word for.",
        "The two keys may be swapped, or one of them is no key at all.",
        _TYPE_AGAIN,
    ),
}
_BUSY: Words = (
    "{service} is too busy for {operation}.",
    "It was asked several times.",
    "Wait a minute, run this again.",
)
_BUSY_CODES = ("RequestLimitExceeded", "Throttling", "ThrottlingException", "Unavailable", "ServiceUnavailable")
_OTHER_WORDS: Mapping[str, Words] = {
    **dict.fromkeys(_BUSY_CODES, _BUSY),
    "DependencyViolation": (
        "{service} refused {operation}: something else still uses it.",
        "{message}",
        "Delete what is inside first, then run this again.",
    ),
    "NetworkAclEntryAlreadyExists": (
        "The entry was not added: its rule number is taken.",
        "{message}",
        "Choose a free number, or replace that entry.",
    ),
    ".NotFound": (
        "{service} found nothing for {operation} in {region}.",
        "{message}",
        "Check the id and the region: it may have been deleted, or be in another region.",
    ),
    "": ("{service} refused {operation} ({code}).", "{message}", "Mend what it says, then run this again."),
}


@contextmanager
def translate_aws_errors(client: Any) -> Iterator[None]:
    """Raise botocore's errors of the calls inside as LabErrors. What is a fault of our own is left as it is."""
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


def _refusal(error: Any, client: Any) -> LabError:
    """The LabError for a reply that says no."""
    code: str = error.response.get("Error", {}).get("Code", "")
    message: str = error.response.get("Error", {}).get("Message", "")
    service, region = client.meta.service_model.service_name.upper(), client.meta.region_name
    skew = _skew_seconds(error)
    if code in _CLOCK or message.startswith(_CLOCK_WORDS) or (code in _REFUSED and _is_off(skew)):
        return _clock_off(service, skew, code)
    values = {"service": service, "region": region, "operation": error.operation_name, "message": message}
    if code in _CREDENTIAL_WORDS or _is_unreadable_403(error):
        return CredentialsRefused(*_said(_CREDENTIAL_WORDS, code, **values), code=code)
    if code.endswith("LimitExceeded") and code not in _BUSY_CODES:
        return QuotaReached(
            f"{service} refused {error.operation_name}: a quota is used up.",
            f"{region} allows no more of these ({code}).",
            "Delete what is no longer needed, then run this again.",
            code=code,
        )
    family = ".NotFound" if code.endswith(".NotFound") else code
    return ServiceError(*_said(_OTHER_WORDS, family, **values), code=code)


def _said(table: Mapping[str, Words], code: str, **values: str) -> tuple[str, str, str]:
    """The three sentences for a code, or the table's "" row, with the values filled in."""
    what, why, next_step = (sentence.format(code=code, **values) for sentence in table.get(code, table[""]))
    return what, why, next_step


def _clock_off(service: str, skew: float | None, code: str) -> ServiceError:
    if skew is None or not _is_off(skew):
        how_far = "it is more than five minutes away from the service's"
    else:
        how_far = f"it is {_duration(abs(skew))} {'behind' if skew > 0 else 'ahead of'} the service's"
    return ServiceError(
        f"{service} refused the request because of this machine's clock.",
        f"A signed request is good for five minutes, and this clock is off: {how_far}.",
        "Set the clock (on Linux: timedatectl set-ntp true), then run this again. The keys may well be right.",
        code=code,
    )


def _no_answer(error: Exception, client: Any) -> LabError:
    """The LabError for no reply, or for one that cannot be read."""
    from botocore.exceptions import ConnectionError as NoConnection
    from botocore.exceptions import HTTPClientError, SSLError, WaiterError
    from botocore.parsers import ResponseParserError

    endpoint = client.meta.endpoint_url
    if isinstance(error, ResponseParserError):
        return ServiceError(
            f"The answer of {endpoint} could not be read.",
            "What answers there does not speak as AWS does, or it failed inside.",
            "Check the endpoint; in the sandbox, run: labkit sandbox stop, then start.",
            code="ResponseParserError",
        )
    if isinstance(error, WaiterError):
        return ServiceError(
            "AWS made it, but does not show it yet.",
            "EC2 needs a moment until a new thing is seen everywhere.",
            "Run this again: it is found then, not made twice.",
            code="WaiterError",
        )
    if isinstance(error, SSLError):
        return ServiceUnreachable(
            f"What answers at {endpoint} shows a certificate that is not to be trusted there.",
            "It may be another program, or the certificate was made anew. Nothing was sent to it.",
            "Ask your instructor. In a class, join again with the whole block: labkit join",
        )
    if isinstance(error, HTTPClientError | NoConnection):
        return ServiceUnreachable(
            f"Nothing answers at {endpoint}.",
            f"The connection failed ({type(error).__name__}).",
            _reach_again(endpoint),
        )
    return ServiceUnreachable(
        f"No request could be made to {endpoint}.",
        f"The AWS library says: {error}",
        "Check the region and the endpoint, then run this again.",
    )


def _reach_again(endpoint: str) -> str:
    if is_loopback(endpoint):
        return "Start the sandbox again (labkit sandbox start), then run this again."
    if ".amazonaws.com" not in endpoint:
        return "It may be starting again: wait a moment, then run this again. If it stays away, ask your instructor."
    return "Check the network, a proxy and the region's name, then run this again."


def _skew_seconds(error: Any) -> float | None:
    """The service's clock minus ours, from the reply's Date header; None when it has none."""
    date = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
    try:
        return parsedate_to_datetime(date).timestamp() - time.time()
    except (TypeError, ValueError):
        return None


def _is_off(skew: float | None) -> bool:
    return skew is not None and abs(skew) > CLOCK_TOLERANCE_SECONDS


def _is_unreadable_403(error: Any) -> bool:
    """Whether the service said no to the keys without a word of AWS's; swapped keys can end so."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status in (401, 403) and error.response.get("Error", {}).get("Code", "") in ("", "Unknown", str(status))


def _duration(seconds: float) -> str:
    """A length of time in its largest whole unit."""
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = round(seconds / size)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{round(seconds)} seconds"
