"""The parameters of a request to EC2, as they are sent: their names, and values of which moto would make something."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from moto.core.utils import get_service_model

from labkit.sandbox.aws.errors import AwsError

_COMMON = re.compile("Action|Version|AWSAccessKeyId|Signature|SignatureMethod|SignatureVersion|Timestamp|X-Amz-.*")
_PLACE = re.compile(r"[1-9][0-9]{0,3}(\..*)?")
_FORMS = {
    "boolean": (re.compile("true|false", re.IGNORECASE), "true or false"),
    "integer": (re.compile("-?[0-9]{1,10}"), "a whole number"),
}


@cache
def required_parameters(action: str) -> tuple[str, ...]:
    """The parameters without which AWS refuses an action."""
    shape = get_service_model("ec2").operation_model(action).input_shape
    return tuple(shape.required_members) if shape is not None else ()


@cache
def _types(action: str) -> dict[str, str]:
    """The type of each parameter, by its name in a request.

    Source: botocore, `EC2Serializer._get_serialized_name`.
    """
    shape = get_service_model("ec2").operation_model(action).input_shape
    found = {}
    for name, member in shape.members.items() if shape is not None else ():
        sent = member.serialization.get("name", name)
        found[member.serialization.get("queryName", sent[0].upper() + sent[1:])] = member.type_name
    return found


def check_parameters(action: str, given: Mapping[str, str]) -> None:
    """Raise AwsError for a parameter that the action does not have, which moto would ignore, and for a flag or number
    that is none: moto takes any other word for false, and digits of every script.

    Source of the code: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html, UnknownParameter
    """
    types = _types(action)
    for name, value in given.items():
        first, _, rest = name.partition(".")
        kind = types.get(first)
        if _COMMON.fullmatch(name):
            continue
        if kind is None or (kind == "list" and not _PLACE.fullmatch(rest)):
            raise AwsError("UnknownParameter", f"The parameter {name[:100]} is not recognized")
        form, expected = _FORMS.get(kind, (None, ""))
        if form is not None and not form.fullmatch(value):
            parameter = name[0].lower() + name[1:]
            raise AwsError(
                "InvalidParameterValue",
                f"Value ({value[:100]}) for parameter {parameter} is invalid. Expecting {expected}.",
            )
