"""Network ACLs in the sandbox refuse and answer as AWS does; driven by plain boto3."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.aws.fixtures import DENY_ALL, default_acl, refusal

UNKNOWN_ACL = "acl-0123456789abcdef0"


def entries(ec2: Any, acl: str, egress: bool = True) -> list[dict[str, Any]]:
    [found] = ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"]
    return [entry for entry in found["Entries"] if entry["Egress"] == egress]


def numbers(ec2: Any, acl: str, egress: bool = True) -> list[int]:
    return [entry["RuleNumber"] for entry in entries(ec2, acl, egress)]


def test_a_new_vpc_has_the_default_network_acl_of_aws(ec2, vpc):
    acl = default_acl(ec2, vpc)
    assert acl["IsDefault"]
    assert [(e["Egress"], e["RuleNumber"], e["RuleAction"], e["CidrBlock"], e["Protocol"]) for e in acl["Entries"]] == [
        (True, 100, "allow", "0.0.0.0/0", "-1"),
        (True, 32767, "deny", "0.0.0.0/0", "-1"),
        (False, 100, "allow", "0.0.0.0/0", "-1"),
        (False, 32767, "deny", "0.0.0.0/0", "-1"),
    ]


def test_a_custom_network_acl_denies_everything_in_both_directions(ec2, vpc):
    made = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]
    assert not made["IsDefault"]
    assert [(e["Egress"], e["RuleNumber"], e["RuleAction"], e["CidrBlock"]) for e in made["Entries"]] == [
        (True, 32767, "deny", "0.0.0.0/0"),
        (False, 32767, "deny", "0.0.0.0/0"),
    ]
    [found] = ec2.describe_network_acls(NetworkAclIds=[made["NetworkAclId"]])["NetworkAcls"]
    assert found["Entries"] == made["Entries"]


@pytest.mark.parametrize("egress", [True, False])
def test_a_direction_has_at_most_twenty_entries_including_the_one_of_aws(ec2, acl, egress):
    made = 0
    with pytest.raises(ClientError, match="NetworkAclEntryLimitExceeded"):  # noqa: PT012 - the call that fails is counted
        for number in range(1, 60):
            ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=number, **{**DENY_ALL, "Egress": egress})
            made += 1
    assert made == 18
    assert len(entries(ec2, acl, egress)) == 20
    assert len(entries(ec2, acl, not egress)) == 2


def test_ipv6_entries_have_a_quota_of_their_own(ec2, acl):
    for number in range(1, 19):
        ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=number, **DENY_ALL)
    ipv6 = {"Protocol": "-1", "RuleAction": "deny", "Ipv6CidrBlock": "2001:DB8::1/32", "Egress": True}
    ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=50, **ipv6)
    [made] = [entry for entry in entries(ec2, acl) if entry["RuleNumber"] == 50]
    assert made["Ipv6CidrBlock"] == "2001:db8::/32"
    assert "CidrBlock" not in made


def test_a_full_direction_still_reports_a_duplicate_number(ec2, acl):
    for number in range(1, 19):
        ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=number, **DENY_ALL)
    code = refusal(ec2.create_network_acl_entry, NetworkAclId=acl, RuleNumber=7, **DENY_ALL)
    assert code == "NetworkAclEntryAlreadyExists"


@pytest.mark.parametrize("number", [0, 32767, 65535])
@pytest.mark.parametrize("verb", ["create", "replace"])
def test_a_rule_number_outside_1_to_32766_is_refused(ec2, acl, verb, number):
    call = getattr(ec2, f"{verb}_network_acl_entry")
    assert refusal(call, NetworkAclId=acl, RuleNumber=number, **DENY_ALL) == "InvalidParameterValue"
    assert numbers(ec2, acl) == [100, 32767]


@pytest.mark.parametrize("number", [1, 32766])
def test_the_first_and_the_last_rule_number_are_accepted(ec2, acl, number):
    ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=number, **DENY_ALL)
    assert number in numbers(ec2, acl)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"CidrBlock": "banana"}, "InvalidParameterValue"),
        ({"CidrBlock": None}, "MissingParameter"),
        ({"Ipv6CidrBlock": "2001:db8::/32"}, "InvalidParameterCombination"),
        ({"RuleAction": "block"}, "InvalidParameterValue"),
        ({"Protocol": "tcp", "PortRange": {"From": 443, "To": 443}}, "InvalidParameterValue"),
        ({"Protocol": "6"}, "MissingParameter"),
        ({"Protocol": "6", "PortRange": {"From": 500, "To": 400}}, "InvalidParameterValue"),
        ({"Protocol": "1"}, "MissingParameter"),
    ],
)
def test_an_entry_that_aws_refuses_is_refused_and_not_created(ec2, acl, given, code):
    request = {name: value for name, value in {**DENY_ALL, **given}.items() if value is not None}
    assert refusal(ec2.create_network_acl_entry, NetworkAclId=acl, RuleNumber=50, **request) == code
    assert numbers(ec2, acl) == [100, 32767]


def test_an_entrys_cidr_block_is_stored_in_canonical_form(ec2, acl):
    ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=50, **{**DENY_ALL, "CidrBlock": "203.0.113.5/24"})
    assert entries(ec2, acl)[0]["CidrBlock"] == "203.0.113.0/24"
    ec2.replace_network_acl_entry(NetworkAclId=acl, RuleNumber=50, **{**DENY_ALL, "CidrBlock": "198.51.100.9/25"})
    assert entries(ec2, acl)[0]["CidrBlock"] == "198.51.100.0/25"


def test_ports_and_icmp_types_are_kept(ec2, acl):
    tcp = {**DENY_ALL, "Protocol": "6", "PortRange": {"From": 443, "To": 8443}}
    icmp = {**DENY_ALL, "Protocol": "1", "IcmpTypeCode": {"Type": 8, "Code": -1}}
    ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=50, **tcp)
    ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=51, **icmp)
    first, second = entries(ec2, acl)[:2]
    assert first["PortRange"] == {"From": 443, "To": 8443}
    assert second["IcmpTypeCode"] == {"Type": 8, "Code": -1}


def test_entries_are_listed_egress_first_and_by_number(ec2, acl):
    for number in (300, 10, 200):
        ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=number, **DENY_ALL)
        ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=number, **{**DENY_ALL, "Egress": False})
    ec2.replace_network_acl_entry(NetworkAclId=acl, RuleNumber=10, **DENY_ALL)
    [found] = ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"]
    order = [10, 100, 200, 300, 32767]
    assert [(entry["Egress"], entry["RuleNumber"]) for entry in found["Entries"]] == [
        *((True, number) for number in order),
        *((False, number) for number in order),
    ]


def test_a_rule_number_is_taken_in_one_direction_and_free_in_the_other(ec2, acl):
    ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=50, **DENY_ALL)
    code = refusal(ec2.create_network_acl_entry, NetworkAclId=acl, RuleNumber=50, **DENY_ALL)
    assert code == "NetworkAclEntryAlreadyExists"
    ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=50, **{**DENY_ALL, "Egress": False})
    assert numbers(ec2, acl, egress=False) == [50, 100, 32767]


def test_of_twelve_concurrent_entries_with_one_number_one_succeeds(ec2, acl):
    def create(_: int) -> str:
        try:
            ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=50, **DENY_ALL)
        except ClientError as refused:
            return refused.response["Error"]["Code"]
        return "made"

    with ThreadPoolExecutor(12) as pool:
        results = list(pool.map(create, range(12)))
    assert sorted(results) == ["NetworkAclEntryAlreadyExists"] * 11 + ["made"]
    assert numbers(ec2, acl) == [50, 100, 32767]


@pytest.mark.parametrize("egress", [True, False])
def test_a_missing_entry_can_be_neither_deleted_nor_replaced(ec2, acl, egress):
    absent = {"NetworkAclId": acl, "RuleNumber": 50}
    assert refusal(ec2.delete_network_acl_entry, **absent, Egress=egress) == "InvalidNetworkAclEntry.NotFound"
    assert refusal(ec2.replace_network_acl_entry, **absent, **{**DENY_ALL, "Egress": egress}) == (
        "InvalidNetworkAclEntry.NotFound"
    )


def test_the_entry_of_aws_itself_cannot_be_deleted(ec2, acl):
    code = refusal(ec2.delete_network_acl_entry, NetworkAclId=acl, RuleNumber=32767, Egress=True)
    assert code == "InvalidParameterValue"
    assert numbers(ec2, acl) == [100, 32767]


def test_an_unknown_network_acl_is_not_found_by_any_call(ec2, vpc):
    gone = {"NetworkAclId": UNKNOWN_ACL}
    assert refusal(ec2.describe_network_acls, NetworkAclIds=[UNKNOWN_ACL]) == "InvalidNetworkAclID.NotFound"
    assert refusal(ec2.delete_network_acl, **gone) == "InvalidNetworkAclID.NotFound"
    assert refusal(ec2.create_network_acl_entry, **gone, RuleNumber=5, **DENY_ALL) == "InvalidNetworkAclID.NotFound"
    assert refusal(ec2.delete_network_acl_entry, **gone, RuleNumber=5, Egress=True) == "InvalidNetworkAclID.NotFound"
    assert refusal(ec2.create_tags, Resources=[UNKNOWN_ACL], Tags=[{"Key": "a", "Value": "b"}]) == (
        "InvalidNetworkAclID.NotFound"
    )


@pytest.mark.parametrize("malformed", ["acl-1", "acl-xyz", "vpc-0123456789abcdef0", "banana"])
def test_a_malformed_network_acl_id_gets_another_error_than_an_unknown_one(ec2, malformed):
    assert refusal(ec2.describe_network_acls, NetworkAclIds=[malformed]) == "InvalidNetworkAclId.Malformed"
    assert refusal(ec2.delete_network_acl, NetworkAclId=malformed) == "InvalidNetworkAclId.Malformed"


def test_the_default_network_acl_cannot_be_deleted(ec2, vpc, acl):
    assert refusal(ec2.delete_network_acl, NetworkAclId=acl) == "InvalidParameterValue"
    ec2.create_subnet(VpcId=vpc, CidrBlock="10.7.1.0/24")
    assert refusal(ec2.delete_network_acl, NetworkAclId=acl) == "InvalidParameterValue"
    assert default_acl(ec2, vpc)["NetworkAclId"] == acl


def test_a_custom_network_acl_is_deleted_when_no_subnet_uses_it(ec2, vpc):
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.7.1.0/24")["Subnet"]["SubnetId"]
    custom = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    [association] = default_acl(ec2, vpc)["Associations"]
    assert association["SubnetId"] == subnet
    ec2.replace_network_acl_association(AssociationId=association["NetworkAclAssociationId"], NetworkAclId=custom)
    assert refusal(ec2.delete_network_acl, NetworkAclId=custom) == "DependencyViolation"
    ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_network_acl(NetworkAclId=custom)
    assert refusal(ec2.describe_network_acls, NetworkAclIds=[custom]) == "InvalidNetworkAclID.NotFound"


def test_an_association_is_replaced_within_its_vpc_only(ec2, vpc):
    ec2.create_subnet(VpcId=vpc, CidrBlock="10.7.1.0/24")
    [association] = default_acl(ec2, vpc)["Associations"]
    elsewhere = next(a for a in ec2.describe_network_acls()["NetworkAcls"] if a["VpcId"] != vpc)["NetworkAclId"]
    replace, own = ec2.replace_network_acl_association, association["NetworkAclAssociationId"]
    assert refusal(replace, AssociationId=own, NetworkAclId=elsewhere) == "InvalidParameterValue"
    assert refusal(replace, AssociationId=own, NetworkAclId=UNKNOWN_ACL) == "InvalidNetworkAclID.NotFound"
    mine = default_acl(ec2, vpc)["NetworkAclId"]
    assert refusal(replace, AssociationId="aclassoc-0123456789abcdef0", NetworkAclId=mine) == (
        "InvalidAssociationID.NotFound"
    )
    assert default_acl(ec2, vpc)["Associations"] == [association]


def test_a_dry_run_changes_no_network_acl(ec2, vpc, acl):
    before = ec2.describe_network_acls()["NetworkAcls"]
    entry = {"NetworkAclId": acl, "RuleNumber": 100, "DryRun": True}
    for call, request in [
        (ec2.create_network_acl, {"VpcId": vpc, "DryRun": True}),
        (ec2.create_network_acl_entry, {**entry, **DENY_ALL, "RuleNumber": 50}),
        (ec2.replace_network_acl_entry, {**entry, **DENY_ALL}),
        (ec2.delete_network_acl_entry, {**entry, "Egress": True}),
        (ec2.describe_network_acls, {"DryRun": True}),
    ]:
        assert refusal(call, **request) == "DryRunOperation"
    assert ec2.describe_network_acls()["NetworkAcls"] == before


def test_a_listener_is_called_for_each_change_of_an_entry_and_for_nothing_else(aws, ec2, acl):
    aws.changes.clear()
    ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=50, **DENY_ALL)
    assert aws.changes == [("123456789012", "us-east-1")]
    refusal(ec2.create_network_acl_entry, NetworkAclId=acl, RuleNumber=50, **DENY_ALL)
    ec2.describe_network_acls()
    assert len(aws.changes) == 1
