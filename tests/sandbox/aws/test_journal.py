"""State outlives its process: every confirmed change is restored with the same ids."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import random
import signal
import stat
import subprocess
import sys
import weakref
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from labkit.sandbox.aws.folding import Change, folded
from labkit.sandbox.aws.journal import Journal, damaged_copies
from labkit.sandbox.aws.keys import load_keys
from tests.sandbox.aws.fixtures import DENY_ALL, client, default_acl, everything, refusal

ENTRY = {"NetworkAclId": "acl-1", "Egress": True, "RuleNumber": 50}


def change(n: int, action: str, **params: Any) -> Change:
    return Change(n, "123456789012", "us-east-1", action, params)


def journal_of(aws) -> Path:
    return aws.folder / "aws-journal.ndjson"


def actions_in(path: Path) -> list[str]:
    return [json.loads(line)["action"] for line in path.read_text().splitlines()[1:]]


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


def test_the_journal_has_only_successful_changes_and_no_secret(aws, ec2, acl):
    ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=50, **DENY_ALL)
    for request in ({"RuleNumber": 50}, {"RuleNumber": 0}, {"RuleNumber": 51, "DryRun": True}):
        refusal(ec2.create_network_acl_entry, NetworkAclId=acl, **request, **DENY_ALL)
    ec2.describe_network_acls()
    aws.client("sts").get_caller_identity()
    text = journal_of(aws).read_text()
    assert actions_in(journal_of(aws)) == ["CreateVpc", "CreateVpc", "CreateNetworkAclEntry"]
    for secret in (aws.app.keys.secret_access_key, aws.app.keys.access_key_id, "AWS4-HMAC", "Signature"):
        assert secret not in text
    assert stat.S_IMODE(journal_of(aws).stat().st_mode) == 0o600


def test_an_incomplete_last_line_is_dropped_and_writing_continues(aws, ec2, acl):
    ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=50, **DENY_ALL)
    before = everything(ec2)
    with journal_of(aws).open("ab") as file:
        file.write(b'{"n":9,"account":"123456789012","region":"us-east-1","act')
    aws.state.restore()
    assert everything(ec2) == before
    ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=60, **DENY_ALL)
    before = everything(ec2)
    aws.state.restore()
    assert everything(ec2) == before


@pytest.mark.parametrize("damage", [b'"CreateV', b'"CreateVpc', b"\xff\xfe", b"null,", b"[" * 100_000])
def test_the_changes_before_a_damaged_line_are_kept_and_the_rest_is_set_aside(aws, ec2, vpc, caplog, damage):
    before = everything(ec2)
    ec2.create_vpc(CidrBlock="10.8.0.0/16")
    content = journal_of(aws).read_bytes()
    lines = content.splitlines(keepends=True)
    damaged = b"".join([*lines[:-1], lines[-1].replace(b'"CreateVpc"', damage), *lines[-1:]])
    for copies in (1, 2):  # a second time damages no earlier copy
        journal_of(aws).write_bytes(damaged)
        aws.state.restore()
        assert everything(ec2) == before
        assert [copy.read_bytes() for copy in damaged_copies(journal_of(aws))] == [damaged] * copies
    assert "line 4 of the journal is damaged" in caplog.text
    for copy in damaged_copies(journal_of(aws)):
        copy.unlink()


def test_a_journal_without_its_first_line_is_set_aside_and_new_state_begins(aws, ec2, vpc):
    content = journal_of(aws).read_bytes().partition(b"\n")[2]
    journal_of(aws).write_bytes(content)
    aws.state.restore()
    assert len(ec2.describe_vpcs()["Vpcs"]) == 2
    [copy] = damaged_copies(journal_of(aws))
    assert copy.read_bytes() == content
    copy.unlink()


def test_a_change_that_no_longer_applies_does_not_affect_the_others(aws, ec2, acl, caplog):
    ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=50, **DENY_ALL)
    lines = journal_of(aws).read_text().splitlines(keepends=True)
    gone = lines[-1].replace(acl, "acl-0123456789abcdef0").replace('"n":', '"n":1000')
    before = everything(ec2)
    journal_of(aws).write_text("".join([*lines[:-1], gone, lines[-1]]))
    aws.state.restore()
    assert everything(ec2) == before
    assert "1 of 4 changes" in caplog.text


def test_a_journal_that_cannot_be_written_refuses_the_change(aws, ec2, acl, monkeypatch):
    def full(*_: Any) -> None:
        raise OSError("no space left on device")

    before = everything(ec2)
    with monkeypatch.context() as patched:
        patched.setattr(Journal, "append", full)
        assert refusal(ec2.create_network_acl_entry, NetworkAclId=acl, RuleNumber=50, **DENY_ALL) == "InternalError"
    assert everything(ec2) == before


def test_created_and_deleted_entries_leave_no_record_at_the_next_start(aws, ec2, vpc, acl):
    for _ in range(5):
        ec2.create_network_acl_entry(NetworkAclId=acl, RuleNumber=50, **DENY_ALL)
        ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=50, Egress=True)
    ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=100, Egress=True)
    custom = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    ec2.create_network_acl_entry(NetworkAclId=custom, RuleNumber=50, **DENY_ALL)
    ec2.delete_network_acl(NetworkAclId=custom)
    before = everything(ec2)
    aws.state.restore()
    assert everything(ec2) == before
    assert actions_in(journal_of(aws)) == ["CreateVpc", "CreateVpc", "DeleteNetworkAclEntry"]
    assert stat.S_IMODE(journal_of(aws).stat().st_mode) == 0o600


def test_the_journal_stays_short_however_often_things_come_and_go(aws, ec2, vpc, monkeypatch):
    monkeypatch.setattr("labkit.sandbox.aws.state.MOST_CHANGES", 20)
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.7.1.0/24")["Subnet"]["SubnetId"]
    acls = [default_acl(ec2, vpc)["NetworkAclId"], ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]]
    for n in range(12):
        other = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
        ec2.create_subnet(VpcId=other, CidrBlock="10.8.1.0/24")
        ec2.create_tags(Resources=[vpc, other], Tags=[{"Key": f"k{n}", "Value": "v"}])
        ec2.delete_tags(Resources=[vpc], Tags=[{"Key": f"k{n}"}])
        ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": bool(n % 2)})
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        [found] = [
            each for each in ec2.describe_network_acls(NetworkAclIds=acls)["NetworkAcls"] if each["Associations"]
        ]
        association = found["Associations"][0]["NetworkAclAssociationId"]
        ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=acls[(n + 1) % 2])
        for each in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [other]}])["Subnets"]:
            ec2.delete_subnet(SubnetId=each["SubnetId"])
        ec2.delete_vpc(VpcId=other)
    assert len(actions_in(journal_of(aws))) <= 21
    before = everything(ec2)
    aws.state.restore()
    assert everything(ec2) == before
    assert ec2.describe_subnets(SubnetIds=[subnet])["Subnets"]


def test_compacting_keeps_the_deletion_of_an_entry_that_aws_created():
    changes = [
        change(1, "ReplaceNetworkAclEntry", **ENTRY),
        change(2, "DeleteNetworkAclEntry", **ENTRY),
        change(3, "CreateNetworkAclEntry", **ENTRY),
        change(4, "DeleteNetworkAclEntry", **ENTRY),
        change(5, "CreateNetworkAclEntry", **{**ENTRY, "Egress": False}),
    ]
    assert [each.n for each in folded(changes, {"acl-1"})] == [2, 5]
    assert folded(changes, set()) == []


def test_parameters_of_types_outside_json_are_restored(tmp_path):
    journal = Journal.begin(tmp_path / "journal", "5.2.5", "seed", [])
    params: dict[str, Any] = {
        "PublicKeyMaterial": b"\x00\xff",
        "ValidUntil": datetime(2026, 11, 24, 12, 30),
        "Names": ["ü"],
    }
    journal.append(change(1, "ImportKeyPair", **params))
    journal.close()
    again = Journal.open(tmp_path / "journal", "5.2.5")
    assert again is not None
    assert again.changes == [change(1, "ImportKeyPair", **params)]
    assert again.seed == journal.seed
    again.close()


@contextlib.contextmanager
def child(folder: Path) -> Iterator[tuple[subprocess.Popen[str], Any]]:
    """The AWS side in a process of its own, and a client of it."""
    command = [sys.executable, "-m", "tests.sandbox.aws.child", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "."})
    assert process.stdout is not None
    try:
        url = f"http://127.0.0.1:{int(process.stdout.readline())}"
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
