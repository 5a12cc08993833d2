"""Replies and refusals in AWS's own words, where replies of the real service are published."""

from __future__ import annotations

import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.aws.fixtures import DENY_ALL, Aws, refusal


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        ({"RuleNumber": 32768}, "InvalidParameterValue",
         "Value (32768) for parameter ruleNumber is invalid. Rulenumber must be in range 1..32766"),
        ({"Protocol": "tcp"}, "InvalidParameterValue", "Invalid value 'tcp' for IP protocol. Unknown protocol."),
        ({"Protocol": "1"}, "MissingParameter", "The request must contain the parameter icmpTypeCode.type"),
        ({"Protocol": "1", "IcmpTypeCode": {"Type": 8}}, "MissingParameter",
         "The request must contain the parameter icmpTypeCode.code"),
        ({"RuleNumber": 100}, "NetworkAclEntryAlreadyExists",
         "The network acl entry identified by 100 already exists."),
        ({"DryRun": True}, "DryRunOperation", "Request would have succeeded, but DryRun flag is set."),
    ],
)  # fmt: skip
def test_an_entry_is_refused_in_the_words_of_aws(ec2: Any, acl: str, given: Any, code: str, words: str) -> None:
    with pytest.raises(ClientError) as refused:
        ec2.create_network_acl_entry(NetworkAclId=acl, **({"RuleNumber": 50} | DENY_ALL | given))
    assert refused.value.response["Error"] == {"Code": code, "Message": words}


def test_an_entry_that_does_not_exist_is_refused_in_the_words_of_aws(ec2: Any, acl: str) -> None:
    with pytest.raises(ClientError, match="no ingress entry with number 120"):
        ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=120, Egress=False)


def test_a_new_vpc_is_pending_and_has_the_regions_dhcp_options(ec2: Any, aws: Aws) -> None:
    made = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]
    assert made["State"] == "pending" and re.fullmatch("dopt-[0-9a-f]{17}", made["DhcpOptionsId"])
    [found] = ec2.describe_vpcs(VpcIds=[made["VpcId"]])["Vpcs"]
    assert found["State"] == "available" and found["DhcpOptionsId"] == made["DhcpOptionsId"]
    for asked in ({}, {"DhcpOptionsIds": [made["DhcpOptionsId"]]}):
        [options] = ec2.describe_dhcp_options(**asked)["DhcpOptions"]
        assert options["DhcpOptionsId"] == made["DhcpOptionsId"]
    assert refusal(ec2.describe_dhcp_options, DhcpOptionsIds=["dopt-0123456789abcdef0"])
    [elsewhere] = aws.client("ec2", "eu-west-2").describe_dhcp_options()["DhcpOptions"]
    assert elsewhere["DhcpOptionsId"] != made["DhcpOptionsId"]


def test_a_client_token_makes_one_network_acl(ec2: Any, vpc: str, aws: Aws) -> None:
    asked = {"VpcId": vpc, "ClientToken": "abc"}
    made = ec2.create_network_acl(**asked)
    assert made["ClientToken"] == "abc"
    again = ec2.create_network_acl(**asked)
    assert again["NetworkAcl"] == made["NetworkAcl"]
    other = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    assert refusal(ec2.create_network_acl, VpcId=other, ClientToken="abc") == "IdempotentParameterMismatch"
    aws.state.restore()
    restored = ec2.create_network_acl(**asked)["NetworkAcl"]["NetworkAclId"]
    assert restored == made["NetworkAcl"]["NetworkAclId"]
    assert ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"] != restored
