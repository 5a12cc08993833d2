"""The filters of Describe calls, matched as AWS does it: one table says which there are.

moto matches the values of a filter in its own way for each kind of resource, so it gets no filters: its whole reply is
read as a client would read it, and what the filters do not match is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.model.network_acl.entry import PROTOCOL_NAMES
from labkit.sandbox.aws.errors import AwsError

Json = Mapping[str, Any]

_TAGS = {"tag-key": "Tags.Key", "tag-value": "Tags.Value"}


def _permissions(prefix: str, field: str) -> dict[str, str]:
    paths = {
        "cidr": "IpRanges.CidrIp",
        "from-port": "FromPort",
        "group-id": "UserIdGroupPairs.GroupId",
        "ipv6-cidr": "Ipv6Ranges.CidrIpv6",
        "prefix-list-id": "PrefixListIds.PrefixListId",
        "protocol": "IpProtocol",
        "to-port": "ToPort",
        "user-id": "UserIdGroupPairs.UserId",
    }
    return {f"{prefix}ip-permission.{name}": f"{field}.{path}" for name, path in paths.items()}


FILTERS: dict[str, dict[str, str]] = {
    "DescribeVpcs": _TAGS | {
        "cidr": "CidrBlock",
        "cidr-block": "CidrBlock",
        "cidrBlock": "CidrBlock",
        "cidr-block-association.association-id": "CidrBlockAssociationSet.AssociationId",
        "cidr-block-association.cidr-block": "CidrBlockAssociationSet.CidrBlock",
        "cidr-block-association.state": "CidrBlockAssociationSet.CidrBlockState.State",
        "dhcp-options-id": "DhcpOptionsId",
        "dhcpOptionsId": "DhcpOptionsId",
        "ipv6-cidr-block-association.association-id": "Ipv6CidrBlockAssociationSet.AssociationId",
        "ipv6-cidr-block-association.ipv6-cidr-block": "Ipv6CidrBlockAssociationSet.Ipv6CidrBlock",
        "ipv6-cidr-block-association.ipv6-pool": "Ipv6CidrBlockAssociationSet.Ipv6Pool",
        "ipv6-cidr-block-association.state": "Ipv6CidrBlockAssociationSet.Ipv6CidrBlockState.State",
        "is-default": "IsDefault",
        "isDefault": "IsDefault",
        "owner-id": "OwnerId",
        "state": "State",
        "vpc-id": "VpcId",
    },
    "DescribeSubnets": _TAGS | {
        "availability-zone": "AvailabilityZone",
        "availabilityZone": "AvailabilityZone",
        "availability-zone-id": "AvailabilityZoneId",
        "availabilityZoneId": "AvailabilityZoneId",
        "available-ip-address-count": "AvailableIpAddressCount",
        "cidr": "CidrBlock",
        "cidr-block": "CidrBlock",
        "cidrBlock": "CidrBlock",
        "customer-owned-ipv4-pool": "CustomerOwnedIpv4Pool",
        "default-for-az": "DefaultForAz",
        "defaultForAz": "DefaultForAz",
        "enable-dns64": "EnableDns64",
        "enable-lni-at-device-index": "EnableLniAtDeviceIndex",
        "ipv6-cidr-block-association.association-id": "Ipv6CidrBlockAssociationSet.AssociationId",
        "ipv6-cidr-block-association.ipv6-cidr-block": "Ipv6CidrBlockAssociationSet.Ipv6CidrBlock",
        "ipv6-cidr-block-association.state": "Ipv6CidrBlockAssociationSet.Ipv6CidrBlockState.State",
        "ipv6-native": "Ipv6Native",
        "map-customer-owned-ip-on-launch": "MapCustomerOwnedIpOnLaunch",
        "map-public-ip-on-launch": "MapPublicIpOnLaunch",
        "outpost-arn": "OutpostArn",
        "owner-id": "OwnerId",
        "private-dns-name-options-on-launch.hostname-type": "PrivateDnsNameOptionsOnLaunch.HostnameType",
        "private-dns-name-options-on-launch.enable-resource-name-dns-a-record":
            "PrivateDnsNameOptionsOnLaunch.EnableResourceNameDnsARecord",
        "private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record":
            "PrivateDnsNameOptionsOnLaunch.EnableResourceNameDnsAAAARecord",
        "state": "State",
        "subnet-arn": "SubnetArn",
        "subnet-id": "SubnetId",
        "vpc-id": "VpcId",
    },
    "DescribeNetworkAcls": _TAGS | {
        "association.association-id": "Associations.NetworkAclAssociationId",
        "association.network-acl-id": "Associations.NetworkAclId",
        "association.subnet-id": "Associations.SubnetId",
        "default": "IsDefault",
        "entry.cidr": "Entries.CidrBlock",
        "entry.egress": "Entries.Egress",
        "entry.icmp.code": "Entries.IcmpTypeCode.Code",
        "entry.icmp.type": "Entries.IcmpTypeCode.Type",
        "entry.ipv6-cidr": "Entries.Ipv6CidrBlock",
        "entry.port-range.from": "Entries.PortRange.From",
        "entry.port-range.to": "Entries.PortRange.To",
        "entry.protocol": "Entries.Protocol",
        "entry.rule-action": "Entries.RuleAction",
        "entry.rule-number": "Entries.RuleNumber",
        "network-acl-id": "NetworkAclId",
        "owner-id": "OwnerId",
        "vpc-id": "VpcId",
    },
    "DescribeRouteTables": _TAGS | {
        "association.gateway-id": "Associations.GatewayId",
        "association.main": "Associations.Main",
        "association.route-table-association-id": "Associations.RouteTableAssociationId",
        "association.route-table-id": "Associations.RouteTableId",
        "association.subnet-id": "Associations.SubnetId",
        "owner-id": "OwnerId",
        "route-table-id": "RouteTableId",
        "route.destination-cidr-block": "Routes.DestinationCidrBlock",
        "route.destination-ipv6-cidr-block": "Routes.DestinationIpv6CidrBlock",
        "route.destination-prefix-list-id": "Routes.DestinationPrefixListId",
        "route.egress-only-internet-gateway-id": "Routes.EgressOnlyInternetGatewayId",
        "route.gateway-id": "Routes.GatewayId",
        "route.instance-id": "Routes.InstanceId",
        "route.nat-gateway-id": "Routes.NatGatewayId",
        "route.origin": "Routes.Origin",
        "route.state": "Routes.State",
        "route.transit-gateway-id": "Routes.TransitGatewayId",
        "route.vpc-peering-connection-id": "Routes.VpcPeeringConnectionId",
        "vpc-id": "VpcId",
    },
    "DescribeInternetGateways": _TAGS | {
        "attachment.state": "Attachments.State",
        "attachment.vpc-id": "Attachments.VpcId",
        "internet-gateway-id": "InternetGatewayId",
        "owner-id": "OwnerId",
    },
    "DescribeSecurityGroups": _TAGS | _permissions("", "IpPermissions") | _permissions("egress.", "IpPermissionsEgress")
    | {
        "description": "Description",
        "group-id": "GroupId",
        "group-name": "GroupName",
        "owner-id": "OwnerId",
        "vpc-id": "VpcId",
    },
    "DescribeDhcpOptions": _TAGS | {
        "dhcp-options-id": "DhcpOptionsId",
        "key": "DhcpConfigurations.Key",
        "owner-id": "OwnerId",
        "value": "DhcpConfigurations.Values.Value",
    },
    "DescribeRegions": {
        "endpoint": "Endpoint",
        "opt-in-status": "OptInStatus",
        "region-name": "RegionName",
    },
    "DescribeAvailabilityZones": {
        "message": "Messages.Message",
        "opt-in-status": "OptInStatus",
        "parent-zone-id": "ParentZoneId",
        "parent-zone-name": "ParentZoneName",
        "region-name": "RegionName",
        "state": "State",
        "zone-id": "ZoneId",
        "zone-name": "ZoneName",
        "zone-type": "ZoneType",
    },
    "DescribeTags": {
        "key": "Key",
        "resource-id": "ResourceId",
        "resource-type": "ResourceType",
        "tag-key": "Key",
        "tag-value": "Value",
        "value": "Value",
    },
}  # fmt: skip
"""By call: each filter and where its value is in an item of the reply. `tag:KEY` is one more wherever there is tag-key.

Source: the Filter.N part of each action's page at https://docs.aws.amazon.com/AWSEC2/latest/APIReference/; AWS also
takes `tag-value`, which it documented until 2017, and cidr-block, cidrBlock, isDefault and dhcpOptionsId of VPCs.
Sandbox: a zone's group-name and group-long-name and a permission's group-name are refused, since moto has none."""

DEFAULTS: dict[str, dict[str, Any]] = {
    "DescribeSubnets": {"EnableDns64": False, "MapCustomerOwnedIpOnLaunch": False},
    "DescribeAvailabilityZones": {"OptInStatus": "opt-in-not-required"},
}
"""Values of the lab's resources that AWS gives and moto does not."""

_PROTOCOLS = {name: number for number, name in PROTOCOL_NAMES.items()}
"""A filter takes either form, and so do replies: numbers for network ACLs, names for security groups."""

MOST_FILTERS, MOST_VALUES = 50, 200
"""In one request, and in one filter. Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html"""


@dataclass(frozen=True)
class ReplyFilter:
    """One filter of a request: an item matches with any of the values. `*` is any text, `?` one character or none."""

    name: str
    path: str
    values: tuple[str, ...]

    def matches(self, item: Json) -> bool:
        """True if an item of the reply has one of the values."""
        return any(_is_like(text, value) for text in self._texts(item) for value in self._wanted())

    def _texts(self, item: Json) -> Iterator[str]:
        if self.name.startswith("tag:"):
            key = self.name.removeprefix("tag:")
            tags = item.get("Tags", [item])  # an item of DescribeTags is a tag itself
            yield from (tag.get("Value", "") for tag in tags if tag.get("Key") == key)
            return
        for text in _found(item, self.path.split(".")):
            yield _PROTOCOLS.get(text, text) if self._is_protocol else text

    def _wanted(self) -> Iterator[str]:
        for value in self.values:
            yield _PROTOCOLS.get(value.lower(), value) if self._is_protocol else value

    @property
    def _is_protocol(self) -> bool:
        return self.path.endswith("Protocol")


def read_filters(action: str, given: Sequence[Json]) -> list[ReplyFilter]:
    """The filters of a request to an action of FILTERS. Raises AwsError for one that AWS does not have."""
    paths, filters = FILTERS[action], []
    if len(given) > MOST_FILTERS or any(len(each.get("Values") or []) > MOST_VALUES for each in given):
        raise AwsError("FilterLimitExceeded", f"At most {MOST_FILTERS} filters with {MOST_VALUES} values are accepted")
    for each in given:
        name, values = each.get("Name", "null"), each.get("Values") or []
        if name not in paths and not (name.startswith("tag:") and "tag-key" in paths):
            raise AwsError("InvalidParameterValue", f"The filter '{name}' is invalid")
        if not values:
            raise AwsError("InvalidParameterValue", f"The filter '{name}' has no values")
        filters.append(ReplyFilter(name, paths.get(name, ""), tuple(map(str, values))))
    return filters


def _found(item: Any, path: Sequence[str]) -> Iterator[str]:
    """All that is at a path, as filters write it."""
    if isinstance(item, list):
        for each in item:
            yield from _found(each, path)
    elif path:
        if path[0] in item:
            yield from _found(item[path[0]], path[1:])
    else:
        yield str(item).lower() if isinstance(item, bool) else str(item)


def _is_like(text: str, pattern: str) -> bool:
    """True if a filter's value matches all of a text. A backslash makes the character after it an ordinary one.

    The bits of `reached` are the places in the text to which the pattern so far can lead, so that no pattern costs more
    than its length.
    """
    where: dict[str, int] = {}
    for place, character in enumerate(text):
        where[character] = where.get(character, 0) | 1 << place
    end, reached = 1 << len(text), 1
    for part in re.findall(r"\\.|.", pattern, re.DOTALL):
        if part == "*":
            reached = 2 * end - (reached & -reached)
        elif part == "?":
            reached |= reached << 1 & 2 * end - 1
        else:
            reached = (reached & where.get(part[-1], 0)) << 1
        if not reached:
            return False
    return bool(reached & end)
