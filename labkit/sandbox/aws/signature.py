"""Authentication: the credential of a signed request, and moto's check of its signature and permissions."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from moto.core.exceptions import AuthFailureError, SignatureDoesNotMatchError
from moto.core.request import Request
from moto.core.responses import BaseResponse
from moto.iam.access_control import IAMRequest
from werkzeug.exceptions import HTTPException

from labkit.sandbox.aws.errors import AwsError

if TYPE_CHECKING:
    from labkit.sandbox.aws.state import MotoState

SKEW = timedelta(minutes=5)
"""How far a request's clock may be off.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/signing-elements.html (the date of a request)."""

_CREDENTIAL = re.compile(r"AWS4-HMAC-SHA256 +Credential=([^,\s]+), *SignedHeaders=[^,\s]+, *Signature=[0-9a-f]+$")


@dataclass(frozen=True)
class Credential:
    """The scope that a request was signed for."""

    access_key_id: str
    region: str
    service: str

    @classmethod
    def of(cls, authorization: str) -> Credential:
        """The credential of an Authorization header. Raises AwsError, which never repeats what was sent.

        A secret used as the key id may contain slashes: AWS then counts too many parts, and so do we.
        """
        if not authorization:
            raise AwsError("MissingAuthenticationToken", "The request is not signed.", 403)
        found = _CREDENTIAL.match(authorization)
        parts = found[1].split("/") if found else []
        if len(parts) != 5 or parts[4] != "aws4_request":
            raise AwsError(
                "IncompleteSignature",
                f"Credential has {len(parts)} parts with slashes between them where "
                "keyid/date/region/service/aws4_request has 5; are the key id and the secret swapped?",
            )
        return cls(parts[0], parts[2], parts[3])


def service_of(authorization: str) -> str:
    """The service that a request is for, even if its credential is malformed; "ec2" if it does not say."""
    found = re.search(r"/([a-z0-9-]+)/aws4_request", authorization)
    return found[1] if found else "ec2"


def check_signature(request: Request, credential: Credential, account: str) -> None:
    """Raise AwsError unless a request was signed with the account's key, all of its body included, a moment ago.

    Reads the body: raises werkzeug's HTTPException if it is too large or does not arrive.
    """
    body = request.get_data()
    headers: Any = request.headers
    query = request.query_string.decode("latin-1")
    path = request.raw_path + ("?" + query if query else "")
    try:
        if headers.get("X-Amz-Content-Sha256", digest := hashlib.sha256(body).hexdigest()) != digest:
            raise AuthFailureError if credential.service == "ec2" else SignatureDoesNotMatchError
        IAMRequest(account, request.method, path, {}, body, headers, "").check_signature()
    except HTTPException as refused:
        raise _as_aws_writes_it(refused, credential) from None
    except KeyError:
        # moto reads X-Amz-Date from the signed headers
        raise AwsError("IncompleteSignature", "The request needs a signed X-Amz-Date header.") from None
    _check_clock(headers.get("X-Amz-Date", ""), credential)


class SignedResponse(BaseResponse):
    """Mixed into moto's response classes: the account and the region come from the signature and nowhere else."""

    state: MotoState
    credential: Credential

    def get_access_key(self) -> str:
        return self.credential.access_key_id

    def get_region_from_url(self, request: Any, full_url: str) -> str:
        return self.credential.region

    def get_current_account(self) -> str:
        return self.state.users.account_of(self.credential.access_key_id)

    def _authenticate_and_authorize_normal_action(self, resource: str = "*") -> None:
        """moto's check of the permission, after `check_signature`. Raises AwsError with the service's own codes."""
        try:
            self._authenticate_and_authorize_action(Permission, resource)
        except HTTPException as refused:
            raise _as_aws_writes_it(refused, self.credential) from None


class Permission(IAMRequest):
    """moto's check of a request whose signature was already checked, before its parameters were read."""

    def check_signature(self) -> None:
        pass


def _as_aws_writes_it(refused: HTTPException, credential: Credential) -> AwsError:
    code = getattr(refused, "error_type", "AuthFailure")
    if code == "AccessDenied" and credential.service == "ec2":
        return AwsError("UnauthorizedOperation", "These keys have no permission for this operation.", 403)
    return AwsError(code, getattr(refused, "message", refused.name), refused.code or 403)


def _check_clock(stamp: str, credential: Credential) -> None:
    try:
        signed_at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise AwsError("IncompleteSignature", f"X-Amz-Date is '{stamp}', not YYYYMMDDTHHMMSSZ.") from None
    now = datetime.now(UTC)
    if abs(now - signed_at) <= SKEW:
        return
    when = f"it was signed at {stamp}, but it is {now:%Y%m%dT%H%M%SZ} here (5 minutes of difference are allowed)"
    if credential.service == "ec2":
        raise AwsError("RequestExpired", f"Request has expired: {when}.")
    early = "expired" if signed_at < now else "not yet current"
    raise AwsError("SignatureDoesNotMatch", f"Signature {early}: {when}.", 403)
