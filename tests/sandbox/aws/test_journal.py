"""The file of the sandbox's changes: what is in it, what of it is left out later, and what is kept of a damaged one."""

from __future__ import annotations

import json
import stat
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from labkit.sandbox.aws.folding import Change, folded
from labkit.sandbox.aws.journal import Journal, damaged_copies
from tests.sandbox.aws.fixtures import DENY_ALL, default_acl, everything, refusal

ENTRY = {"NetworkAclId": "acl-1", "Egress": True, "RuleNumber": 50}


def change(n: int, action: str, **params: Any) -> Change:
    return Change(n, "123456789012", "us-east-1", action, params)


def journal_of(aws) -> Path:
    return aws.folder / "aws-journal.ndjson"


def actions_in(path: Path) -> list[str]:
    return [json.loads(line)["action"] for line in path.read_text().splitlines()[1:]]


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
