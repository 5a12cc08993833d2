"""Ids and filters in a request's parameters: what AWS refuses, and moto accepts or fails on."""

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

_OF_ALL = {"tag-key", "owner-id"}
FILTERS: dict[str, set[str]] = {
    "DescribeVpcs": _OF_ALL | {
        "cidr", "cidr-block-association.association-id", "cidr-block-association.cidr-block",
        "cidr-block-association.state", "dhcp-options-id", "ipv6-cidr-block-association.association-id",
        "ipv6-cidr-block-association.ipv6-cidr-block", "ipv6-cidr-block-association.ipv6-pool",
        "ipv6-cidr-block-association.state", "is-default", "isDefault", "state", "vpc-id",
    },
    "DescribeNetworkAcls": _OF_ALL | {
        "association.association-id", "association.network-acl-id", "association.subnet-id", "default", "entry.cidr",
        "entry.egress", "entry.icmp.code", "entry.icmp.type", "entry.ipv6-cidr", "entry.port-range.from",
        "entry.port-range.to", "entry.protocol", "entry.rule-action", "entry.rule-number", "network-acl-id", "vpc-id",
    },
    "DescribeTags": {"key", "resource-id", "resource-type", "value"},
}  # fmt: skip
"""Source: the Filter.N part of each action's page at https://docs.aws.amazon.com/AWSEC2/latest/APIReference/"""


def check_id_forms(params: Mapping[str, Any]) -> None:
    """Raise AwsError for an id whose form no resource of its kind has."""
    for name, (prefix, code) in ID_FORMS.items():
        if name not in params:
            continue
        for given in params[name] if isinstance(params[name], list) else [params[name]]:
            if not re.fullmatch(f"{prefix}-(?:[0-9a-f]{{8}}|[0-9a-f]{{17}})", given):
                raise AwsError(code, f'Invalid id: "{given}" (expecting "{prefix}-...").')


def check_filters(action: str, params: dict[str, Any]) -> None:
    """Raise AwsError for a filter that AWS does not have; translate those that moto lacks into others that it has."""
    if action not in FILTERS or "Filters" not in params:
        return
    for each in params["Filters"]:
        name = each.get("Name", "null")
        if name not in FILTERS[action] and not name.startswith("tag:"):
            raise AwsError("InvalidParameterValue", f"The filter '{name}' is invalid.")
    params["Filters"] = [known for each in params["Filters"] for known in _for_moto(action, each)]


def _for_moto(action: str, given: dict[str, Any]) -> list[dict[str, Any]]:
    name: str = given["Name"]
    if action == "DescribeNetworkAcls" and name == "network-acl-id":
        return [{**given, "Name": "association.network-acl-id"}]  # which moto compares with the network ACL's own id
    if action == "DescribeTags" and name.startswith("tag:"):
        return [{"Name": "key", "Values": [name.removeprefix("tag:")]}, {**given, "Name": "value"}]
    return [given]
