"""Every AWS CLI command that the lab prints, run by the real AWS CLI: it leaves, or shows, the same as the lab."""

from __future__ import annotations

import html
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from labkit import steps
from labkit.lab.lab import Lab, open_lab
from labkit.model.errors import LabError
from labkit.model.settings import PROFILE
from labkit.services import aws
from labkit.steps.commands import aws_command
from labkit.steps.network import students_network_acl, students_vpc
from labkit.views.copying import INSTEAD
from labkit.views.panels.basic import CheckPanel
from labkit.views.view import View
from tests.sandbox.lab.fixtures import account

AWS_CLI = """
import shlex, sys
from awscli.clidriver import create_clidriver
for line in sys.stdin:
    program, *words = shlex.split(line)
    assert (program, create_clidriver().main(words)) == ("aws", 0), line
"""
"""Runs each line as a command: to start the AWS CLI takes longer than what it does."""

SITE = "198.51.100.80/32"
Doing = Callable[[Lab], Any]


def printed(shown: View) -> list[str]:
    """The commands that a person can copy from a result."""
    found = re.findall(r"<code>(aws [^<]*)</code>", shown._repr_html_())
    return [line for each in found for line in html.unescape(each).splitlines()]


def in_a_terminal(lab: Lab, *commands: str) -> str:
    """What the AWS CLI prints for commands with the environment of a terminal of the lab. All must succeed."""
    environment = {name: value for name, value in (os.environ | lab._session.backend.environment()).items() if value}
    given = "\n".join(dict.fromkeys(commands))
    aws_cli = [sys.executable, "-c", AWS_CLI]
    ran = subprocess.run(aws_cli, env=environment, input=given, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def world() -> list[object]:
    """VPCs, subnets and network ACLs with tags and entries, without the ids that AWS invents."""
    ec2 = account().ec2
    vpcs = {vpc.id: (vpc.cidr_block, tuple(sorted(vpc.tags.items()))) for vpc in aws.describe_vpcs(ec2)}
    subnets = [
        ("subnet", vpcs[one["VpcId"]], one["CidrBlock"], sorted(tag.items() for tag in one.get("Tags", ())))
        for one in ec2.describe_subnets()["Subnets"]
    ]
    acls = [
        ("acl", vpcs[one.vpc_id], [str(entry) for entry in one.entries], len(one.subnet_ids))
        for one in aws.describe_network_acls(ec2)
    ]
    return sorted(map(repr, [*vpcs.values(), *subnets, *acls]))


def solved(lab: Lab, key: str) -> None:
    assert all(result.passed for _, result in steps.solve(lab._session, (steps.BY_KEY[key],)))


def an_untagged_vpc(lab: Lab) -> None:
    solved(lab, "aws_account")
    account().ec2.create_vpc(CidrBlock="10.0.0.0/16")


def untag(lab: Lab) -> None:
    vpc = students_vpc(lab._session)
    account().ec2.delete_tags(Resources=[vpc.id], Tags=[{"Key": key} for key in vpc.tags])


def each(*doings: Doing) -> Doing:
    def all_of_them(lab: Lab) -> None:
        for do in doings:
            do(lab)

    return all_of_them


def add(rule_number: int, **how: Any) -> Doing:
    return lambda lab: lab.add_entry(rule_number, **how)


def remove(rule_number: int, *, egress: bool = True) -> Doing:
    return lambda lab: lab.remove_entry(rule_number, egress=egress)


def solve(*keys: str) -> Doing:
    return lambda lab: [solved(lab, key) for key in keys]


def undo(key: str) -> Doing:
    return lambda lab: steps.BY_KEY[key].undo(lab._session)


ANSWERS = {"cidr_block": SITE, "egress": False, "protocol": "tcp", "ports": (1024, 65535)}
SIX = {"cidr_block": "2001:db8::/32", "protocol": "udp", "ports": 53}
INGRESS = {"egress": False}
PLACED = solve("host_subnet")
CHANGES: dict[str, tuple[Doing, Callable[[Lab], View], Doing]] = {
    "create_vpc": (solve("aws_account"), lambda lab: lab.create_vpc(), undo("vpc")),
    "take_vpc": (an_untagged_vpc, lambda lab: lab.take_vpc(aws.unclaimed_vpcs(account().ec2)[0].id), untag),
    "place_host": (solve("network_acl_id", "rule_id"), lambda lab: lab.place_host(), undo("host_subnet")),
    "allow_ipv6": (PLACED, lambda lab: lab.allow_ipv6(), each(remove(101), remove(101, egress=False))),
    "allow_ipv6, half there": (
        each(PLACED, add(101, rule_action="allow", cidr_block="::/0")),
        lambda lab: lab.allow_ipv6(),
        remove(101, egress=False),
    ),
    "add_entry": (PLACED, add(50), remove(50)),
    "add_entry, answers": (PLACED, add(50, **ANSWERS), remove(50, egress=False)),
    "add_entry, IPv6": (PLACED, add(50, **SIX), remove(50)),
    "remove_entry": (each(PLACED, add(50, **INGRESS)), remove(50, egress=False), add(50, **INGRESS)),
}
"""For each call that changes something: how to get to its start, the call, and how to get back there."""


@pytest.mark.parametrize("name", CHANGES)
def test_a_command_leaves_what_the_cell_leaves(lab: Lab, name: str) -> None:
    start, call, back = CHANGES[name]
    lab.enter_student_number(7)
    start(lab)
    at_first = world()
    shown = call(lab)
    assert f"{INSTEAD}:" in shown._repr_html_()
    by_the_lab = world()
    commands = printed(shown)
    back(lab)
    assert commands and world() == at_first != by_the_lab
    in_a_terminal(lab, *commands)
    assert world() == by_the_lab


def test_found_again_a_thing_is_shown_and_none_is_made(lab: Lab) -> None:
    lab.enter_student_number(7)
    solve("rule_id", "deny_entry")(lab)
    lab.allow_ipv6()
    lab.add_entry(50)
    there = world()
    again = [lab.create_vpc(), lab.place_host(), lab.allow_ipv6(), lab.add_entry(50)]
    shown = [
        *again, lab.aws_account(), lab.vpcs(), lab.network_acls(),
        lab.choose_network_acl(students_network_acl(lab._session).id),
        lab.finish("2"), lab.finish("3"), *map(lab.check, steps.BY_KEY),
    ]  # fmt: skip
    commands = [command for each in shown for command in printed(each)]
    assert len(commands) >= 18 and in_a_terminal(lab, *commands) and world() == there
    vpc, acl = students_vpc(lab._session), students_network_acl(lab._session)
    assert vpc.id in in_a_terminal(lab, printed(lab.vpcs())[0])
    listed = in_a_terminal(lab, printed(lab.network_acls())[0])
    assert acl.id in listed and vpc.id in listed
    assert acl.id in in_a_terminal(lab, printed(lab.entries())[0])
    assert "NetworkAcls" in in_a_terminal(lab, printed(lab.check("deny_entry"))[-1])


def test_what_a_check_or_a_refusal_says_to_type_works(lab: Lab) -> None:
    lab.enter_student_number(7)
    an_untagged_vpc(lab)
    take = printed(CheckPanel(steps.check(lab._session, steps.BY_KEY["vpc"])))
    in_a_terminal(lab, next(one for one in take if "create-tags" in one))
    assert steps.check(lab._session, steps.BY_KEY["vpc"]).passed
    account().ec2.create_vpc(CidrBlock="10.0.0.0/16")
    lab.take_vpc(aws.unclaimed_vpcs(account().ec2)[0].id)
    in_a_terminal(lab, next(one for one in printed(lab.check("vpc")) if "delete-vpc" in one))
    assert steps.check(lab._session, steps.BY_KEY["vpc"]).passed
    (other,) = [vpc for vpc in aws.describe_vpcs(account().ec2) if vpc.student not in (None, 7)]
    with pytest.raises(LabError) as refused:
        aws.delete_vpc(account().ec2, other.id, 7)
    assert shlex.split(refused.value.next_step.split("`")[1])[-2:] == ["--region", "us-east-1"]


def test_a_check_that_was_skipped_does_not_claim_to_have_looked(lab: Lab) -> None:
    lab._session.notes.forget("last_student", "last_region")  # whom another test's clean-up was for
    assert lab.check("network_acl_id").result.looked_at == ()


def test_no_command_is_shown_while_only_the_notebook_has_the_keys(lab: Lab) -> None:
    lab.enter_student_number(7)
    solved(lab, "vpc")
    keys = lab._session.keys
    assert keys is not None
    lab.enter_aws_keys(keys.access_key_id, keys.secret_access_key, keep=False)
    assert printed(lab.vpcs()) == [] and printed(lab.create_vpc()) == []


def test_the_list_of_vpcs_shows_the_command_that_makes_yours_until_it_is_there(lab: Lab) -> None:
    lab.enter_student_number(7)
    solved(lab, "aws_account")
    listing, creating = printed(lab.vpcs())
    assert [creating] == printed(lab.create_vpc()) and printed(lab.vpcs()) == [listing]


def test_beside_the_students_own_profiles_the_labs_is_named(lab: Lab) -> None:
    solved(lab, "vpc")
    with pytest.MonkeyPatch.context() as live:  # until the lab is reset
        live.setattr(type(lab._session.backend.aws), "asks_first", True)
        assert shlex.split(aws_command(lab._session, "ec2", "describe-vpcs"))[-2:] == ["--profile", PROFILE]
        assert open_lab()._session.backend.aws.asks_first
