"""The network ACL of the host's subnet is what filters the host, from the moment a call is answered; no other is."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labkit import steps
from labkit.lab.lab import Lab
from labkit.model.network_acl import Entry
from labkit.range.program import program_command
from labkit.services import aws
from labkit.services.host import Host
from labkit.steps.host import host_subnets
from labkit.steps.network import students_network_acl, students_vpc
from tests.wait import until

pytestmark = pytest.mark.tier_1

CURL = ("curl", "-sS", "--connect-timeout", "1", "dadismad.com")
AWS_CLI = str(Path(sys.executable).with_name("aws"))
DENY = Entry(1, True, "deny", "-1", "203.0.113.10/32")
ANSWERS, NO_ANSWER = 0, 28
CONNECT_UNTIL_DENIED = """
import socket, time
while True:
    began = time.time()
    with socket.socket() as one:
        one.settimeout(0.5)
        try: one.connect(("203.0.113.10", 80))
        except TimeoutError: break
    print(began, flush=True)
"""
"""Tells when each connection began that was made, as fast as they can be."""


@pytest.fixture
def ready(lab: Lab) -> Lab:
    """The host lives in the student's VPC, and nothing is denied."""
    list(steps.solve(lab._session, steps.named("host_subnet")))
    return lab


@pytest.fixture
def ec2(ready: Lab) -> Any:
    return ready._session.aws.ec2


@pytest.fixture
def acl(ready: Lab) -> str:
    """The network ACL in force."""
    return students_network_acl(ready._session).id


@pytest.fixture
def aws_cli(ready: Lab) -> Callable[..., Any]:
    """The AWS CLI in a terminal of the lab's."""

    def run(*words: str) -> Any:
        given = {name: value for name, value in ready._session.backend.environment().items() if value}
        ended = subprocess.run([AWS_CLI, "ec2", *words], env=given, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout or "null")

    return run


def host_of(lab: Lab) -> Host:
    assert lab._session.backend.aws.host is not None
    return lab._session.backend.aws.host


def curl(lab: Lab) -> int:
    """The exit code of `curl dadismad.com` on the host."""
    return host_of(lab).run(CURL).code


def associate(ec2: Any, subnet_id: str, network_acl_id: str) -> None:
    """Let another network ACL filter a subnet."""
    where = [{"Name": "association.subnet-id", "Values": [subnet_id]}]
    (there,) = ec2.describe_network_acls(Filters=where)["NetworkAcls"]
    (mine,) = [each for each in there["Associations"] if each["SubnetId"] == subnet_id]
    ec2.replace_network_acl_association(AssociationId=mine["NetworkAclAssociationId"], NetworkAclId=network_acl_id)


def test_before_it_lives_in_a_subnet_nothing_filters_the_host(lab: Lab) -> None:
    list(steps.solve(lab._session, steps.named("2")))
    aws.create_entry(lab._session.aws.ec2, students_network_acl(lab._session).id, DENY)

    assert curl(lab) == ANSWERS
    lab.place_host()
    assert curl(lab) == NO_ANSWER
    lab.reset("host_subnet")
    assert curl(lab) == ANSWERS


def test_a_deny_in_the_network_acl_of_another_vpc_does_nothing(ready: Lab, ec2: Any, acl: str) -> None:
    (their_vpc,) = aws.find_student_vpcs(ec2, 1012)
    (others,) = aws.describe_network_acls(ec2, vpc_id=their_vpc.id)
    aws.create_entry(ec2, others.id, DENY)
    try:
        assert curl(ready) == ANSWERS
        aws.create_entry(ec2, acl, DENY)
        assert curl(ready) == NO_ANSWER
    finally:
        aws.delete_entry(ec2, others.id, DENY.rule_number, DENY.egress)


def test_the_association_of_the_hosts_subnet_says_which_network_acl_filters_it(ready: Lab, ec2: Any, acl: str) -> None:
    (subnet,), vpc = host_subnets(ready._session), students_vpc(ready._session)
    closed = ec2.create_network_acl(VpcId=vpc.id)["NetworkAcl"]["NetworkAclId"]
    assert curl(ready) == ANSWERS
    associate(ec2, subnet.id, closed)
    try:
        assert host_of(ready).status().network_acl_id == closed
        assert curl(ready) == NO_ANSWER
    finally:
        associate(ec2, subnet.id, acl)
    assert host_of(ready).status().network_acl_id == acl
    assert curl(ready) == ANSWERS


def test_an_entry_by_the_aws_cli_is_in_force_when_its_call_ends_until_it_is_replaced_or_deleted(
    ready: Lab, acl: str, aws_cli: Callable[..., Any]
) -> None:
    at = ("--network-acl-id", acl, "--egress", "--rule-number", "90")
    of_all = ("--protocol", "-1", "--rule-action", "deny", "--cidr-block")
    aws_cli("create-network-acl-entry", *at, *of_all, "203.0.113.10/32")
    assert curl(ready) == NO_ANSWER
    aws_cli("replace-network-acl-entry", *at, *of_all, "198.51.100.7/32")
    assert curl(ready) == ANSWERS
    aws_cli("replace-network-acl-entry", *at, *of_all, "203.0.113.0/24")
    assert curl(ready) == NO_ANSWER
    aws_cli("delete-network-acl-entry", "--network-acl-id", acl, "--egress", "--rule-number", "90")
    assert curl(ready) == ANSWERS


def test_no_connection_that_begins_after_the_reply_gets_through(ready: Lab, ec2: Any, acl: str) -> None:
    command = program_command(host_of(ready).status().folder, [sys.executable, "-c", CONNECT_UNTIL_DENIED])
    for _ in range(3):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
            assert program.stdout is not None
            began = [float(program.stdout.readline()) for _ in range(5)]
            aws.create_entry(ec2, acl, DENY)
            replied = time.time()
            began += map(float, program.stdout)
        assert max(began) < replied
        aws.delete_entry(ec2, acl, DENY.rule_number, DENY.egress)


def test_what_the_entries_decided_is_counted_beside_them_and_the_drops_name_the_entry(
    ready: Lab, ec2: Any, acl: str
) -> None:
    host, began = host_of(ready), time.time()
    aws.create_entry(ec2, acl, DENY)
    assert host.status().packets[True, 1] == 0
    assert curl(ready) == NO_ANSWER

    before = host.status().packets[True, 1]
    (line,) = [line for line in repr(ready.entries()).splitlines() if DENY.cidr_block in line]
    assert 0 < before <= int(line.split()[-1]) <= host.status().packets[True, 1]
    drops = until(lambda: [drop for drop in host.drops(began) if drop.rule_number == 1])
    assert drops[0].egress and (drops[0].destination, drops[0].port) == ("203.0.113.10", 80)


def test_a_call_that_is_refused_changes_nothing_of_what_is_in_force(ready: Lab, ec2: Any, acl: str) -> None:
    aws.create_entry(ec2, acl, DENY)
    with pytest.raises(Exception, match="NetworkAclEntryAlreadyExists"):
        ec2.create_network_acl_entry(
            NetworkAclId=acl, RuleNumber=1, Egress=True, Protocol="-1", RuleAction="allow", CidrBlock="0.0.0.0/0"
        )
    assert curl(ready) == NO_ANSWER


def test_the_host_notes_which_deny_came_into_force_and_when_a_program_had_connected_there(
    ready: Lab, ec2: Any, acl: str
) -> None:
    began = time.time()
    assert curl(ready) == ANSWERS
    aws.create_entry(ec2, acl, Entry(2, True, "deny", "-1", "198.51.100.0/24"))
    aws.create_entry(ec2, acl, Entry(3, True, "deny", "-1", "198.51.100.7/32"))
    aws.create_entry(ec2, acl, DENY)

    unmet, met = host_of(ready).denies(began)
    assert (unmet.rule_number, unmet.address, unmet.connected) == (3, "198.51.100.7", None)
    assert (met.rule_number, met.address) == (1, "203.0.113.10")
    assert met.connected is not None and began < met.connected < unmet.time < met.time < time.time()
    list(steps.reset(ready._session, steps.named("host_subnet")))
    list(steps.solve(ready._session, steps.named("host_subnet")))
    assert host_of(ready).denies(met.time) == [], "nothing was written: the host moved"
