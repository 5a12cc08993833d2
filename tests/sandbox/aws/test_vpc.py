"""VPCs, subnets and tags in the sandbox refuse and answer as AWS does; driven by plain boto3."""

from __future__ import annotations

import pytest

from tests.sandbox.aws.fixtures import default_acl, refusal

UNKNOWN_VPC = "vpc-0123456789abcdef0"


def test_new_state_has_a_default_vpc_and_another_students(ec2):
    vpcs = {vpc["IsDefault"]: vpc for vpc in ec2.describe_vpcs()["Vpcs"]}
    assert vpcs[True]["CidrBlock"] == "172.31.0.0/16"
    assert vpcs[False]["CidrBlock"] == "10.0.0.0/16"
    assert {tag["Key"]: tag["Value"] for tag in vpcs[False]["Tags"]} == {
        "Name": "Self Protect Student1012",
        "labkit:student": "1012",
    }


def test_a_region_has_at_most_five_vpcs_including_the_default_one(aws, ec2):
    for number in range(3):
        ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")
    assert refusal(ec2.create_vpc, CidrBlock="10.9.0.0/16") == "VpcLimitExceeded"
    assert len(ec2.describe_vpcs()["Vpcs"]) == 5
    aws.client("ec2", "eu-west-1").create_vpc(CidrBlock="10.9.0.0/16")


def test_another_region_does_not_see_the_vpc(aws, ec2, vpc):
    elsewhere = aws.client("ec2", "us-west-2")
    assert [each["IsDefault"] for each in elsewhere.describe_vpcs()["Vpcs"]] == [True]
    assert refusal(elsewhere.describe_vpcs, VpcIds=[vpc]) == "InvalidVpcID.NotFound"


def test_a_region_that_does_not_exist_is_refused(aws, ec2):
    assert refusal(aws.client("ec2", "mars-north-1").describe_vpcs) == "InvalidRegion"


def test_a_vpcs_cidr_block_is_stored_in_canonical_form(ec2):
    assert ec2.create_vpc(CidrBlock="10.7.0.1/16")["Vpc"]["CidrBlock"] == "10.7.0.0/16"


@pytest.mark.parametrize(
    ("cidr_block", "code"),
    [
        ("banana", "InvalidParameterValue"),
        ("10.0.0.0", "InvalidParameterValue"),
        ("10.0.0.0/8", "InvalidVpc.Range"),
        ("10.0.0.0/29", "InvalidVpc.Range"),
    ],
)
def test_a_vpc_that_aws_refuses_is_not_created(ec2, cidr_block, code):
    assert refusal(ec2.create_vpc, CidrBlock=cidr_block) == code
    assert refusal(ec2.create_vpc) == "MissingParameter"
    assert len(ec2.describe_vpcs()["Vpcs"]) == 2


def test_a_dry_run_creates_and_deletes_nothing(ec2, vpc):
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.7.1.0/24")["Subnet"]["SubnetId"]
    tags = {"Resources": [vpc], "Tags": [{"Key": "Name", "Value": "mine"}], "DryRun": True}
    for call, request in [
        (ec2.create_vpc, {"CidrBlock": "10.8.0.0/16", "DryRun": True}),
        (ec2.delete_vpc, {"VpcId": ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"], "DryRun": True}),
        (ec2.create_subnet, {"VpcId": vpc, "CidrBlock": "10.7.2.0/24", "DryRun": True}),
        (ec2.delete_subnet, {"SubnetId": subnet, "DryRun": True}),
        (ec2.create_tags, tags),
        (ec2.delete_tags, tags),
        (ec2.describe_vpcs, {"DryRun": True}),
        (ec2.describe_subnets, {"DryRun": True}),
    ]:
        assert refusal(call, **request) == "DryRunOperation"
    assert len(ec2.describe_vpcs()["Vpcs"]) == 4
    [left] = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    assert left["SubnetId"] == subnet
    assert ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Tags"] == []


def test_a_dry_run_of_a_call_that_would_fail_reports_the_failure(ec2):
    assert refusal(ec2.create_vpc, CidrBlock="banana", DryRun=True) == "InvalidParameterValue"


def test_deleting_a_vpc_deletes_its_tags_and_what_aws_created_with_it(ec2, vpc, acl):
    ec2.create_tags(Resources=[vpc, acl], Tags=[{"Key": "Name", "Value": "mine"}])
    ec2.delete_vpc(VpcId=vpc)
    of_vpc = {"Filters": [{"Name": "vpc-id", "Values": [vpc]}]}
    assert ec2.describe_vpcs(**of_vpc)["Vpcs"] == []
    assert ec2.describe_network_acls(**of_vpc)["NetworkAcls"] == []
    assert ec2.describe_security_groups(**of_vpc)["SecurityGroups"] == []
    assert ec2.describe_route_tables(**of_vpc)["RouteTables"] == []
    assert refusal(ec2.describe_network_acls, NetworkAclIds=[acl]) == "InvalidNetworkAclID.NotFound"
    assert {tag["Value"] for tag in ec2.describe_tags()["Tags"]} == {"Self Protect Student1012", "1012"}


def test_a_vpc_with_a_subnet_is_not_deleted(ec2, vpc):
    ec2.create_subnet(VpcId=vpc, CidrBlock="10.7.1.0/24")
    assert refusal(ec2.delete_vpc, VpcId=vpc) == "DependencyViolation"


def test_a_vpc_with_a_custom_network_acl_is_not_deleted_until_that_is(ec2, vpc):
    custom = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    assert refusal(ec2.delete_vpc, VpcId=vpc) == "DependencyViolation"
    assert default_acl(ec2, vpc)
    ec2.delete_network_acl(NetworkAclId=custom)
    ec2.delete_vpc(VpcId=vpc)


def test_a_vpc_with_a_security_group_or_an_internet_gateway_is_not_deleted(ec2, vpc):
    group = ec2.create_security_group(GroupName="mine", Description="mine", VpcId=vpc)["GroupId"]
    assert refusal(ec2.delete_vpc, VpcId=vpc) == "DependencyViolation"
    ec2.delete_security_group(GroupId=group)
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    assert refusal(ec2.delete_vpc, VpcId=vpc) == "DependencyViolation"
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.delete_vpc(VpcId=vpc)


def test_an_unknown_vpc_is_not_found_and_a_malformed_id_gets_another_error(ec2):
    for call, name in [(ec2.describe_vpcs, "VpcIds"), (ec2.delete_vpc, "VpcId"), (ec2.create_network_acl, "VpcId")]:
        unknown, malformed = UNKNOWN_VPC, "vpc-banana"
        assert refusal(call, **{name: [unknown] if name == "VpcIds" else unknown}) == "InvalidVpcID.NotFound"
        assert refusal(call, **{name: [malformed] if name == "VpcIds" else malformed}) == "InvalidVpcID.Malformed"


def test_a_vpc_is_created_with_its_tags_in_one_call(ec2):
    tags = [{"Key": "labkit:student", "Value": "7"}]
    asked = {"CidrBlock": "10.7.0.0/16", "TagSpecifications": [{"ResourceType": "vpc", "Tags": tags}]}
    assert ec2.create_vpc(**asked)["Vpc"]["Tags"] == tags
    asked["TagSpecifications"] = [{"ResourceType": "subnet", "Tags": tags}]
    assert refusal(ec2.create_vpc, **asked) == "InvalidParameterValue"


@pytest.mark.parametrize("key", ["aws:mine", "k" * 129])
def test_a_tag_that_aws_refuses_is_refused(ec2, vpc, key):
    code = refusal(ec2.create_tags, Resources=[vpc], Tags=[{"Key": key, "Value": "v"}])
    assert code == "InvalidParameterValue"


def test_tags_are_deleted_one_by_one_or_all_at_once(ec2, vpc):
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": key, "Value": key} for key in "abc"])
    ec2.delete_tags(Resources=[vpc], Tags=[{"Key": "a"}, {"Key": "b", "Value": "another"}])
    assert [tag["Key"] for tag in ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Tags"]] == ["b", "c"]
    ec2.delete_tags(Resources=[vpc])
    assert ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Tags"] == []


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"CidrBlock": "10.8.1.0/24"}, "InvalidSubnet.Range"),
        ({"CidrBlock": "10.7.1.0/29"}, "InvalidSubnet.Range"),
        ({"CidrBlock": "banana"}, "InvalidParameterValue"),
        ({"CidrBlock": "10.7.1.0/24", "AvailabilityZone": "eu-west-1a"}, "InvalidParameterValue"),
        ({"CidrBlock": "10.7.1.0/24", "Ipv6CidrBlock": "banana"}, "InvalidParameterValue"),
        ({"CidrBlock": "10.7.1.0/24", "Ipv6CidrBlock": "2001:db8::1/64"}, "InvalidParameterValue"),
    ],
)
def test_a_subnet_that_aws_refuses_is_not_created(ec2, vpc, asked, code):
    assert refusal(ec2.create_subnet, VpcId=vpc, **asked) == code


def test_a_subnet_is_in_its_region_and_overlaps_no_other(aws, ec2):
    elsewhere = aws.client("ec2", "eu-west-1")
    vpc = elsewhere.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    subnet = elsewhere.create_subnet(VpcId=vpc, CidrBlock="10.7.1.5/24")["Subnet"]
    assert subnet["CidrBlock"] == "10.7.1.0/24"
    assert subnet["AvailabilityZone"].startswith("eu-west-1")
    code = refusal(elsewhere.create_subnet, VpcId=vpc, CidrBlock="10.7.1.128/25")
    assert code == "InvalidSubnet.Conflict"


def test_deleting_a_subnet_ends_its_association(ec2, vpc):
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.7.1.0/24")["Subnet"]["SubnetId"]
    ec2.delete_subnet(SubnetId=subnet)
    assert default_acl(ec2, vpc)["Associations"] == []
    assert refusal(ec2.delete_subnet, SubnetId=subnet) == "InvalidSubnetID.NotFound"


def test_regions_and_account_attributes_are_listed(ec2):
    assert "us-east-1" in {region["RegionName"] for region in ec2.describe_regions()["Regions"]}
    assert ec2.describe_account_attributes()["AccountAttributes"]
