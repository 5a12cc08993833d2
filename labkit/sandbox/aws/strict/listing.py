"""The reply of a Describe call as AWS gives it: what the filters match, a page at a time."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from typing import Any

from botocore.parsers import create_parser
from moto.core.responses import ActionResult
from moto.core.utils import get_service_model

from labkit.sandbox.aws.errors import AwsError
from labkit.sandbox.aws.strict.filters import DEFAULTS, FILTERS, read_filters

LEAST_OF_A_PAGE, MOST_OF_A_PAGE = 5, 1000
"""Source: MaxResults at https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNetworkAcls.html"""


class Listing:
    """Filters and page of a request to an action of FILTERS, taken out of its parameters."""

    def __init__(self, action: str, params: dict[str, Any], place: str) -> None:
        """Raises AwsError for a filter or a page that AWS does not have, or a token of another list."""
        self._action, self._defaults, self._list = action, DEFAULTS.get(action, {}), f"{place} {action}"
        self._filters = read_filters(action, params.pop("Filters", []))
        self._size = _page_size(params.pop("MaxResults", None))
        self._start = _start(params.pop("NextToken", None), self._list)

    @classmethod
    def of(cls, action: str, params: dict[str, Any], place: str) -> Listing | None:
        """None if moto's reply is used unchanged. place: account and region."""
        wanted = action in FILTERS and any(name in params for name in ("Filters", "MaxResults", "NextToken"))
        return cls(action, params, place) if wanted else None

    def cut(self, body: str) -> ActionResult:
        """The part of a whole reply that was asked for."""
        shape = get_service_model("ec2").operation_model(self._action).output_shape
        reply = {"body": body.encode(), "headers": {}, "status_code": 200}
        [(name, items)] = [
            (name, value) for name, value in create_parser("ec2").parse(reply, shape).items() if isinstance(value, list)
        ]
        items = [item for item in items if all(each.matches(self._defaults | item) for each in self._filters)]
        end = len(items) if self._size is None else self._start + self._size
        page: dict[str, Any] = {name: items[self._start : end]}
        if end < len(items):
            page["NextToken"] = urlsafe_b64encode(f"{self._list} {end}".encode()).decode()
        return ActionResult(page)


def _page_size(given: Any) -> int | None:
    if given is None:
        return None
    size = int(given)
    if size < LEAST_OF_A_PAGE:
        expected = f"greater than {LEAST_OF_A_PAGE}"
    elif size > MOST_OF_A_PAGE:
        expected = f"less than {MOST_OF_A_PAGE}"
    else:
        return size
    raise AwsError(
        "InvalidParameterValue", f"Value ( {size} ) for parameter maxResults is invalid. Expecting a value {expected}."
    )


def _start(token: str | None, of_list: str) -> int:
    if token is None:
        return 0
    with suppress(ValueError):
        made_for, _, start = urlsafe_b64decode(token).decode().rpartition(" ")
        if made_for == of_list:
            return max(0, int(start))
    raise AwsError("InvalidParameterValue", f"Invalid value '{token}' for nextToken")
