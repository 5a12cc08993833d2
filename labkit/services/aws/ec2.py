"""EC2 and STS as the lab uses them. The first argument is the boto3 client; values come back, LabErrors are raised.

Only what carries the student's tag is changed or deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from labkit.model.errors import InvalidInput, LabError, QuotaReached, ServiceError
from labkit.model.network_acl import (
    ENTRY_QUOTA,
    Entry,
    NetworkAcl,
    validate_entry,
    validate_rule_number,
)
from labkit.model.student import STUDENT_TAG, student_tags
from labkit.model.vpc import LAB_CIDR_BLOCK, Vpc, vpc_quota_sentence
from labkit.services.aws.account import Account, CallerIdentity
from labkit.services.aws.errors import translate_aws_errors


@dataclass(frozen=True)
class Subnet:
    """A subnet of one VPC."""

    id: str
    cidr_block: str

    def __str__(self) -> str:
        return f"{self.id} ({self.cidr_block})"


# --- who, and VPCs ---


def caller(sts: Any) -> CallerIdentity:
    """The account and the user that the client's keys belong to."""
    with translate_aws_errors(sts):
        reply = sts.get_caller_identity()
    return CallerIdentity(reply["Account"], reply["Arn"], reply["UserId"])


def describe_vpcs(ec2: Any, filters: Mapping[str, Iterable[str]] | None = None) -> tuple[Vpc, ...]:
    """The region's VPCs, all or those that match every filter, such as `{"tag:Name": ["x"]}`; by id."""
    with translate_aws_errors(ec2):
        pages = ec2.get_paginator("describe_vpcs").paginate(Filters=_filters(filters))
        found = [Vpc.from_aws(vpc) for page in pages for vpc in page["Vpcs"]]
    return tuple(sorted(found, key=lambda vpc: vpc.id))


def find_student_vpcs(ec2: Any, student: int) -> tuple[Vpc, ...]:
    """The VPCs of this region that carry the student's tag; one is right, more are leftovers."""
    return describe_vpcs(ec2, {f"tag:{STUDENT_TAG}": [str(student)]})


def unclaimed_vpcs(ec2: Any) -> tuple[Vpc, ...]:
    """The VPCs as the original command leaves them: the lab's CIDR block, not default, without any tag."""
    found = describe_vpcs(ec2, {"cidr": [LAB_CIDR_BLOCK], "is-default": ["false"]})
    return tuple(vpc for vpc in found if not vpc.tags)


def create_vpc(ec2: Any, student: int) -> Vpc:
    """A new VPC with the student's tags; it can be described when this returns.

    CreateVpc has no idempotency token: look with `find_student_vpcs` first. Raises QuotaReached, which lists the
    region's VPCs.
    """
    tags = {"ResourceType": "vpc", "Tags": _tags(student_tags(student))}
    try:
        with translate_aws_errors(ec2):
            reply = ec2.create_vpc(CidrBlock=LAB_CIDR_BLOCK, TagSpecifications=[tags])
            # A describe right after the create may not see it yet: EC2 is eventually consistent.
            waiter = ec2.get_waiter("vpc_exists")
            waiter.wait(VpcIds=[reply["Vpc"]["VpcId"]], WaiterConfig={"Delay": 1, "MaxAttempts": 15})
    except QuotaReached as error:
        raise _vpc_quota_reached(ec2, error) from error
    return Vpc.from_aws(reply["Vpc"])


def tag_vpc(ec2: Any, vpc_id: str, student: int) -> Vpc:
    """Take a VPC as the student's. Raises InvalidInput when it is another student's or the default VPC."""
    vpc = _one_vpc(ec2, vpc_id)
    if vpc.is_default or vpc.student not in (None, student):
        raise InvalidInput(
            f"{vpc} cannot be taken as the VPC of student {student}.",
            f"It belongs to {vpc.whose}.",
            "Choose another VPC, or make one.",
            field="vpc",
        )
    with translate_aws_errors(ec2):
        ec2.create_tags(Resources=[vpc_id], Tags=_tags(student_tags(student)))
    return _one_vpc(ec2, vpc_id)


def delete_vpc(ec2: Any, vpc_id: str, student: int) -> list[str]:
    """Delete a student's VPC with its tagged subnets and its network ACLs; return what was deleted, in that order.

    Raises InvalidInput, and deletes nothing, when the VPC does not carry the student's tag; ServiceError
    (`DependencyViolation`) naming the subnets that are in the way when there are some the lab did not make.
    """
    vpc = _one_vpc(ec2, vpc_id)
    if vpc.student != student or vpc.is_default:
        raise InvalidInput(
            f"{vpc} was not deleted.",
            f"It belongs to {vpc.whose}; the lab deletes only what carries the tag {STUDENT_TAG}={student}.",
            "Delete it yourself if it is yours: "
            f"`aws ec2 delete-vpc --vpc-id {vpc_id} --region {ec2.meta.region_name}`",
            field="vpc",
        )
    in_vpc = [{"Name": "vpc-id", "Values": [vpc_id]}]
    deleted: list[str] = []
    with translate_aws_errors(ec2):
        subnets = ec2.describe_subnets(Filters=in_vpc)["Subnets"]
    others = [subnet["SubnetId"] for subnet in subnets if not _is_ours(subnet, student)]
    if others:
        raise _subnets_in_the_way(vpc, others)
    with translate_aws_errors(ec2):
        for subnet in subnets:
            ec2.delete_subnet(SubnetId=subnet["SubnetId"])
            deleted.append(f"subnet {subnet['SubnetId']}")
        for network_acl in ec2.describe_network_acls(Filters=in_vpc)["NetworkAcls"]:
            if not network_acl["IsDefault"]:
                ec2.delete_network_acl(NetworkAclId=network_acl["NetworkAclId"])
                deleted.append(f"network ACL {network_acl['NetworkAclId']}")
        ec2.delete_vpc(VpcId=vpc_id)
    return [*deleted, f"VPC {vpc_id}"]


def student_vpcs_elsewhere(account: Account, student: int, region: str) -> tuple[Vpc, ...]:
    """The student's VPCs in another region of the account; one call. None where that region cannot be asked."""
    try:
        return find_student_vpcs(account.client("ec2", region), student)
    except LabError:
        return ()


# --- subnets ---


def describe_subnets(ec2: Any, vpc_id: str, tag: str) -> tuple[Subnet, ...]:
    """The subnets of a VPC with this tag, whatever its value; by id."""
    with translate_aws_errors(ec2):
        found = ec2.describe_subnets(Filters=_filters({"vpc-id": [vpc_id], "tag-key": [tag]}))["Subnets"]
    return tuple(sorted((Subnet(each["SubnetId"], each["CidrBlock"]) for each in found), key=lambda each: each.id))


def create_subnet(ec2: Any, vpc_id: str, cidr_block: str, student: int, tags: Mapping[str, str]) -> Subnet:
    """A new subnet with the student's tag and these."""
    specification = {"ResourceType": "subnet", "Tags": _tags({STUDENT_TAG: str(student), **tags})}
    with translate_aws_errors(ec2):
        made = ec2.create_subnet(VpcId=vpc_id, CidrBlock=cidr_block, TagSpecifications=[specification])["Subnet"]
    return Subnet(made["SubnetId"], made["CidrBlock"])


def delete_subnet(ec2: Any, subnet_id: str) -> None:
    """Delete a subnet. Raises ServiceError (`DependencyViolation`) while something is in it."""
    with translate_aws_errors(ec2):
        ec2.delete_subnet(SubnetId=subnet_id)


# --- network ACLs and their entries ---


def describe_network_acls(ec2: Any, *, vpc_id: str = "", ids: Iterable[str] = ()) -> tuple[NetworkAcl, ...]:
    """The network ACLs of one VPC, or those with these ids, or, with neither, the whole region's: VPC by VPC, by id.

    Raises ServiceError (`InvalidNetworkAclID.NotFound`) when one of the ids is not in this region.
    """
    wanted: dict[str, Any] = {"Filters": _filters({"vpc-id": [vpc_id]} if vpc_id else None)}
    if ids := list(ids):
        wanted["NetworkAclIds"] = ids
    with translate_aws_errors(ec2):
        pages = ec2.get_paginator("describe_network_acls").paginate(**wanted)
        found = [NetworkAcl.from_aws(network_acl) for page in pages for network_acl in page["NetworkAcls"]]
    return tuple(sorted(found, key=lambda each: (each.vpc_id, not each.is_default, each.id)))


def create_entry(ec2: Any, network_acl_id: str, entry: Entry) -> Entry:
    """Add an entry; return it as AWS stores it.

    Raises InvalidInput for what AWS would refuse, ServiceError (`NetworkAclEntryAlreadyExists`) when its number is
    taken, QuotaReached when the direction is full.
    """
    canonical = validate_entry(entry.to_aws())
    try:
        with translate_aws_errors(ec2):
            ec2.create_network_acl_entry(NetworkAclId=network_acl_id, **canonical.to_aws())
    except QuotaReached as error:
        raise _entry_quota_reached(ec2, network_acl_id, canonical, error) from error
    return canonical


def replace_entry(ec2: Any, network_acl_id: str, entry: Entry) -> Entry:
    """Put this entry in the place of the one with its number and direction; return it as AWS stores it.

    Raises ServiceError (`InvalidNetworkAclEntry.NotFound`) when there is none to replace.
    """
    canonical = validate_entry(entry.to_aws())
    with translate_aws_errors(ec2):
        ec2.replace_network_acl_entry(NetworkAclId=network_acl_id, **canonical.to_aws())
    return canonical


def delete_entry(ec2: Any, network_acl_id: str, rule_number: int, egress: bool) -> None:
    """Delete an entry. Raises InvalidInput for the `*` entry, ServiceError when there is none with that number."""
    number = validate_rule_number(rule_number)
    with translate_aws_errors(ec2):
        ec2.delete_network_acl_entry(NetworkAclId=network_acl_id, RuleNumber=number, Egress=egress)


def _filters(filters: Mapping[str, Iterable[str]] | None) -> list[dict[str, Any]]:
    return [{"Name": name, "Values": list(values)} for name, values in (filters or {}).items()]


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _is_ours(resource: Mapping[str, Any], student: int) -> bool:
    return {"Key": STUDENT_TAG, "Value": str(student)} in resource.get("Tags", ())


def _one_vpc(ec2: Any, vpc_id: str) -> Vpc:
    with translate_aws_errors(ec2):
        return Vpc.from_aws(ec2.describe_vpcs(VpcIds=[vpc_id])["Vpcs"][0])


def _vpc_quota_reached(ec2: Any, error: QuotaReached) -> QuotaReached:
    return QuotaReached(
        f"No VPC was made: the VPC quota of {ec2.meta.region_name} is used up.",
        vpc_quota_sentence(describe_vpcs(ec2), ec2.meta.region_name),
        "Delete a VPC that is a leftover, take it as yours, or use another region; then run this again.",
        code=error.code,
    )


def _entry_quota_reached(ec2: Any, network_acl_id: str, entry: Entry, error: QuotaReached) -> QuotaReached:
    (network_acl,) = describe_network_acls(ec2, ids=[network_acl_id])
    direction, family = "egress" if entry.egress else "ingress", "IPv6" if entry.ipv6 else "IPv4"
    used = network_acl.used(entry.egress, ipv6=entry.ipv6)
    return QuotaReached(
        f"Entry {entry.rule_number} was not added: {network_acl_id} is full.",
        f"{used} of {ENTRY_QUOTA} {direction} {family} entries are used; the * entry counts.",
        "Delete an entry that is no longer needed, then run this again.",
        code=error.code,
    )


def _subnets_in_the_way(vpc: Vpc, subnet_ids: list[str]) -> ServiceError:
    return ServiceError(
        f"{vpc} was not deleted.",
        f"It holds subnets that the lab did not make: {', '.join(subnet_ids)}.",
        "Delete them and what is in them, then run this again.",
        code="DependencyViolation",
    )
