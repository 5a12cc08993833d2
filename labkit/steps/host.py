"""Steps of the host: it is ready (part 1), and it lives in a subnet of the student's VPC (part 3)."""

from __future__ import annotations

import shutil
import sys

from labkit.backends.sandbox import SandboxDetection
from labkit.model.check import CheckResult, Outcome
from labkit.model.detection.records import Agent
from labkit.model.errors import LabError
from labkit.model.network_acl import Entry
from labkit.model.student import host_of
from labkit.model.vpc import HOST_NAME, HOST_SUBNET_CIDR_BLOCK, HOST_TAG
from labkit.services import aws
from labkit.services.aws_cli import aws_cli
from labkit.steps import commands
from labkit.steps.network import students_network_acl, students_vpc, students_vpc_ids
from labkit.steps.session import LabSession
from labkit.steps.step import Step
from labkit.views.copying import INSTEAD, LOOK
from labkit.views.panels.basic import ActionResult
from labkit.views.panels.readiness import Line

AGENT_SERVICES = 12
PROGRAMS = {"aws": "the AWS CLI", "curl": "curl, which part 3 uses"}
ALL_IPV6_NUMBER = 101
"""The rule number of the entry that AWS itself adds for `::/0` when a VPC gets an IPv6 CIDR block.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/default-network-acl.html
"""


def hosts_agent(session: LabSession) -> Agent | None:
    """The agent of the lab's host, or of the student's in a class; one call."""
    name = hosts_name(session)
    return next((agent for agent in session.detection.agents("online") if agent.name == name), None)


def hosts_name(session: LabSession) -> str:
    """What the detection service calls the host."""
    assigned = session.backend.aws.assigned
    return HOST_NAME if assigned is None else host_of(assigned)


def services_of(agent: Agent) -> dict[str, str]:
    """The agent's services and how each is."""
    health = dict(agent.raw.get("agentModuleHealth") or {})
    health.pop("isHealthy", None)
    return {name: str(state) for name, state in health.items()}


def agent_line(session: LabSession) -> Line:
    """The agent and its services."""
    looked_at = "GET /v2/agents?status=online"
    if session.backend.aws.host is None and isinstance(session.backend.detection, SandboxDetection):
        found = "none: with live AWS the host is your own, and the sandbox's agent is not on it"
        return Line("Agent", "missing", found, looked_at, "For the lab's host: lab.choose_backend()")
    agent = hosts_agent(session)
    if agent is None:
        found = f"no agent named {hosts_name(session)} is online"
        return Line("Agent", "missing", found, looked_at, "Start the sandbox again.")
    services = services_of(agent)
    healthy = [name for name, state in services.items() if state == "HEALTHY"]
    found = f"{agent.name} {agent.version} online, {len(healthy)} of {AGENT_SERVICES} services healthy"
    if len(healthy) == AGENT_SERVICES:
        return Line("Agent", "ready", found, looked_at)
    ill = ", ".join(sorted(services.keys() - healthy)) or "the agent does not report its services"
    return Line("Agent", "missing", f"{found}; not: {ill}", looked_at, "Ask your instructor to look at the agent.")


def program_lines() -> list[Line]:
    """Python, and the programs of the lab."""
    lines = [Line("Python", "ready", sys.version.split()[0], "python3 --version")]
    for program, what in PROGRAMS.items():
        path = aws_cli() if program == "aws" else shutil.which(program)
        package = "awscli" if program == "aws" else program
        next_step = "" if path else f"Install {what}: sudo apt install {package}, or: sudo dnf install {package}"
        found = str(path) if path else "not installed"
        lines.append(Line(program, "ready" if path else "missing", found, f"which {program}", next_step))
    return lines


def check_ready(session: LabSession) -> CheckResult:
    lines = [agent_line(session), *(program_lines() if session.sees_programs else ())]
    missing = [line for line in lines if line.state == "missing"]
    expected = f"an agent with {AGENT_SERVICES} healthy services, Python, {' and '.join(PROGRAMS)}"
    if not missing:
        found = "; ".join(f"{line.title}: {line.found}" for line in lines)
        if session.notes.get(READY.note):
            return READY.result(Outcome.PASSED, expected, found)
        return READY.not_noted(session, expected, found, "Look: lab.readiness()", "you have not looked yet")
    found = "; ".join(f"{line.title}: {line.found}" for line in missing)
    return READY.result(Outcome.WRONG, expected, found, " ".join(line.next_step for line in missing))


def do_ready(session: LabSession) -> ActionResult:
    """Look at the host as `lab.readiness()` does. Raises LabError when something is missing: it must be installed."""
    session.notes.save(**{READY.note: "yes"})
    result = check_ready(session)
    if result.passed:
        return ActionResult("The host is ready.", remark=result.found)
    raise LabError("The lab cannot make the host ready for you.", f"{result.found}.", result.next_step)


def undo_ready(session: LabSession) -> ActionResult:
    session.notes.forget(READY.note)
    return ActionResult("Part 1 only looks at the host: it counts as not looked at again.")


def host_subnets(session: LabSession) -> tuple[aws.Subnet, ...]:
    """The subnets that the student's host lives in: one when all is well; two calls."""
    return aws.describe_subnets(session.aws.ec2, students_vpc(session).id, tag=HOST_TAG)


def check_subnet(session: LabSession) -> CheckResult:
    vpc = students_vpc(session)
    expected = f"one subnet in {vpc.id} with the tag {HOST_TAG}"
    subnets = aws.describe_subnets(session.aws.ec2, vpc.id, tag=HOST_TAG)
    if len(subnets) == 1:
        return SUBNET.result(Outcome.PASSED, expected, f"{subnets[0]} of {vpc.id} in {session.region}")
    if subnets:
        found = ", ".join(str(subnet) for subnet in subnets)
        return SUBNET.result(
            Outcome.WRONG, expected, found, "Remove them with lab.reset('host_subnet'), then try again."
        )
    return SUBNET.result(Outcome.NOT_YET, expected, "none", "Put the host into your VPC: lab.place_host()")


def do_subnet(session: LabSession) -> ActionResult:
    """Put the host into a subnet of the student's VPC, or find it there."""
    vpc = students_vpc(session)
    with session.creation_lock():
        found, cli, caption = host_subnets(session), "", LOOK
        if not found:
            session.require_agreement()
            tags = {HOST_TAG: HOST_NAME}
            found = (aws.create_subnet(session.aws.ec2, vpc.id, HOST_SUBNET_CIDR_BLOCK, session.student, tags),)
            cli, caption = commands.create_subnet_command(session, vpc.id), INSTEAD
    network_acl = students_network_acl(session)
    return ActionResult(
        "Your host is in your VPC.",
        (("SubnetId", found[0].id), ("CIDR block", found[0].cidr_block), ("Network ACL in force", network_acl.id)),
        cli=cli or commands.subnet_command(session, found[0].id),
        cli_caption=caption,
    )


def undo_subnet(session: LabSession) -> ActionResult:
    """Take the host out of the VPC again, and the IPv6 entries that the lab added for its lesson."""
    ec2, deleted, vpc_ids = session.aws.ec2, [], students_vpc_ids(session)
    for subnet in [found for vpc_id in vpc_ids for found in aws.describe_subnets(ec2, vpc_id, tag=HOST_TAG)]:
        session.require_agreement()
        aws.delete_subnet(ec2, subnet.id)
        deleted.append(f"subnet {subnet.id}")
    for network_acl in [found for vpc_id in vpc_ids for found in aws.describe_network_acls(ec2, vpc_id=vpc_id)]:
        for entry in network_acl.entries:
            if entry in ALL_IPV6:
                aws.delete_entry(ec2, network_acl.id, entry.rule_number, entry.egress)
                deleted.append(f"entry {entry.rule_number} ({'egress' if entry.egress else 'ingress'})")
    return ActionResult(f"Deleted: {', '.join(deleted)}." if deleted else "Your host was not in your VPC.")


ALL_IPV6 = tuple(Entry(ALL_IPV6_NUMBER, egress, "allow", "-1", "::/0") for egress in (True, False))


def allow_ipv6(session: LabSession) -> ActionResult:
    """Add the two entries with which AWS lets IPv6 through once a VPC has an IPv6 CIDR block; found when there."""
    network_acl = students_network_acl(session)
    missing = [entry for entry in ALL_IPV6 if entry not in network_acl.entries]
    for entry in missing:
        session.require_agreement()
        aws.create_entry(session.aws.ec2, network_acl.id, entry)
    added = [commands.create_entry_command(session, network_acl.id, entry) for entry in missing]
    return ActionResult(
        "Two entries allow IPv6, one for each direction.",
        [("Egress and ingress", f"entry {ALL_IPV6_NUMBER}: allow all to and from ::/0")],
        cli="\n".join(added) or commands.network_acl_command(session, network_acl.id),
        cli_caption=INSTEAD if added else LOOK,
    )


READY = Step(
    "host_ready",
    "1",
    "The host is ready",
    "Is the host ready?",
    (),
    check_ready,
    do_ready,
    undo_ready,
    ("GET /v2/agents?status=online", "which aws", "which curl"),
    note="host_looked_at",
)
SUBNET = Step(
    "host_subnet",
    "3",
    "Your host in your VPC",
    "Put the host into your VPC",
    ("network_acl_id",),
    check_subnet,
    do_subnet,
    undo_subnet,
    (
        "aws ec2 describe-vpcs",
        f"aws ec2 describe-subnets --filters Name=vpc-id,Values=VPCID Name=tag-key,Values={HOST_TAG}",
    ),
)
