"""The client of AWS. `aws.describe_vpcs(ec2)` and its like take the boto3 client that they use."""

from labkit.services.aws.ec2 import (
    Subnet,
    caller,
    create_entry,
    create_subnet,
    create_vpc,
    delete_entry,
    delete_subnet,
    delete_vpc,
    describe_network_acls,
    describe_subnets,
    describe_vpcs,
    find_student_vpcs,
    replace_entry,
    student_vpcs_elsewhere,
    tag_vpc,
    unclaimed_vpcs,
)

__all__ = [
    "Subnet",
    "caller",
    "create_entry",
    "create_subnet",
    "create_vpc",
    "delete_entry",
    "delete_subnet",
    "delete_vpc",
    "describe_network_acls",
    "describe_subnets",
    "describe_vpcs",
    "find_student_vpcs",
    "replace_entry",
    "student_vpcs_elsewhere",
    "tag_vpc",
    "unclaimed_vpcs",
]
