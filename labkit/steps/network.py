"""Steps of the network: the student's VPC, and the id of its default network ACL."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from labkit.model.check import CheckResult, Outcome
from labkit.model.errors import InvalidInput, LabError, StepNotReady
from labkit.model.network_acl import NetworkAcl
from labkit.model.pasted import clean
from labkit.model.student import STUDENT_TAG
from labkit.model.vpc import HOST_TAG, Vpc, untagged_sentence, vpc_quota_sentence
from labkit.services import aws
from labkit.services.aws.account import Account
from labkit.steps import commands
from labkit.steps.session import LabSession
from labkit.steps.step import Offer, Step
from labkit.views.copying import LOOK
from labkit.views.panels.basic import ActionResult


def students_vpc(session: LabSession) -> Vpc:
    """The VPC with the student's tag; one call. Raises StepNotReady when there is none in this region."""
    vpcs = aws.find_student_vpcs(session.aws.ec2, session.student)
    if vpcs:
        return vpcs[0]
    raise StepNotReady(
        f"No VPC of student {session.student} was found in {session.region}.",
        f"No VPC there has the tag {STUDENT_TAG}={session.student}.",
        "Create it: lab.create_vpc()",
        step="vpc",
    )


def students_vpc_ids(session: LabSession) -> tuple[str, ...]:
    """The VPCs with the student's tag: more than one by mistake. Raises StepNotReady as `students_vpc` does."""
    students_vpc(session)
    return tuple(vpc.id for vpc in aws.find_student_vpcs(session.aws.ec2, session.student))


def students_network_acl(session: LabSession) -> NetworkAcl:
    """The network ACL that filters the host's subnet; until there is one, the VPC's default one, which will.

    Two calls, three where the VPC has several network ACLs. Raises LabError when there is none.
    """
    return filtering_network_acl(session, students_vpc(session).id)


def filtering_network_acl(session: LabSession, vpc_id: str) -> NetworkAcl:
    """The same for a VPC that is known already; one call, two where the VPC has several network ACLs."""
    network_acls = aws.describe_network_acls(session.aws.ec2, vpc_id=vpc_id)
    if len(network_acls) > 1:
        for subnet in aws.describe_subnets(session.aws.ec2, vpc_id, tag=HOST_TAG):
            for network_acl in network_acls:
                if subnet.id in network_acl.subnet_ids:
                    return network_acl
    for network_acl in network_acls:
        if network_acl.is_default:
            return network_acl
    raise LabError(
        f"{vpc_id} has no default network ACL.",
        "AWS makes one with each VPC.",
        "Try again in a moment.",
        code="InvalidNetworkAclID.NotFound",
    )


def check_vpc(session: LabSession) -> CheckResult:
    mine = aws.find_student_vpcs(session.aws.ec2, session.student)
    expected = _expected_vpc(session)
    if len(mine) == 1:
        return VPC.result(Outcome.PASSED, expected, f"{mine[0]} in {session.region}")
    if mine:
        return VPC.result(
            Outcome.WRONG,
            expected,
            f"{len(mine)}: {_listed(mine)}",
            "Keep one and delete the others, or remove all of them with lab.reset('vpc')."
            + _in_a_terminal(f"To delete {mine[-1].id}", commands.delete_vpc_command(session, mine[-1].id)),
        )
    unclaimed = aws.unclaimed_vpcs(session.aws.ec2)
    if unclaimed:
        return VPC.result(
            Outcome.NOT_YET,
            expected,
            f"without a tag: {_listed(unclaimed)}",
            f"If you made it, take it as yours: lab.take_vpc('{unclaimed[0].id}')."
            + _in_a_terminal("Or", commands.take_vpc_command(session, unclaimed[0].id)),
        )
    return _none_here(session)


def _in_a_terminal(why: str, command: str) -> str:
    """A sentence to add; empty where the AWS CLI has no keys."""
    return f" {why} in a terminal: `{command}`" if command else ""


def _listed(vpcs: Iterable[Vpc]) -> str:
    return ", ".join(str(vpc) for vpc in vpcs)


def noted_regions(session: LabSession) -> tuple[str, ...]:
    """The regions, besides the one in use, in which the student made or took a VPC."""
    return tuple(region for region in session.notes.get("vpc_region").split() if region != session.region)


def found_elsewhere(session: LabSession, account: Account, student: int) -> str:
    """Where a student's VPC is, when it is not in the region in use but in a noted one; "" else. A call a region:
    asking every region took 2.4 s on the sandbox."""
    found = {region: aws.student_vpcs_elsewhere(account, student, region) for region in noted_regions(session)}
    words = "; ".join(f"{region}: {_listed(vpcs)}" for region, vpcs in found.items() if vpcs)
    return f"not in {session.region}, but found in {words}" if words else ""


def _none_here(session: LabSession) -> CheckResult:
    """What the check says where nothing was found in this region."""
    expected, noted = _expected_vpc(session), session.notes.get("vpc_id")
    if words := found_elsewhere(session, session.aws, session.student):
        region = noted_regions(session)[0]
        next_step = f"Choose that region with the keys, lab.enter_aws_keys(region='{region}'), or create a VPC here."
        return VPC.result(Outcome.NOT_YET, expected, words, next_step)
    lost = f"; {noted} from your notes is not in {session.region}" if noted else ""
    return VPC.result(Outcome.NOT_YET, expected, f"none{lost}", "Create it: lab.create_vpc()")


def _expected_vpc(session: LabSession) -> str:
    return f"one VPC with the tag {STUDENT_TAG}={session.student} in {session.region}"


def make_vpc(session: LabSession) -> ActionResult:
    """Create the student's VPC, or find it; raises QuotaReached with the leftovers listed when five are there."""
    with session.creation_lock():
        mine = aws.find_student_vpcs(session.aws.ec2, session.student)
        if mine:
            found = _show_vpc(session, mine[0], "Your VPC already exists; no second one was created.")
            return replace(found, cli=commands.vpcs_command(session, mine[0].id), cli_caption=LOOK)
        session.require_agreement()
        made = _show_vpc(session, aws.create_vpc(session.aws.ec2, session.student), "Your VPC was created.")
        return replace(made, cli=commands.create_vpc_command(session))


def take_vpc(session: LabSession, vpc_id: str) -> ActionResult:
    """Tag a VPC made without a tag as the student's. Raises InvalidInput when it is somebody's already."""
    session.require_agreement()
    vpc = aws.tag_vpc(session.aws.ec2, clean(vpc_id).value, session.student)
    taken = _show_vpc(session, vpc, "The VPC is yours now: it has your tag.")
    return replace(taken, cli=commands.take_vpc_command(session, vpc.id))


def offer_unclaimed(session: LabSession) -> tuple[Offer, ...]:
    """To take a VPC that was made without a tag; nothing when the student has one."""
    if aws.find_student_vpcs(session.aws.ec2, session.student):
        return ()
    return tuple(
        Offer(f"Take {vpc.id} as mine", partial(take_vpc, session, vpc.id))
        for vpc in aws.unclaimed_vpcs(session.aws.ec2)
    )


def _show_vpc(session: LabSession, vpc: Vpc, title: str) -> ActionResult:
    session.notes.save(vpc_id=vpc.id, vpc_region=" ".join((session.region, *noted_regions(session))))
    return ActionResult(
        title,
        (("VpcId", vpc.id), ("CIDR block", vpc.cidr_block), ("Name", vpc.name), ("Region", session.region)),
        remark=vpc_quota_sentence(aws.describe_vpcs(session.aws.ec2), session.region),
    )


def undo_vpc(session: LabSession) -> ActionResult:
    account = _account_to_look_in(session)
    ec2, student = account.ec2, session.student
    if vpcs := aws.find_student_vpcs(ec2, student):
        session.require_agreement()
    deleted = [thing for vpc in vpcs for thing in aws.delete_vpc(ec2, vpc.id, student)]
    if left := aws.find_student_vpcs(ec2, student):
        raise LabError(f"Still there: {_listed(left)}.", "AWS has not deleted it yet.", "Run the reset again.")
    _require_none_elsewhere(session, account)
    session.notes.forget("vpc_id", "vpc_region")
    done = f"Deleted: {', '.join(deleted)}." if deleted else f"No VPC of yours was in {session.region}."
    return ActionResult(" ".join(filter(None, (done, untagged_sentence(aws.unclaimed_vpcs(ec2))))))


def _require_none_elsewhere(session: LabSession, account: Account) -> None:
    """Raise LabError while a VPC of the student's is in another region: only the region in use is changed."""
    found = {
        region: aws.find_student_vpcs(account.client("ec2", region), session.student)
        for region in noted_regions(session)
    }
    left = [region for region, vpcs in found.items() if vpcs]
    if not left:
        return
    session.notes.save(vpc_region=" ".join(left))
    raise LabError(
        f"Not deleted: {'; '.join(f'{_listed(found[region])} in {region}' for region in left)}.",
        f"The region in use is {session.region}, and only that one was changed.",
        f"Choose the other region, lab.enter_aws_keys(region='{left[0]}'), then run this again.",
    )


def _account_to_look_in(session: LabSession) -> Account:
    """The account in use; where its keys are gone, the sandbox's. Raises LabError when a VPC would be left unseen."""
    keys, noted = session.keys or session.backend.aws.cloud_account(), session.notes.get("vpc_id")
    if keys is None and noted:
        raise LabError(
            f"{noted} was not deleted.",
            "It is in your notes, but there are no AWS keys to delete it with.",
            "Enter the keys again, then run the reset again.",
        )
    return session.account(keys, session.region) if keys is not None else session.aws


def check_network_acl(session: LabSession) -> CheckResult:
    network_acl, noted = students_network_acl(session), session.notes.get("network_acl_id")
    expected = f"{_what_it_filters(network_acl)}, {network_acl.id}"
    if noted and noted != network_acl.id:
        next_step = f"Choose the one that filters: lab.choose_network_acl('{network_acl.id}')"
        return NETWORK_ACL.result(Outcome.WRONG, expected, f"{noted} in your notes", next_step)
    if noted:
        return NETWORK_ACL.result(Outcome.PASSED, expected, f"{network_acl.id} in {session.region}, in your notes")
    return NETWORK_ACL.not_noted(session, expected, network_acl.id, "Choose it: lab.choose_network_acl()")


def _what_it_filters(network_acl: NetworkAcl) -> str:
    """What makes this network ACL the right one, for a sentence."""
    kind = "the default network ACL" if network_acl.is_default else "the network ACL that filters your host's subnet"
    return f"{kind} {'of' if network_acl.is_default else 'in'} {network_acl.vpc_id}"


def save_network_acl(session: LabSession, network_acl_id: str) -> ActionResult:
    """Note the NetworkAclId. Raises InvalidInput when it is another VPC's, naming whose, or filters nothing here.

    The wrong one is noted, too, so that the check says the same as the refusal.
    """
    chosen_id, mine = clean(network_acl_id).value, students_network_acl(session)
    if chosen_id != mine.id:
        (chosen,) = aws.describe_network_acls(session.aws.ec2, ids=[chosen_id])
        session.notes.save(network_acl_id=chosen.id)
        raise _not_that_one(session, chosen, mine)
    session.notes.save(network_acl_id=mine.id)
    return ActionResult(
        "The NetworkAclId is in your notes.",
        (("NetworkAclId", mine.id), ("VpcId", mine.vpc_id), ("Region", session.region)),
        cli=commands.network_acl_command(session, mine.id),
        cli_caption=LOOK,
    )


def _not_that_one(session: LabSession, chosen: NetworkAcl, mine: NetworkAcl) -> InvalidInput:
    """Why the chosen network ACL is refused: it filters somebody else's subnets, or not the student's host."""
    if chosen.vpc_id == mine.vpc_id:
        return InvalidInput(
            f"{chosen.id} does not filter your host.",
            f"It is in your VPC, but {mine.id} is {_what_it_filters(mine)}. An entry in the other would stop nothing.",
            f"Choose {mine.id}.",
            field="network ACL",
        )
    whose = next(vpc for vpc in aws.describe_vpcs(session.aws.ec2) if vpc.id == chosen.vpc_id)
    return InvalidInput(
        f"{chosen.id} is not the network ACL of your VPC.",
        f"It belongs to {whose}. A deny entry written there would protect that VPC, not yours ({mine.vpc_id}).",
        f"Choose the one of {mine.vpc_id}.",
        field="network ACL",
    )


def do_network_acl(session: LabSession) -> ActionResult:
    return save_network_acl(session, students_network_acl(session).id)


def undo_network_acl(session: LabSession) -> ActionResult:
    session.notes.forget("network_acl_id")
    return ActionResult("The NetworkAclId is no longer in your notes.")


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
