"""labkit's AWS client against the sandbox over real HTTP: VPCs, network ACLs and their entries."""

from __future__ import annotations

import pytest

from labkit.model.errors import InvalidInput, LabError, QuotaReached, ServiceError
from labkit.model.network_acl import CATCH_ALL, ENTRY_QUOTA, new_entry
from labkit.model.student import STUDENT_TAG
from labkit.services import aws
from labkit.services.aws.account import Account

DENY = {"rule_action": "deny", "cidr_block": "203.0.113.5/24"}


@pytest.fixture
def ec2(account):
    return account.ec2


@pytest.fixture
def network_acl(ec2):
    vpc = aws.create_vpc(ec2, 7)
    (found,) = aws.describe_network_acls(ec2, vpc_id=vpc.id)
    return found


# --- VPCs ---


def test_a_created_vpc_has_the_students_tags_and_is_found_by_them(ec2):
    made = aws.create_vpc(ec2, 7)
    assert made.cidr_block == "10.0.0.0/16"
    assert made.tags == {STUDENT_TAG: "7", "Name": "Self Protect Student7"}
    assert aws.find_student_vpcs(ec2, 7) == (made,)
    assert aws.find_student_vpcs(ec2, 77) == ()


def test_a_vpc_made_by_the_original_command_is_unclaimed_until_it_is_tagged(ec2):
    vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.create_vpc(CidrBlock="10.9.0.0/16")
    assert [vpc.id for vpc in aws.unclaimed_vpcs(ec2)] == [vpc_id]
    taken = aws.tag_vpc(ec2, vpc_id, 7)
    assert (taken.student, taken.name) == (7, "Self Protect Student7")
    assert aws.unclaimed_vpcs(ec2) == ()
    assert aws.tag_vpc(ec2, vpc_id, 7) == taken


def test_another_students_vpc_and_the_default_vpc_are_not_claimed(ec2):
    theirs = aws.create_vpc(ec2, 12)
    (default,) = aws.describe_vpcs(ec2, {"is-default": ["true"]})
    for vpc, whose in ((theirs, "student 12"), (default, "the account")):
        with pytest.raises(InvalidInput, match=f"belongs to {whose}"):
            aws.tag_vpc(ec2, vpc.id, 7)
    assert aws.find_student_vpcs(ec2, 7) == ()


def test_the_vpc_quota_error_lists_the_vpcs_that_use_it(ec2):
    made = [aws.create_vpc(ec2, student) for student in (1, 2, 3, 4)]
    with pytest.raises(QuotaReached) as reached:
        aws.create_vpc(ec2, 7)
    assert reached.value.code == "VpcLimitExceeded"
    assert reached.value.why.startswith(f"5 of 5 VPCs used in {ec2.meta.region_name}: ")
    assert all(str(vpc) in reached.value.why for vpc in made)


def test_deleting_a_vpc_deletes_and_lists_tagged_subnets_and_network_acls(ec2):
    vpc = aws.create_vpc(ec2, 7)
    tags = [{"ResourceType": "subnet", "Tags": [{"Key": STUDENT_TAG, "Value": "7"}]}]
    subnet = ec2.create_subnet(VpcId=vpc.id, CidrBlock="10.0.1.0/24", TagSpecifications=tags)["Subnet"]["SubnetId"]
    extra = ec2.create_network_acl(VpcId=vpc.id)["NetworkAcl"]["NetworkAclId"]
    deleted = aws.delete_vpc(ec2, vpc.id, 7)
    assert deleted == [f"subnet {subnet}", f"network ACL {extra}", f"VPC {vpc.id}"]
    assert aws.find_student_vpcs(ec2, 7) == ()
    assert aws.describe_network_acls(ec2, vpc_id=vpc.id) == ()


def test_a_subnet_that_the_lab_did_not_create_stops_the_deletion_before_any_change(ec2):
    vpc = aws.create_vpc(ec2, 7)
    subnet = ec2.create_subnet(VpcId=vpc.id, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    with pytest.raises(ServiceError, match=subnet) as refused:
        aws.delete_vpc(ec2, vpc.id, 7)
    assert refused.value.code == "DependencyViolation"
    assert aws.find_student_vpcs(ec2, 7) == (vpc,)


def test_only_the_students_own_vpc_is_deleted(ec2):
    theirs, untagged = aws.create_vpc(ec2, 12), ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    before = aws.describe_vpcs(ec2)
    for vpc_id in (theirs.id, untagged):
        with pytest.raises(InvalidInput, match="deletes only what carries the tag"):
            aws.delete_vpc(ec2, vpc_id, 7)
    assert aws.describe_vpcs(ec2) == before


def test_the_error_for_a_missing_vpc_names_the_region(ec2):
    with pytest.raises(ServiceError, match=ec2.meta.region_name) as gone:
        aws.delete_vpc(ec2, "vpc-0123456789abcdef0", 7)
    assert gone.value.code == "InvalidVpcID.NotFound"


def test_a_vpc_in_another_region_is_found_on_request(account):
    made = aws.create_vpc(account.ec2, 7)
    elsewhere = Account(account.keys, "us-east-1", account.endpoint_url)
    assert aws.find_student_vpcs(elsewhere.ec2, 7) == ()
    assert made in aws.student_vpcs_elsewhere(elsewhere, 7, account.region)
    assert aws.student_vpcs_elsewhere(elsewhere, 7, "us-west-1") == ()


# --- network ACLs ---


def test_a_vpcs_network_acl_is_read_as_a_value_in_aws_order(network_acl):
    assert network_acl.is_default
    assert [str(entry) for entry in network_acl.egress] == [
        "egress 100: allow all to 0.0.0.0/0",
        "egress *: deny all to 0.0.0.0/0",
    ]


def test_the_network_acls_of_a_region_include_those_of_others(ec2):
    vpcs = {aws.create_vpc(ec2, student).id for student in (7, 12)}
    assert vpcs <= {found.vpc_id for found in aws.describe_network_acls(ec2)}


def test_an_unknown_network_acl_is_not_found(ec2):
    with pytest.raises(ServiceError) as unknown:
        aws.describe_network_acls(ec2, ids=["acl-0123456789abcdef0"])
    assert unknown.value.code == "InvalidNetworkAclID.NotFound"


def test_an_entry_is_created_replaced_and_deleted_as_aws_stores_it(ec2, network_acl):
    def numbered(number):
        (now,) = aws.describe_network_acls(ec2, ids=[network_acl.id])
        return [entry for entry in now.egress if entry.rule_number == number]

    made = aws.create_entry(ec2, network_acl.id, new_entry(rule_number=50, protocol="tcp", ports=(80, 443), **DENY))
    assert made.cidr_block == "203.0.113.0/24"
    assert numbered(50) == [made]
    other = aws.replace_entry(ec2, network_acl.id, new_entry(rule_number=50, protocol="icmp", icmp=(8, -1), **DENY))
    assert numbered(50) == [other]
    aws.delete_entry(ec2, network_acl.id, 50, egress=True)
    assert numbered(50) == []


def test_an_ipv6_entry_is_read_back_as_created(ec2, network_acl):
    made = aws.create_entry(
        ec2, network_acl.id, new_entry(rule_number=51, rule_action="deny", cidr_block="2001:DB8::1/64")
    )
    (now,) = aws.describe_network_acls(ec2, ids=[network_acl.id])
    assert made in now.entries
    assert made.cidr_block == "2001:db8::/64"


def test_refusals_of_entries_keep_the_services_code(ec2, network_acl):
    aws.create_entry(ec2, network_acl.id, new_entry(rule_number=50, **DENY))
    attempts = {
        "NetworkAclEntryAlreadyExists": lambda: aws.create_entry(
            ec2, network_acl.id, new_entry(rule_number=50, **DENY)
        ),
        "InvalidNetworkAclEntry.NotFound": lambda: aws.delete_entry(ec2, network_acl.id, 60, egress=True),
        "InvalidParameterValue": lambda: aws.delete_entry(ec2, network_acl.id, CATCH_ALL, egress=True),
    }
    for code, attempt in attempts.items():
        with pytest.raises(LabError) as refused:
            attempt()
        assert refused.value.code == code
    with pytest.raises(ServiceError) as nothing:
        aws.replace_entry(ec2, network_acl.id, new_entry(rule_number=61, **DENY))
    assert nothing.value.code == "InvalidNetworkAclEntry.NotFound"


def test_the_error_for_a_full_direction_has_its_count_and_the_other_direction_accepts_entries(ec2, network_acl):
    for number in range(1, ENTRY_QUOTA - 1):  # 100 and * are there already
        aws.create_entry(ec2, network_acl.id, new_entry(rule_number=number, **DENY))
    with pytest.raises(QuotaReached) as full:
        aws.create_entry(ec2, network_acl.id, new_entry(rule_number=99, **DENY))
    assert full.value.code == "NetworkAclEntryLimitExceeded"
    assert full.value.why == "20 of 20 egress IPv4 entries are used; the * entry counts."
    aws.create_entry(ec2, network_acl.id, new_entry(rule_number=99, egress=False, **DENY))
    aws.create_entry(ec2, network_acl.id, new_entry(rule_number=98, rule_action="deny", cidr_block="2001:db8::/32"))
