"""The AWS CLI commands that do or show the same as the lab, complete enough to be pasted into a terminal.

Each is "" while the keys are in memory only: the AWS CLI has none then, so it could not do the same.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from labkit.model.network_acl import Entry
from labkit.model.settings import PROFILE
from labkit.model.student import STUDENT_TAG, student_tags
from labkit.model.vpc import HOST_NAME, HOST_SUBNET_CIDR_BLOCK, HOST_TAG, LAB_CIDR_BLOCK
from labkit.services import aws
from labkit.services.aws.profile import load_profile
from labkit.steps.session import LabSession


def aws_command(session: LabSession, *words: str) -> str:
    """`aws` with these words, for the account and the region in use."""
    if session.keys_in_memory:
        return ""
    return shlex.join(["aws", *words, "--region", session.region, *_profile(session)])


def _profile(session: LabSession) -> list[str]:
    """Beside the student's own profiles the lab's must be named; elsewhere the lab's terminals use it anyway."""
    backend = session.backend.aws
    if not backend.asks_first or load_profile(backend.config_file, backend.credentials_file) is None:
        return []
    return ["--profile", PROFILE]


def caller_command(session: LabSession) -> str:
    return aws_command(session, "sts", "get-caller-identity")


def vpcs_command(session: LabSession, *vpc_ids: str) -> str:
    return aws_command(session, "ec2", "describe-vpcs", *(("--vpc-ids", *vpc_ids) if vpc_ids else ()))


def create_vpc_command(session: LabSession) -> str:
    tags = _new_with_tags("vpc", student_tags(session.student))
    return aws_command(session, "ec2", "create-vpc", "--cidr-block", LAB_CIDR_BLOCK, *tags)


def take_vpc_command(session: LabSession, vpc_id: str) -> str:
    tags = [f"Key={key},Value={value}" for key, value in student_tags(session.student).items()]
    return aws_command(session, "ec2", "create-tags", "--resources", vpc_id, "--tags", *tags)


def delete_vpc_command(session: LabSession, vpc_id: str) -> str:
    return aws_command(session, "ec2", "delete-vpc", "--vpc-id", vpc_id)


def create_subnet_command(session: LabSession, vpc_id: str) -> str:
    tags = _new_with_tags("subnet", {STUDENT_TAG: str(session.student), HOST_TAG: HOST_NAME})
    place = ("--vpc-id", vpc_id, "--cidr-block", HOST_SUBNET_CIDR_BLOCK)
    return aws_command(session, "ec2", "create-subnet", *place, *tags)


def subnet_command(session: LabSession, subnet_id: str) -> str:
    return aws_command(session, "ec2", "describe-subnets", "--subnet-ids", subnet_id)


def network_acl_command(session: LabSession, network_acl_id: str) -> str:
    return aws_command(session, "ec2", "describe-network-acls", "--network-acl-ids", network_acl_id)


def network_acls_command(session: LabSession) -> str:
    """The command that lists everybody's network ACLs, each with its VPC."""
    return aws_command(session, "ec2", "describe-network-acls", "--query", "NetworkAcls[].[NetworkAclId,VpcId]")


def create_entry_command(session: LabSession, network_acl_id: str, entry: Entry) -> str:
    words = [*_entry_words(network_acl_id, entry.rule_number, entry.egress), "--protocol", entry.protocol]
    words += ["--rule-action", entry.rule_action, "--ipv6-cidr-block" if entry.ipv6 else "--cidr-block"]
    words += [entry.cidr_block]
    if entry.port_range:
        words += ["--port-range", "From={},To={}".format(*entry.port_range)]
    if entry.icmp:
        words += ["--icmp-type-code", "Type={},Code={}".format(*entry.icmp)]
    return aws_command(session, "ec2", "create-network-acl-entry", *words)


def delete_entry_command(session: LabSession, network_acl_id: str, rule_number: int, egress: bool) -> str:
    words = _entry_words(network_acl_id, rule_number, egress)
    return aws_command(session, "ec2", "delete-network-acl-entry", *words)


def looked_at(session: LabSession, questions: tuple[str, ...]) -> tuple[str, ...]:
    """A check's questions with the student's own values in them; one call at most, for the VpcId."""
    return tuple(_filled(session, question) for question in questions)


def _filled(session: LabSession, question: str) -> str:
    if not question.startswith("aws "):
        return question
    if "=N" in question:
        question = question.replace("=N", f"={session.student}")
    if "VPCID" in question:
        mine = aws.find_student_vpcs(session.aws.ec2, session.student)
        question = question.replace("VPCID", mine[0].id) if mine else question
    return aws_command(session, *shlex.split(question)[1:]) or question


def _entry_words(network_acl_id: str, rule_number: int, egress: bool) -> list[str]:
    way = "--egress" if egress else "--ingress"
    return ["--network-acl-id", network_acl_id, way, "--rule-number", str(rule_number)]


def _new_with_tags(kind: str, tags: Mapping[str, str]) -> tuple[str, str]:
    listed = ",".join(f"{{Key={key},Value={value}}}" for key, value in tags.items())
    return "--tag-specifications", f"ResourceType={kind},Tags=[{listed}]"
