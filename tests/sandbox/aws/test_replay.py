"""State outlives its process: every confirmed change is restored with the same ids."""

from __future__ import annotations

import contextlib
import gc
import os
import random
import signal
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from labkit.sandbox.aws.keys import load_keys
from tests.sandbox.aws.fixtures import DENY_ALL, client, default_acl, everything


class Player:
    """Makes random changes of everything that the lab changes; refusals are part of the game."""

    def __init__(self, ec2: Any, seed: int) -> None:
        self.ec2, self.random = ec2, random.Random(seed)

    def play(self, moves: int) -> None:
        verbs = [
            self.create_vpc, self.delete_vpc, self.create_subnet, self.delete_subnet, self.create_acl, self.delete_acl,
            self.associate, self.tag, self.untag, *[self.create_entry, self.replace_entry, self.delete_entry] * 4,
        ]  # fmt: skip
        for _ in range(moves):
            with contextlib.suppress(ClientError, IndexError):
                self.random.choice(verbs)()

    def vpc(self) -> str:
        return self.random.choice(self.ec2.describe_vpcs()["Vpcs"])["VpcId"]

    def acl(self) -> dict[str, Any]:
        return self.random.choice(self.ec2.describe_network_acls()["NetworkAcls"])

    def entry(self) -> dict[str, Any]:
        return {
            "NetworkAclId": self.acl()["NetworkAclId"],
            "RuleNumber": self.random.choice([50, 60, 100, 32767]),
            "Egress": self.random.random() < 0.8,
        }

    def create_vpc(self) -> None:
        self.ec2.create_vpc(CidrBlock=f"10.{self.random.randrange(200)}.0.0/16")

    def delete_vpc(self) -> None:
        self.ec2.delete_vpc(VpcId=self.vpc())

    def create_subnet(self) -> None:
        vpc = self.random.choice(self.ec2.describe_vpcs()["Vpcs"])
        third = self.random.randrange(3)
        self.ec2.create_subnet(VpcId=vpc["VpcId"], CidrBlock=vpc["CidrBlock"].replace("0.0/16", f"{third}.0/24"))

    def delete_subnet(self) -> None:
        self.ec2.delete_subnet(SubnetId=self.random.choice(self.ec2.describe_subnets()["Subnets"])["SubnetId"])

    def create_acl(self) -> None:
        self.ec2.create_network_acl(VpcId=self.vpc())

    def delete_acl(self) -> None:
        self.ec2.delete_network_acl(NetworkAclId=self.acl()["NetworkAclId"])

    def associate(self) -> None:
        association = self.random.choice(self.acl()["Associations"])["NetworkAclAssociationId"]
        self.ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=self.acl()["NetworkAclId"])

    def tag(self) -> None:
        self.ec2.create_tags(Resources=[self.vpc()], Tags=[{"Key": self.random.choice("ab"), "Value": "ü & <b>"}])

    def untag(self) -> None:
        self.ec2.delete_tags(Resources=[self.vpc()], Tags=[{"Key": self.random.choice("ab")}])

    def create_entry(self) -> None:
        self.ec2.create_network_acl_entry(**self.entry(), **{k: v for k, v in DENY_ALL.items() if k != "Egress"})

    def replace_entry(self) -> None:
        other = {"Protocol": "6", "PortRange": {"From": 1, "To": 99}, "RuleAction": "allow", "CidrBlock": "9.9.9.9/24"}
        self.ec2.replace_network_acl_entry(**self.entry(), **other)

    def delete_entry(self) -> None:
        self.ec2.delete_network_acl_entry(**self.entry())


@pytest.mark.parametrize("seed", range(4))
def test_state_replayed_from_its_journal_is_the_same(aws, ec2, seed):
    player = Player(ec2, seed)
    for _ in range(2):
        player.play(40)
        before = everything(ec2)
        aws.state.restore()
        assert everything(ec2) == before


def test_the_same_state_is_restored_in_every_region_used_or_not(aws, ec2):
    regions = [aws.client("ec2", region) for region in ("us-west-2", "eu-west-1")]
    regions[0].create_vpc(CidrBlock="10.1.0.0/16")
    before = [everything(each) for each in (ec2, *regions)]
    aws.state.restore()
    assert [everything(each) for each in (*regions[::-1], ec2)] == before[::-1][:2] + before[:1]


def test_two_sandboxes_have_different_ids(aws, ec2):
    first = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    aws.state.reset()
    assert ec2.describe_vpcs()["Vpcs"][0]["VpcId"] != first


def test_discarded_state_is_not_kept_in_memory(aws, ec2):
    thrown_away = weakref.ref(aws.state.backend("123456789012", "us-east-1"))
    aws.state.reset()
    gc.collect()
    assert thrown_away() is None


@contextlib.contextmanager
def child(folder: Path) -> Iterator[tuple[subprocess.Popen[str], Any]]:
    """The AWS side in a process of its own, and a client of it."""
    command = [sys.executable, "-m", "tests.sandbox.aws.child", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "."})
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        yield process, client(url, "ec2", "us-east-1", load_keys(folder / "aws-keys.json")["student"])
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_after_a_kill_during_a_write_every_confirmed_write_is_there(tmp_path):
    answered: list[tuple[str, int]] = []
    with child(tmp_path) as (process, ec2):
        vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.7.1.0/24")["Subnet"]["SubnetId"]
        ec2.create_tags(Resources=[vpc], Tags=[{"Key": "labkit:student", "Value": "7"}])
        [association] = default_acl(ec2, vpc)["Associations"]
        with contextlib.suppress(BotoCoreError):
            while len(answered) < 500:
                acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
                for number in range(1, 6):
                    ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=number, **DENY_ALL)
                    answered.append((acl, number))
                    if len(answered) == 38:
                        process.send_signal(signal.SIGKILL)
    assert 38 <= len(answered) < 500
    with child(tmp_path) as (_, ec2):
        acls = {each["NetworkAclId"]: each for each in ec2.describe_network_acls()["NetworkAcls"]}
        there = {(acl, entry["RuleNumber"]) for acl, each in acls.items() for entry in each["Entries"]}
        assert set(answered) <= there
        assert ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Tags"] == [{"Key": "labkit:student", "Value": "7"}]
        assert default_acl(ec2, vpc)["Associations"] == [association]
        assert association["SubnetId"] == subnet
