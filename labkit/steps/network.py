"""Steps of the network: the student's VPC, and the id of its default network ACL."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from functools import partial

from labkit.model.check import CheckResult, Outcome
from labkit.model.errors import InvalidInput, LabError, StepNotReady
from labkit.model.network_acl import NetworkAcl
from labkit.model.vpc import LAB_CIDR_BLOCK, STUDENT_TAG, Vpc, student_tags, vpc_quota_sentence
from labkit.services import aws
from labkit.services.aws.account import Account
from labkit.steps.session import World
from labkit.steps.step import Offer, Step
from labkit.views.panels.basic import Happened


def students_vpc(world: World) -> Vpc:
    """The VPC with the student's tag; one call. Raises StepNotReady when there is none in this region."""
    vpcs = aws.find_student_vpcs(world.aws.ec2, world.student)
    if vpcs:
        return vpcs[0]
    raise StepNotReady(
        f"No VPC of student {world.student} was found in {world.region}.",
        f"No VPC there carries the tag {STUDENT_TAG}={world.student}.",
        "Create it: lab.create_vpc()",
        step="vpc",
    )


def students_network_acl(world: World) -> NetworkAcl:
    """The default network ACL of the student's VPC; two calls. Raises LabError when there is none."""
    vpc = students_vpc(world)
    for network_acl in aws.describe_network_acls(world.aws.ec2, vpc_id=vpc.id):
        if network_acl.is_default:
            return network_acl
    raise LabError(f"{vpc.id} has no default network ACL.", "AWS makes one with each VPC.", "Look again in a while.")


def check_vpc(world: World) -> CheckResult:
    mine = aws.find_student_vpcs(world.aws.ec2, world.student)
    expected = f"one VPC with the tag {STUDENT_TAG}={world.student} in {world.region}"
    if len(mine) == 1:
        return VPC.result(Outcome.PASSED, expected, f"{mine[0]} in {world.region}")
    if mine:
        return VPC.result(
            Outcome.WRONG,
            expected,
            f"{len(mine)}: {_listed(mine)}",
            "Keep one: delete the others with aws ec2 delete-vpc, or take them all away with lab.reset('vpc').",
        )
    unclaimed = aws.unclaimed_vpcs(world.aws.ec2)
    if unclaimed:
        return VPC.result(
            Outcome.NOT_YET,
            expected,
            f"made without a tag: {_listed(unclaimed)}",
            f"If you made it, take it as yours: lab.take_vpc('{unclaimed[0].id}'), or in a terminal: "
            + tag_command(unclaimed[0].id, world.student),
        )
    return VPC.result(Outcome.NOT_YET, expected, f"none{_made_elsewhere(world)}", "Create it: lab.create_vpc()")


def tag_command(vpc_id: str, student: int) -> str:
    """The AWS CLI command that takes a VPC as the student's.

    >>> tag_command("vpc-1", 7)
    "aws ec2 create-tags --resources vpc-1 --tags Key=labkit:student,Value=7 'Key=Name,Value=Self Protect Student7'"
    """
    tags = " ".join(shlex.quote(f"Key={key},Value={value}") for key, value in student_tags(student).items())
    return f"aws ec2 create-tags --resources {vpc_id} --tags {tags}"


def _listed(vpcs: Iterable[Vpc]) -> str:
    return ", ".join(str(vpc) for vpc in vpcs)


def _made_elsewhere(world: World) -> str:
    noted = world.notes.get("vpc_id")
    return f"; {noted}, which your notes name, is not in {world.region}" if noted else ""


def make_vpc(world: World) -> Happened:
    """Create the student's VPC, or find it; raises QuotaReached with the leftovers listed when five are there."""
    with world.alone():
        mine = aws.find_student_vpcs(world.aws.ec2, world.student)
        if mine:
            return _show_vpc(world, mine[0], "Your VPC was there already: nothing was made twice.")
        world.require_agreement()
        return _show_vpc(world, aws.create_vpc(world.aws.ec2, world.student), "Your VPC was created.")


def take_vpc(world: World, vpc_id: str) -> Happened:
    """Tag a VPC made without a tag as the student's. Raises InvalidInput when it is somebody's already."""
    world.require_agreement()
    return _show_vpc(world, aws.tag_vpc(world.aws.ec2, vpc_id, world.student), "The VPC is yours now: it has your tag.")


def offer_unclaimed(world: World) -> tuple[Offer, ...]:
    """To take a VPC that was made without a tag; nothing when the student has one."""
    if aws.find_student_vpcs(world.aws.ec2, world.student):
        return ()
    return tuple(
        Offer(f"Take {vpc.id} as mine", partial(take_vpc, world, vpc.id)) for vpc in aws.unclaimed_vpcs(world.aws.ec2)
    )


def _show_vpc(world: World, vpc: Vpc, title: str) -> Happened:
    world.notes.save(vpc_id=vpc.id)
    return Happened(
        title,
        (("VpcId", vpc.id), ("CIDR block", vpc.cidr_block), ("Name", vpc.name), ("Region", world.region)),
        cli=f"aws ec2 create-vpc --cidr-block {LAB_CIDR_BLOCK}",
        remark=vpc_quota_sentence(aws.describe_vpcs(world.aws.ec2), world.region),
    )


def undo_vpc(world: World) -> Happened:
    ec2 = _account_to_look_in(world).ec2
    vpcs = aws.find_student_vpcs(ec2, world.student)
    if vpcs:
        world.require_agreement()
    deleted = [thing for vpc in vpcs for thing in aws.delete_vpc(ec2, vpc.id, world.student).things]
    world.notes.forget("vpc_id")
    left = aws.find_student_vpcs(ec2, world.student)
    if left:
        raise LabError(f"Still there: {_listed(left)}.", "AWS has not taken it away yet.", "Run the reset again.")
    return Happened(f"Deleted: {', '.join(deleted)}." if deleted else f"No VPC of yours was in {world.region}.")


def _account_to_look_in(world: World) -> Account:
    """The account in use; where its keys are gone, the sandbox's. Raises LabError when a VPC would be left unseen."""
    keys, noted = world.keys or world.opened.cloud_account(), world.notes.get("vpc_id")
    if keys is None and noted:
        raise LabError(
            f"{noted} was not deleted.",
            "It is in your notes, but there are no AWS keys to delete it with.",
            "Enter the keys again, then run the reset again.",
        )
    return world.account(keys, world.region) if keys is not None else world.aws


def check_network_acl(world: World) -> CheckResult:
    network_acl, noted = students_network_acl(world), world.notes.get("network_acl_id")
    expected = f"the default network ACL of {network_acl.vpc_id}, {network_acl.id}"
    if noted and noted != network_acl.id:
        next_step = f"Choose {network_acl.id}: lab.choose_network_acl()"
        return NETWORK_ACL.result(Outcome.WRONG, expected, f"{noted} in your notes", next_step)
    where = "in your notes" if noted else "looked up by your VPC"
    return NETWORK_ACL.result(Outcome.PASSED, expected, f"{network_acl.id} in {world.region}, {where}")


def save_network_acl(world: World, network_acl_id: str) -> Happened:
    """Note the NetworkAclId. Raises InvalidInput, naming whose it is, when it is another VPC's or not a default one."""
    chosen_id, mine = network_acl_id.strip(), students_network_acl(world)
    if chosen_id != mine.id:
        (chosen,) = aws.describe_network_acls(world.aws.ec2, ids=[chosen_id])
        whose = next(vpc for vpc in aws.describe_vpcs(world.aws.ec2) if vpc.id == chosen.vpc_id)
        raise InvalidInput(
            f"{chosen_id} is not the network ACL of your VPC.",
            f"It belongs to {whose}. A deny entry written there would protect that VPC, not yours ({mine.vpc_id}).",
            "Look for your VpcId in the table and take the NetworkAclId beside it.",
            field="network ACL",
        )
    world.notes.save(network_acl_id=mine.id)
    return Happened(
        "The NetworkAclId is in your notes.",
        (("NetworkAclId", mine.id), ("VpcId", mine.vpc_id), ("Region", world.region)),
        cli=f"aws ec2 describe-network-acls --filters Name=vpc-id,Values={mine.vpc_id}",
    )


def do_network_acl(world: World) -> Happened:
    return save_network_acl(world, students_network_acl(world).id)


def undo_network_acl(world: World) -> Happened:
    world.notes.forget("network_acl_id")
    return Happened("The NetworkAclId is no longer in your notes.")


VPC = Step(
    "vpc",
    "2",
    "Your VPC",
    "AWS CLI Config VPC Network",
    ("student_number", "aws_account"),
    check_vpc,
    make_vpc,
    undo_vpc,
    (f"aws ec2 describe-vpcs --filters Name=tag:{STUDENT_TAG},Values=N",),
    offer_unclaimed,
)
NETWORK_ACL = Step(
    "network_acl_id",
    "2",
    "The NetworkAclId",
    "Retrieve NetworkAclId",
    ("vpc",),
    check_network_acl,
    do_network_acl,
    undo_network_acl,
    ("aws ec2 describe-vpcs", "aws ec2 describe-network-acls --filters Name=vpc-id,Values=VPCID"),
    note="network_acl_id",
)
