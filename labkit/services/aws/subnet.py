"""Subnets of a VPC as the lab uses them. The first argument is the boto3 client; LabErrors are raised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labkit.model.student import STUDENT_TAG
from labkit.services.aws.errors import translate_aws_errors


@dataclass(frozen=True)
class Subnet:
    """A subnet of one VPC."""

    id: str
    cidr_block: str

    def __str__(self) -> str:
        return f"{self.id} ({self.cidr_block})"


def describe_subnets(ec2: Any, vpc_id: str, tag: str) -> tuple[Subnet, ...]:
    """The subnets of a VPC that bear this tag, whatever its value; by id."""
    filters = [{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "tag-key", "Values": [tag]}]
    with translate_aws_errors(ec2):
        found = ec2.describe_subnets(Filters=filters)["Subnets"]
    return tuple(sorted((Subnet(each["SubnetId"], each["CidrBlock"]) for each in found), key=lambda each: each.id))


def create_subnet(ec2: Any, vpc_id: str, cidr_block: str, student: int, tags: Mapping[str, str]) -> Subnet:
    """A new subnet with the student's tag and these."""
    all_tags = [{"Key": key, "Value": value} for key, value in {STUDENT_TAG: str(student), **tags}.items()]
    specification = {"ResourceType": "subnet", "Tags": all_tags}
    with translate_aws_errors(ec2):
        made = ec2.create_subnet(VpcId=vpc_id, CidrBlock=cidr_block, TagSpecifications=[specification])["Subnet"]
    return Subnet(made["SubnetId"], made["CidrBlock"])


def delete_subnet(ec2: Any, subnet_id: str) -> None:
    """Delete a subnet. Raises ServiceError (`DependencyViolation`) while something is in it."""
    with translate_aws_errors(ec2):
        ec2.delete_subnet(SubnetId=subnet_id)
