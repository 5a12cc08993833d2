"""The forms of ids, which AWS checks before it looks for what they name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from labkit.sandbox.aws.errors import AwsError

ID_FORMS = {
    "VpcId": ("vpc", "InvalidVpcID.Malformed"),
    "VpcIds": ("vpc", "InvalidVpcID.Malformed"),
    "SubnetId": ("subnet", "InvalidSubnetID.Malformed"),
    "SubnetIds": ("subnet", "InvalidSubnetID.Malformed"),
    "NetworkAclId": ("acl", "InvalidNetworkAclId.Malformed"),
    "NetworkAclIds": ("acl", "InvalidNetworkAclId.Malformed"),
}
"""By parameter: the prefix of its ids, and the error code for another form (the mix of ID and Id is AWS's own).

Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html"""


def check_id_forms(params: Mapping[str, Any]) -> None:
    """Raise AwsError for an id whose form no resource of its kind has."""
    for name, (prefix, code) in ID_FORMS.items():
        if name not in params:
            continue
        for given in params[name] if isinstance(params[name], list) else [params[name]]:
            if not re.fullmatch(f"{prefix}-(?:[0-9a-f]{{8}}|[0-9a-f]{{17}})", given):
                raise AwsError(code, f'Invalid id: "{given}" (expecting "{prefix}-...").')
