"""Passes a WSGI request to the service that it was signed for. Errors are answered in AWS's XML, never as HTML.

A request goes through these in order, so that an unauthorized one costs others nothing: the form of the signature, the
whole body, the signature, a turn, the parameters, the permission, the answer.
"""

from __future__ import annotations

import logging
import re
import threading
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.core.request import Request
from moto.iam.responses import IamResponse
from moto.sts.responses import TokenResponse
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response

from labkit.model.access_keys import AccessKeys
from labkit.model.settings import DEFAULT_REGION
from labkit.sandbox.aws.errors import AwsError, as_aws_error, error_body
from labkit.sandbox.aws.keys import ACCOUNT, IamUser, own_users
from labkit.sandbox.aws.signature import Credential, SignedResponse, check_signature, service_of
from labkit.sandbox.aws.state import MotoState
from labkit.sandbox.aws.strict.ec2 import StrictEC2Response
from labkit.sandbox.aws.users import Users
from labkit.sandbox.ids import Ids
from labkit.sandbox.share import Share

LARGEST_BODY = 64_000
"""Bytes; no request of the lab has more than a few hundred."""

NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""A tag with such a character could be stored, and then nothing of its account could be read.

Source: https://www.w3.org/TR/xml/#charsets"""

FORM = "application/x-www-form-urlencoded"

MOST_PARAMETERS = 250
"""In one request. moto's parser takes time that grows with their square: 15 ms for 250, a minute for 0.8 MB."""

CONCURRENT_REQUESTS = 4
"""Requests answered at the same time. Python runs one thread at a time, and each of a hundred runnable threads wakes up
200 times a second to ask for its turn; those that wait here sleep, and go on in the order in which they came."""


class ServerRequest(Request):
    """moto's request, marked as coming from a real server."""

    from_wsgi_server = True
    max_content_length = LARGEST_BODY


class SignedIam(SignedResponse, IamResponse):
    """IAM, for the account that the signature names."""

    def __init__(self, state: MotoState, credential: Credential) -> None:
        super().__init__()
        self.state, self.credential = state, credential


class SignedSts(SignedResponse, TokenResponse):
    """STS, for the account that the signature names."""

    def __init__(self, state: MotoState, credential: Credential) -> None:
        super().__init__()
        self.state, self.credential = state, credential


class AwsRequests:
    """Answers requests to EC2, STS and IAM."""

    def __init__(
        self,
        journal: Path,
        keys: dict[str, AccessKeys],
        on_change: Callable[[str, str], object] | None = None,
        ids: Ids | None = None,
        more_users: Sequence[IamUser] = (),
        on_authenticated: Callable[[str], object] | None = None,
    ) -> None:
        self._turns = threading.Semaphore(CONCURRENT_REQUESTS)
        self._shares: dict[str, Share] = {}
        logging.getLogger("moto").setLevel(logging.WARNING)  # at DEBUG it would write requests with their headers
        self._on_authenticated = on_authenticated
        users = Users([*own_users(keys), *more_users])
        self.state = MotoState(
            journal, users, lambda change: StrictEC2Response.of_change(self.state, change).act(), on_change, ids
        )

    def warm(self, keys: AccessKeys) -> None:
        """Restore the state, then answer a first request of our own. Raises RuntimeError if that fails."""
        self.state.restore()
        response = self.answer(_signed(keys, "Action=DescribeVpcs&Version=2016-11-15"))
        if response.status_code != 200:
            raise RuntimeError(f"the first request to the AWS side was answered with {response.status_code}")

    def answer(self, environ: dict[str, Any]) -> Response:
        """The reply to a request."""
        authorization = environ.get("HTTP_AUTHORIZATION", "")
        request, action = ServerRequest(environ), ""
        try:
            credential = Credential.of(authorization)
            _refuse_foreign_headers(environ)
            account = self._authenticated(request, credential)
            with self._shares.setdefault(account, Share(account != ACCOUNT)), self._turns:
                _refuse_odd_parameters(request)
                action = request.values.get("Action", "")
                service = self._service(credential)
                status, headers, body = service._dispatch(request)
            if isinstance(service, StrictEC2Response) and service.change is not None:
                self.state.announce(service.change)
        except Exception as error:  # noqa: BLE001 - as_aws_error logs what is not a refusal; AWS answers in XML always
            return _refusal(service_of(authorization), as_aws_error(error, action))
        return Response(body, status, _text(headers))

    def _authenticated(self, request: ServerRequest, credential: Credential) -> str:
        """The account of a request whose signature covers all that came. Raises AwsError."""
        account = self.state.users.account_of(credential.access_key_id)
        check_signature(request, credential, account)
        if self._on_authenticated is not None:
            self._on_authenticated(account)
        return account

    def moto_api(self, environ: dict[str, Any]) -> Any:
        """moto's own control application; its reset also resets our state."""
        from moto.moto_server.werkzeug_app import create_backend_app

        if environ.get("PATH_INFO") == "/moto-api/reset":
            self.state.reset()
            return Response('{"status": "ok"}', mimetype="application/json")
        return create_backend_app("moto_api")

    def _service(self, credential: Credential) -> SignedResponse:
        match credential.service:
            case "ec2":
                return StrictEC2Response(self.state, credential)
            case "sts":
                return SignedSts(self.state, credential)
            case "iam":
                return SignedIam(self.state, credential)
        raise AwsError("InvalidAction", "The sandbox offers EC2, STS and IAM only.")


def _refuse_foreign_headers(environ: dict[str, Any]) -> None:
    """Raise AwsError for headers that no client of these services sends and that moto obeys before it checks the
    signature: it would run a request whose `X-Amz-Target` names one of Cognito's public operations for anybody, and
    decompress a body to any size."""
    if "HTTP_X_AMZ_TARGET" in environ:
        raise AwsError("InvalidAction", "These services take the action from the body, not from X-Amz-Target.")
    if "HTTP_CONTENT_ENCODING" in environ:
        raise AwsError("UnsupportedMediaType", "Send the body without Content-Encoding.", 415)


def _refuse_odd_parameters(request: ServerRequest) -> None:
    """Raise AwsError for a body that moto would take long to read, or could not."""
    if request.mimetype not in ("", FORM):
        raise AwsError("UnsupportedMediaType", f"Send the parameters as {FORM}.", 415)
    body = request.get_data()
    if body.count(b"&") + request.query_string.count(b"&") >= MOST_PARAMETERS:
        raise AwsError("InvalidRequest", f"The request has more than {MOST_PARAMETERS} parameters.")
    try:
        body.decode()
    except UnicodeDecodeError:
        raise AwsError("InvalidRequest", "The request is not valid UTF-8.") from None
    values = request.values
    if any(NOT_IN_XML.search(text) for name in values for text in (name, *values.getlist(name))):
        raise AwsError("InvalidParameterValue", "A parameter has a character that no reply can contain.")


def _refusal(service: str, error: AwsError) -> Response:
    request_id = str(uuid.uuid4())
    return Response(
        error_body(service, error, request_id),
        error.status,
        {"Content-Type": "text/xml;charset=UTF-8", "x-amzn-requestid": request_id},
    )


def _text(headers: dict[str, Any]) -> dict[str, str]:
    """Headers without the status, which moto keeps among them."""
    return {name: str(value) for name, value in headers.items() if name.lower() != "status"}


def _signed(keys: AccessKeys, body: str) -> dict[str, Any]:
    """The WSGI environment of a request signed with these keys."""
    content_type = f"{FORM}; charset=utf-8"
    request = AWSRequest("POST", "http://localhost/", {"Content-Type": content_type}, body.encode())
    SigV4Auth(Credentials(keys.access_key_id, keys.secret_access_key), "ec2", DEFAULT_REGION).add_auth(request)
    return EnvironBuilder(method="POST", path="/", data=body, headers=dict(request.headers.items())).get_environ()
