"""Filters of Describe calls find what AWS's would: a row for each filter of the table, driven by plain boto3."""

from __future__ import annotations

import re

import pytest
from botocore import xform_name
from botocore.session import get_session

from labkit.sandbox.aws.strict.filters import FILTERS
from tests.sandbox.aws.filtered_world import DESCRIBED, World
from tests.sandbox.aws.fixtures import Aws, refusal


@pytest.fixture(scope="module")
def world(aws: Aws) -> World:
    return World(aws)


ROWS = """
DescribeVpcs cidr 10.7.0.0/16 A
DescribeVpcs cidr-block 10.7.0.0/16 A
DescribeVpcs cidrBlock 10.7.0.0/16 A
DescribeVpcs cidr-block-association.association-id <cidr4> A
DescribeVpcs cidr-block-association.cidr-block 10.7.0.0/16 A
DescribeVpcs cidr-block-association.state associated A,B
DescribeVpcs dhcp-options-id <dopt> A,B
DescribeVpcs dhcpOptionsId <dopt> A,B
DescribeVpcs ipv6-cidr-block-association.association-id <cidr6> A
DescribeVpcs ipv6-cidr-block-association.ipv6-cidr-block <six> A
DescribeVpcs ipv6-cidr-block-association.ipv6-pool Amazon A
DescribeVpcs ipv6-cidr-block-association.state associated A
DescribeVpcs is-default false A,B
DescribeVpcs isDefault false A,B
DescribeVpcs owner-id 123456789012 A,B
DescribeVpcs state available A,B
DescribeVpcs tag:Name alpha A
DescribeVpcs tag-key team A,B
DescribeVpcs tag-value blue A
DescribeVpcs vpc-id <A> A
DescribeSubnets availability-zone us-east-1b a2,b1
DescribeSubnets availabilityZone us-east-1b a2,b1
DescribeSubnets availability-zone-id <zone> a1
DescribeSubnets availabilityZoneId <zone> a1
DescribeSubnets available-ip-address-count 123 a2
DescribeSubnets cidr 10.7.1.0/24 a1
DescribeSubnets cidr-block 10.7.1.0/24 a1
DescribeSubnets cidrBlock 10.7.1.0/24 a1
DescribeSubnets customer-owned-ipv4-pool * -
DescribeSubnets default-for-az false a1,a2,b1
DescribeSubnets defaultForAz false a1,a2,b1
DescribeSubnets enable-dns64 false a1,a2,b1
DescribeSubnets enable-lni-at-device-index * -
DescribeSubnets ipv6-cidr-block-association.association-id * -
DescribeSubnets ipv6-cidr-block-association.ipv6-cidr-block * -
DescribeSubnets ipv6-cidr-block-association.state * -
DescribeSubnets ipv6-native false a1,a2,b1
DescribeSubnets map-customer-owned-ip-on-launch false a1,a2,b1
DescribeSubnets map-public-ip-on-launch true a2
DescribeSubnets outpost-arn * -
DescribeSubnets owner-id 123456789012 a1,a2,b1
DescribeSubnets private-dns-name-options-on-launch.hostname-type ip-name a1,a2,b1
DescribeSubnets private-dns-name-options-on-launch.enable-resource-name-dns-a-record false a1,a2,b1
DescribeSubnets private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record false a1,a2,b1
DescribeSubnets state available a1,a2,b1
DescribeSubnets subnet-arn <arn> a1
DescribeSubnets subnet-id <a1> a1
DescribeSubnets tag:Name nosuch -
DescribeSubnets tag-key Name -
DescribeSubnets tag-value alpha -
DescribeSubnets vpc-id <A> a1,a2
DescribeNetworkAcls association.association-id <assoc> n
DescribeNetworkAcls association.network-acl-id <n> n
DescribeNetworkAcls association.subnet-id <a1> n
DescribeNetworkAcls default false n
DescribeNetworkAcls entry.cidr 203.0.113.0/24 n
DescribeNetworkAcls entry.cidr 0.0.0.0/0 n,nB
DescribeNetworkAcls entry.egress false n,nB
DescribeNetworkAcls entry.icmp.code 7 n
DescribeNetworkAcls entry.icmp.type 128 n
DescribeNetworkAcls entry.ipv6-cidr 2001:db8::/32 n
DescribeNetworkAcls entry.port-range.from 443 n
DescribeNetworkAcls entry.port-range.to 444 n
DescribeNetworkAcls entry.protocol tcp n
DescribeNetworkAcls entry.protocol 6 n
DescribeNetworkAcls entry.protocol -1 n,nB
DescribeNetworkAcls entry.protocol udp -
DescribeNetworkAcls entry.rule-action allow nB
DescribeNetworkAcls entry.rule-number 50 n
DescribeNetworkAcls network-acl-id <n> n
DescribeNetworkAcls owner-id 123456789012 n,nB
DescribeNetworkAcls tag:Name custom n
DescribeNetworkAcls tag-key Name n
DescribeNetworkAcls tag-value custom n
DescribeNetworkAcls vpc-id <B> nB
DescribeRouteTables association.gateway-id * -
DescribeRouteTables association.main true rB
DescribeRouteTables association.route-table-association-id <rassoc> r
DescribeRouteTables association.route-table-id <r> r
DescribeRouteTables association.subnet-id <a1> r
DescribeRouteTables owner-id 123456789012 r,rB
DescribeRouteTables route-table-id <r> r
DescribeRouteTables route.destination-cidr-block 0.0.0.0/0 r
DescribeRouteTables route.destination-ipv6-cidr-block <six> r
DescribeRouteTables route.destination-prefix-list-id * -
DescribeRouteTables route.egress-only-internet-gateway-id * -
DescribeRouteTables route.gateway-id <g> r
DescribeRouteTables route.instance-id * -
DescribeRouteTables route.nat-gateway-id * -
DescribeRouteTables route.origin CreateRoute r
DescribeRouteTables route.state active r,rB
DescribeRouteTables route.transit-gateway-id * -
DescribeRouteTables route.vpc-peering-connection-id * -
DescribeRouteTables tag:Name out r
DescribeRouteTables tag-key Name r
DescribeRouteTables tag-value out r
DescribeRouteTables vpc-id <B> rB
DescribeInternetGateways attachment.state available g
DescribeInternetGateways attachment.vpc-id <A> g
DescribeInternetGateways internet-gateway-id <g0> g0
DescribeInternetGateways owner-id 123456789012 g,g0
DescribeInternetGateways tag:Name door g
DescribeInternetGateways tag-key Name g
DescribeInternetGateways tag-value door g
DescribeSecurityGroups description Of?s s
DescribeSecurityGroups egress.ip-permission.cidr 192.168.0.0/16 s
DescribeSecurityGroups egress.ip-permission.from-port 443 s
DescribeSecurityGroups egress.ip-permission.group-id <s> s
DescribeSecurityGroups egress.ip-permission.ipv6-cidr 2001:db8::/32 s
DescribeSecurityGroups egress.ip-permission.prefix-list-id pl-63a5400a s
DescribeSecurityGroups egress.ip-permission.protocol tcp s
DescribeSecurityGroups egress.ip-permission.to-port 444 s
DescribeSecurityGroups egress.ip-permission.user-id 123456789012 s
DescribeSecurityGroups group-id <s> s
DescribeSecurityGroups group-name web-* s,t
DescribeSecurityGroups ip-permission.cidr 192.168.0.0/16 s
DescribeSecurityGroups ip-permission.from-port 443 s
DescribeSecurityGroups ip-permission.group-id <s> s
DescribeSecurityGroups ip-permission.ipv6-cidr 2001:db8::/32 s
DescribeSecurityGroups ip-permission.prefix-list-id pl-63a5400a s
DescribeSecurityGroups ip-permission.protocol 6 s
DescribeSecurityGroups ip-permission.to-port 444 s
DescribeSecurityGroups ip-permission.user-id 123456789012 s
DescribeSecurityGroups owner-id 123456789012 s,t
DescribeSecurityGroups tag:Name web s
DescribeSecurityGroups tag-key Name s
DescribeSecurityGroups tag-value web s
DescribeSecurityGroups vpc-id <B> t
DescribeDhcpOptions dhcp-options-id <dopt> dopt
DescribeDhcpOptions key domain-name dopt
DescribeDhcpOptions owner-id 123456789012 dopt
DescribeDhcpOptions tag:Name * -
DescribeDhcpOptions tag-key * -
DescribeDhcpOptions tag-value * -
DescribeDhcpOptions value AmazonProvidedDNS dopt
DescribeRegions endpoint *eu-west-2* eu-west-2
DescribeRegions opt-in-status nosuch -
DescribeRegions region-name eu-west-2 eu-west-2
DescribeAvailabilityZones message * -
DescribeAvailabilityZones opt-in-status not-opted-in -
DescribeAvailabilityZones parent-zone-id * -
DescribeAvailabilityZones parent-zone-name * -
DescribeAvailabilityZones region-name eu-west-2 -
DescribeAvailabilityZones state unavailable -
DescribeAvailabilityZones zone-id <zone> us-east-1a
DescribeAvailabilityZones zone-name us-east-1a us-east-1a
DescribeAvailabilityZones zone-type local-zone -
DescribeTags key team A,B
DescribeTags resource-id <A> A
DescribeTags resource-type vpc A,B
DescribeTags tag:team blue A
DescribeTags tag-key team A,B
DescribeTags tag-value blue A
DescribeTags value blue A
"""
"""Call, filter, value, what is found. Values in angle brackets are ids of the world."""

CASES = [tuple(row.split()) for row in ROWS.strip().splitlines()]

REFUSED = {
    ("DescribeSecurityGroups", "ip-permission.group-name"),
    ("DescribeSecurityGroups", "egress.ip-permission.group-name"),
    ("DescribeAvailabilityZones", "group-name"),
    ("DescribeAvailabilityZones", "group-long-name"),
}
"""Filters that AWS has and the sandbox refuses: moto's replies do not have the value."""


@pytest.mark.parametrize(("action", "name", "value", "expected"), CASES)
def test_a_filter_finds_what_has_its_value(world: World, action: str, name: str, value: str, expected: str) -> None:
    assert world.found(action, (name, [value])) == set(expected.split(",")) - {"-"}
    assert world.found(action, (name, ["nosuch", value])) == world.found(action, (name, [value])), "any of the values"
    assert world.found(action, (name, ["nosuch"])) == set()
    if "-" not in expected:
        assert world.found(action, (name, [value]), (name, ["nosuch"])) == set(), "all of the filters"


@pytest.mark.parametrize("action", DESCRIBED)
def test_every_documented_filter_has_a_row_or_is_refused(action: str) -> None:
    shape = get_session().get_service_model("ec2").operation_model(action).input_shape
    documented = set(re.findall(r"<li> <p> <code>([^<]+)</code>", shape.members["Filters"].documentation)) - {"tag"}
    tried = {name for call, name, *_ in CASES if call == action}
    refused = {name for call, name in REFUSED if call == action}
    assert documented <= tried | refused
    assert set(FILTERS[action]) == {name for name in tried if not name.startswith("tag:")}


@pytest.mark.parametrize(("action", "name"), sorted(REFUSED))
def test_a_documented_filter_that_the_sandbox_lacks_is_refused(world: World, action: str, name: str) -> None:
    call = getattr(world.ec2, xform_name(action))
    assert refusal(call, Filters=[{"Name": name, "Values": ["x"]}]) == "InvalidParameterValue"


@pytest.mark.parametrize("action", DESCRIBED)
def test_a_filter_that_aws_does_not_have_or_without_values_is_refused(world: World, action: str) -> None:
    call = getattr(world.ec2, xform_name(action))
    known = next(iter(FILTERS[action]))
    for asked in ({"Name": "colour", "Values": ["x"]}, {"Name": known}, {"Values": ["x"]}, {"Name": known.upper()}):
        assert refusal(call, Filters=[asked]) == "InvalidParameterValue"
    assert refusal(call, Filters=[{"Name": known, "Values": ["x"] * 201}]) == "FilterLimitExceeded"
    if action in ("DescribeRegions", "DescribeAvailabilityZones"):
        assert refusal(call, Filters=[{"Name": "tag:Name", "Values": ["x"]}]) == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("al*", "A"), ("*", "A,B"), ("alph?", "A"), ("alpha?", "A"), ("?alpha", "A"), ("al?a", "-"), ("*l*h*", "A"),
        ("ALPHA", "-"), ("alpha*x", "-"), ("be\\*ta\\?", "B"), ("be\\*ta", "-"), ("al\\*", "-"), ("al[p]ha", "-"),
        ("*" * 200, "A,B"), ("*a" * 100, "-"),
    ],
)  # fmt: skip
def test_values_have_the_wildcards_of_aws(world: World, value: str, expected: str) -> None:
    """`*` is any text, `?` one character or none, a backslash takes their meaning away; case counts."""
    assert world.found("DescribeVpcs", ("tag:Name", [value])) == set(expected.split(",")) - {"-"}


def test_several_filters_are_joined_by_and(world: World) -> None:
    both = ("tag:Name", ["alpha", "be*"])
    assert world.found("DescribeVpcs", both) == {"A", "B"}
    assert world.found("DescribeVpcs", both, ("cidr", ["10.8.0.0/16"])) == {"B"}
    assert world.found("DescribeNetworkAcls", ("association.subnet-id", ["<a1>", "<b1>"])) == {"n", "nB"}
    assert world.found("DescribeNetworkAcls", ("entry.rule-number", ["50", "99"])) == {"n"}
    assert world.found("DescribeVpcs", both, VpcIds=[world.ids["A"]]) == {"A"}


def test_the_zones_of_a_region_are_found_by_their_opt_in_status(world: World) -> None:
    zones = world.found("DescribeAvailabilityZones", ("opt-in-status", ["opt-in-not-required"]))
    assert "us-east-1a" in zones and len(zones) == 6
    assert "us-east-1" in world.found("DescribeRegions", ("opt-in-status", ["opt-in-not-required", "opted-in"]))


def test_what_is_filtered_looks_as_it_does_unfiltered(world: World) -> None:
    for action, (listed, key) in DESCRIBED.items():
        call = getattr(world.ec2, xform_name(action))
        name = next(name for name, path in FILTERS[action].items() if path == key)
        assert call(Filters=[{"Name": name, "Values": ["*"]}])[listed] == call()[listed]


def test_a_long_list_is_read_in_pages(world: World) -> None:
    whole = world.ec2.describe_tags()["Tags"]
    pages = list(world.ec2.get_paginator("describe_tags").paginate(PaginationConfig={"PageSize": 5}))
    assert len(whole) > 5 and len(pages[0]["Tags"]) == 5
    assert [tag for page in pages for tag in page["Tags"]] == whole
    assert "NextToken" in pages[0] and "NextToken" not in pages[-1]
    for size in (4, 1001):
        assert refusal(world.ec2.describe_tags, MaxResults=size) == "InvalidParameterValue"
    assert refusal(world.ec2.describe_tags, NextToken="banana") == "InvalidParameterValue"
    assert refusal(world.ec2.describe_vpcs, NextToken=pages[0]["NextToken"]) == "InvalidParameterValue"
