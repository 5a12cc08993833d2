"""Errors of the sandbox's AWS side, in AWS's XML."""

from __future__ import annotations

import errno
import logging
from xml.sax.saxutils import escape

from botocore.model import OperationNotFoundError
from moto.core.exceptions import ServiceException
from moto.ec2.exceptions import FilterNotImplementedError
from werkzeug.exceptions import HTTPException

from labkit.model.errors import InvalidInput

log = logging.getLogger("labkit.sandbox.aws")


class AwsError(Exception):
    """A refusal with AWS's error code, a message for people, and its HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(code, message)
        self.code, self.message, self.status = code, message, status


class DryRunSucceeded(AwsError):
    """AWS's answer to `DryRun` if the request would have succeeded."""

    def __init__(self) -> None:
        super().__init__("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)


EXPECTED = (AwsError, InvalidInput, ServiceException, HTTPException, NotImplementedError, OperationNotFoundError)
"""Raised on purpose by our checks and moto; anything else is a bug and is logged."""


def as_aws_error(error: Exception, action: str = "") -> AwsError:
    """The refusal for an exception of ours, of moto or of werkzeug; unexpected ones are logged as InternalError."""
    match error:
        case AwsError():
            return error
        case InvalidInput():
            return AwsError(error.code or "InvalidParameterValue", error.service_words or error.what)
        case ServiceException():
            return AwsError(error.code, error.message, 412 if error.code == "DryRunOperation" else 400)
        case FilterNotImplementedError():
            return AwsError("InvalidParameterValue", "This action does not support one of the request's filters.")
        case NotImplementedError() | OperationNotFoundError():
            return AwsError("InvalidAction", f"The action {action} is not valid for this endpoint.")
        case HTTPException():
            code = getattr(error, "error_type", None) or (error.name or "InvalidRequest").replace(" ", "")
            return AwsError(code, getattr(error, "message", None) or error.name, error.code or 400)
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return AwsError("InternalError", "The sandbox's disk is full: free some space, then try again.", 500)
    log.exception("%s failed inside the sandbox", action or "a request")
    return AwsError("InternalError", "Internal error in the sandbox; see its log.", 500)


def error_body(service: str, error: AwsError, request_id: str) -> str:
    """The XML of a refusal: EC2 has its own form; STS and IAM share one."""
    said = f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
    if service == "ec2":
        inner = f"<Errors><Error>{said}</Error></Errors><RequestID>{request_id}</RequestID>"
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<Response>{inner}</Response>'
    fault = "Receiver" if error.status >= 500 else "Sender"
    inner = f"<Error><Type>{fault}</Type>{said}</Error><RequestId>{request_id}</RequestId>"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<ErrorResponse>{inner}</ErrorResponse>'
