"""The EC2 and STS calls that the sandbox answers: what the lab needs, and what a curious student would read.

moto has a thousand more. Some take seconds (`describe-instance-types`), some leave an account that can no longer
be read (`associate-vpc-cidr-block`), so a policy of the sandbox is this list, never a star.
"""

from __future__ import annotations

READS = (
    "DescribeAccountAttributes", "DescribeAvailabilityZones", "DescribeDhcpOptions", "DescribeImages",
    "DescribeInstances", "DescribeInternetGateways", "DescribeKeyPairs", "DescribeNatGateways", "DescribeNetworkAcls",
    "DescribeNetworkInterfaces", "DescribeRegions", "DescribeRouteTables", "DescribeSecurityGroups", "DescribeSubnets",
    "DescribeTags", "DescribeVpcAttribute", "DescribeVpcPeeringConnections", "DescribeVpcs",
)  # fmt: skip

CHANGES = (
    "AttachInternetGateway", "CreateDefaultVpc", "CreateInternetGateway", "CreateNetworkAcl", "CreateNetworkAclEntry",
    "CreateSecurityGroup", "CreateSubnet", "CreateTags", "CreateVpc", "DeleteInternetGateway", "DeleteNetworkAcl",
    "DeleteNetworkAclEntry", "DeleteSecurityGroup", "DeleteSubnet", "DeleteTags", "DeleteVpc", "DetachInternetGateway",
    "ModifySubnetAttribute", "ModifyVpcAttribute", "ReplaceNetworkAclAssociation", "ReplaceNetworkAclEntry",
)  # fmt: skip

OF_STUDENT = (*(f"ec2:{action}" for action in (*READS, *CHANGES)), "sts:GetCallerIdentity")
"""What a student's policy allows. The rest of STS leads into other accounts: moto lets anybody with sts:AssumeRole take
any role of any account, even one that does not exist."""
