"""moto's EC2, made as strict as AWS: first authentication, then what AWS refuses, then moto's own answer.

For an action such as CreateVpc, `check_create_vpc` may raise before anything changes and may make the parameters
canonical; `create_vpc` overrides moto's method where moto does less than AWS.
"""

from __future__ import annotations

import re
import uuid
from functools import cache
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import camelcase_to_underscores, get_service_model
from moto.ec2.models import EC2Backend
from moto.ec2.responses import EC2Response

from labkit.sandbox.aws.actions import READS
from labkit.sandbox.aws.errors import AwsError, DryRunSucceeded
from labkit.sandbox.aws.folding import Change
from labkit.sandbox.aws.signature import Credential, SignedResponse
from labkit.sandbox.aws.state import MotoState
from labkit.sandbox.aws.strict.id_forms import check_id_forms
from labkit.sandbox.aws.strict.listing import Listing
from labkit.sandbox.aws.strict.network_acl import StrictNetworkAcls
from labkit.sandbox.aws.strict.parameters import check_parameters, required_parameters
from labkit.sandbox.aws.strict.tags import StrictTags
from labkit.sandbox.aws.strict.vpc import StrictSubnets, StrictVpcs

Answer = tuple[int, dict[str, str], str | bytes]
READ_BACK = ("DescribeVpcs", "DescribeSubnets", "DescribeNetworkAcls", "DescribeTags", "DescribeSecurityGroups")
"""The lab's own calls, which must still work after every change."""

MADE = {
    "CreateVpc": "vpcId", "CreateDefaultVpc": "vpcId", "CreateSubnet": "subnetId", "CreateNetworkAcl": "networkAclId",
    "CreateSecurityGroup": "groupId", "CreateInternetGateway": "internetGatewayId",
}  # fmt: skip
"""The element of a reply with the id of what was created."""


@cache
def method_name(action: str) -> str:
    """The name of moto's method for an action. Raises AwsError if EC2 or moto has no such action."""
    name = camelcase_to_underscores(action)
    if action not in get_service_model("ec2").operation_names or not hasattr(EC2Response, name):
        raise AwsError("InvalidAction", f"The action {action} is not valid for this endpoint.")
    return name


class StrictEC2Response(SignedResponse, StrictNetworkAcls, StrictVpcs, StrictSubnets, StrictTags, EC2Response):
    """One request to EC2. change: what it changed, once it did."""

    change: Change | None = None

    def __init__(self, state: MotoState, credential: Credential) -> None:
        super().__init__()
        self.state, self.credential = state, credential
        self._listing: Listing | None = None

    @classmethod
    def of_change(cls, state: MotoState, change: Change) -> StrictEC2Response:
        """The request of a journal's record, ready for `act`."""
        response = cls(state, Credential("", change.region, "ec2"))
        response.current_account, response.region = change.account, change.region
        response.params = change.params
        response.querystring = {"Action": [change.action]}
        response.headers, response.response_headers, response.uri_match = {}, {}, {}
        return response

    @property
    def ec2_backend(self) -> EC2Backend:  # type: ignore[override]
        return self.state.backend(self.current_account, self.region)

    @property
    def action(self) -> str:
        """The action's name, as AWS writes it."""
        return str(self.querystring.get("Action", [""])[0])

    def parse_parameters(self, request: Any) -> None:
        method_name(self.action)
        check_parameters(self.action, {name: request.values[name] for name in request.values})
        try:
            super().parse_parameters(request)
        except ValueError as wrong:  # int("abc"), or invalid base64
            raise AwsError("InvalidParameterValue", f"A parameter has the wrong form: {wrong}.") from None

    def call_action(self) -> Answer:
        """Answer the request. Raises AwsError and moto's own refusals."""
        if not self.action:
            raise AwsError("MissingAction", "The request names no action.")
        self._authenticate_and_authorize_normal_action()
        if self.action in READS:
            return self.state.read(self.current_account, self._read)
        answer, self.change = self.state.change(self.current_account, self._check, self._changed, self._record)
        return answer

    def act(self) -> Any:
        """Run the action in moto, unchecked."""
        return getattr(self, method_name(self.action))()

    def _read(self) -> Answer:
        self._check()
        return self._answer()

    def _check(self) -> None:
        for name in required_parameters(self.action):
            if name not in self.params:
                raise AwsError("MissingParameter", f"The request must contain the parameter {name}.")
        check_id_forms(self.params)
        self._listing = Listing.of(self.action, self.params, f"{self.current_account} {self.region}")
        check = getattr(self, f"check_{method_name(self.action)}", None)
        if check is not None:
            check()
        if self.params.get("DryRun"):
            raise DryRunSucceeded

    def _answer(self) -> Answer:
        result = self.act()
        if isinstance(result, ActionResult):
            status, headers, body = self.serialized(result)
            body = self.as_aws_shows_vpcs(self.action, str(body))
            if self._listing is not None:
                status, headers, body = self.serialized(self._listing.cut(body))
        elif isinstance(result, str):
            status, headers, body = 200, self.response_headers, result
        else:
            status, headers, body = self._transform_response(self.response_headers, result)
        request_id = str(uuid.uuid4())
        headers["x-amzn-requestid"] = request_id
        if isinstance(body, str):
            body = body.replace("<requestId>request-id</requestId>", f"<requestId>{request_id}</requestId>", 1)
        return status, headers, body

    def _changed(self) -> Answer:
        """The answer to a change. Raises RuntimeError if the account can no longer be read after it."""
        answer = self._answer()
        if not self.action.endswith("NetworkAclEntry"):  # these are checked field by field
            for action in READ_BACK:
                try:
                    self.of_change(self.state, Change(0, self.current_account, self.region, action, {}))._answer()
                except Exception as fault:
                    raise RuntimeError(f"after {self.action}, {action} fails") from fault
        return answer

    def _record(self, n: int, answer: Answer) -> Change:
        made = re.search(f"<{MADE[self.action]}>([^<]+)<", str(answer[2])) if self.action in MADE else None
        return Change(
            n, self.current_account, self.region, self.action, dict(self.params), made[1] if made is not None else ""
        )
