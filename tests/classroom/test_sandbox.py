"""A sandbox process for a class: one account per student, TLS, a kill and a restart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from botocore.exceptions import SSLError as BotocoreSSLError

from labkit.classroom.keys import class_keys
from labkit.model.errors import ServiceError, ServiceUnreachable
from labkit.model.network_acl import NetworkAcl
from labkit.model.student import STUDENT_TAG, account_of, rule_name, vpc_name
from labkit.sandbox.classroom import certificate
from labkit.sandbox.detection.seed_data import BASE_RULE_SET_ID
from labkit.services import sandbox_process
from tests.classroom.fixtures import RunningClass, make_vpc, running_class, students_rule
from tests.sandbox.aws.fixtures import DENY_ALL, default_acl, everything, refusal
from tests.wait import PATIENCE_SECONDS

SIZE = 12


@pytest.fixture(scope="module")
def a_class(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningClass]:
    """A class over TLS."""
    with running_class(tmp_path_factory.mktemp("class") / "home", SIZE, tls=True) as running:
        yield running


# --- each in an account of their own ---


def test_each_student_is_a_user_of_an_account_of_their_own(a_class: RunningClass) -> None:
    for student in (1, 7, SIZE):
        who = a_class.aws(student, "sts").get_caller_identity()
        assert who["Account"] == account_of(student)
        assert who["Arn"] == f"arn:aws:iam::{account_of(student)}:user/student{student}"


def test_each_account_starts_with_its_default_vpc_and_the_vpc_of_another_student(a_class: RunningClass) -> None:
    ids = set()
    for student in (1, SIZE):
        vpcs = a_class.aws(student).describe_vpcs()["Vpcs"]
        assert sorted(vpc["IsDefault"] for vpc in vpcs) == [False, True]
        assert {vpc["OwnerId"] for vpc in vpcs} == {account_of(student)}
        (other,) = ({tag["Key"]: tag["Value"] for tag in vpc["Tags"]} for vpc in vpcs if not vpc["IsDefault"])
        assert other[STUDENT_TAG] != str(student)
        assert other["Name"] == vpc_name(int(other[STUDENT_TAG]))
        ids |= {vpc["VpcId"] for vpc in vpcs}
    assert len(ids) == 4


def test_a_student_finds_nothing_of_another_and_changes_none_of_it(a_class: RunningClass) -> None:
    theirs, mine = a_class.aws(8), a_class.aws(7)
    vpc = make_vpc(a_class, 8)
    acl = default_acl(theirs, vpc)["NetworkAclId"]
    theirs.create_network_acl_entry(NetworkAclId=acl, RuleNumber=50, **DENY_ALL)
    before = everything(theirs)
    entry = {"NetworkAclId": acl, "RuleNumber": 50}
    assert refusal(mine.describe_vpcs, VpcIds=[vpc]) == "InvalidVpcID.NotFound"
    assert refusal(mine.describe_network_acls, NetworkAclIds=[acl]) == "InvalidNetworkAclID.NotFound"
    assert refusal(mine.create_network_acl_entry, **entry | {"RuleNumber": 51}, **DENY_ALL) == (
        "InvalidNetworkAclID.NotFound"
    )
    assert refusal(mine.replace_network_acl_entry, **entry, **DENY_ALL) == "InvalidNetworkAclID.NotFound"
    assert refusal(mine.delete_network_acl_entry, **entry, Egress=True) == "InvalidNetworkAclID.NotFound"
    assert refusal(mine.create_subnet, VpcId=vpc, CidrBlock="10.0.1.0/24") == "InvalidVpcID.NotFound"
    assert refusal(mine.create_tags, Resources=[vpc], Tags=[{"Key": "a", "Value": "b"}]) == "InvalidVpcID.NotFound"
    assert refusal(mine.delete_vpc, VpcId=vpc) == "InvalidVpcID.NotFound"
    peer = {"VpcId": mine.describe_vpcs()["Vpcs"][0]["VpcId"], "PeerVpcId": vpc, "PeerOwnerId": account_of(8)}
    assert refusal(mine.create_vpc_peering_connection, **peer) == "UnauthorizedOperation"
    for name, value in (("vpc-id", vpc), ("owner-id", account_of(8)), (f"tag:{STUDENT_TAG}", "8")):
        assert mine.describe_vpcs(Filters=[{"Name": name, "Values": [value]}])["Vpcs"] == []
    assert everything(theirs) == before


def test_no_student_takes_a_role_in_another_account(a_class: RunningClass) -> None:
    sts = a_class.aws(7, "sts")
    role = f"arn:aws:iam::{account_of(8)}:role/any"
    assert refusal(sts.assume_role, RoleArn=role, RoleSessionName="lab") == "AccessDenied"
    key_id = a_class.keys(8).access_key_id
    assert refusal(sts.get_access_key_info, AccessKeyId=key_id) == "AccessDenied"
    assert refusal(a_class.aws(7, "iam").list_users) == "AccessDenied"


def test_a_student_may_create_networks_and_no_instances(a_class: RunningClass) -> None:
    ec2 = a_class.aws(7)
    machines = {"ImageId": "ami-12c6146b", "MinCount": 2, "MaxCount": 2}
    assert refusal(ec2.run_instances, **machines) == "UnauthorizedOperation"
    hosts = {"Quantity": 2, "AvailabilityZone": "us-east-1a", "InstanceType": "t2.micro"}
    assert refusal(ec2.allocate_hosts, **hosts) == "UnauthorizedOperation"
    assert ec2.describe_instances()["Reservations"] == []
    assert ec2.describe_security_groups()["SecurityGroups"]


def test_each_account_has_its_own_quota(a_class: RunningClass) -> None:
    three = a_class.aws(3)
    while len(three.describe_vpcs()["Vpcs"]) < 5:
        three.create_vpc(CidrBlock="10.9.0.0/16")
    assert refusal(three.create_vpc, CidrBlock="10.9.0.0/16") == "VpcLimitExceeded"
    a_class.aws(4).create_vpc(CidrBlock="10.9.0.0/16")


def test_other_regions_are_separate_for_each_student_too(a_class: RunningClass) -> None:
    regions = [a_class.aws(student, region="eu-west-1").describe_vpcs()["Vpcs"] for student in (5, 6)]
    assert [len(vpcs) for vpcs in regions] == [1, 1]
    assert regions[0][0]["VpcId"] != regions[1][0]["VpcId"]


def test_a_student_changes_only_rules_of_their_number(a_class: RunningClass) -> None:
    theirs = a_class.api(8).create_rule(BASE_RULE_SET_ID, students_rule(8))
    api = a_class.api(7)
    mine = api.create_rule(BASE_RULE_SET_ID, students_rule(7))
    for change in (
        lambda: api.update_rule(replace(theirs, enabled=False)),
        lambda: api.update_rule(replace(mine, name=rule_name(8))),
        lambda: api.delete_rule(theirs.ruleset_id, theirs.id),
        lambda: api.create_rule(BASE_RULE_SET_ID, students_rule(77)),
    ):
        with pytest.raises(ServiceError, match="whose names contain 'Student7:'") as refused:
            change()
        assert refused.value.code == "403"
    assert a_class.api(8).rule(theirs.ruleset_id, theirs.id) == theirs


# --- what is the instructor's alone ---


def test_a_students_keys_do_not_sign_for_another_student(a_class: RunningClass) -> None:
    seven, eight = a_class.keys(7), a_class.keys(8)
    mixed = replace(a_class, _clients={})
    mixed.keys = lambda student: replace(seven, secret_access_key=eight.secret_access_key)  # type: ignore[method-assign]
    assert refusal(mixed.aws(7).describe_vpcs) == "AuthFailure"


def test_control_calls_are_unreachable_for_the_class_even_with_the_token(a_class: RunningClass) -> None:
    paths = [f"/_lab/{name}" for name in ("class", "class/keys", "credentials", "health", "events", "alerts", "range")]
    with requests.Session() as session:
        session.trust_env = False
        for path in (*paths, "/moto-api/reset", "/moto-api/data.json"):
            for method in ("GET", "POST"):
                reply = session.request(
                    method,
                    a_class.keys(7).url + path,
                    headers={"X-Lab-Token": a_class.sandbox.token},
                    verify=a_class.certificate,
                    timeout=PATIENCE_SECONDS,
                )
                assert (reply.status_code, reply.text) == (404, "Not found.\n")


@pytest.mark.parametrize("path", ["/_lab/class", "/_lab/class/keys"])
def test_on_this_machine_the_class_is_shown_only_with_the_token(a_class: RunningClass, path: str) -> None:
    for headers in ({}, {"X-Lab-Token": "no"}):
        reply = requests.get(a_class.sandbox.url + path, headers=headers, timeout=PATIENCE_SECONDS)
        assert reply.status_code == 403
        assert "AKIA" not in reply.text


def test_the_instructors_own_account_is_unchanged(a_class: RunningClass) -> None:
    keys = a_class.sandbox.credentials()
    assert set(keys) == {"aws", "detection"}
    status = a_class.sandbox.control("GET", "/_lab/range")
    assert status["fault"] == ""
    subnet_of_a_student = a_class.aws(2).create_subnet(
        VpcId=make_vpc(a_class, 2),
        CidrBlock="10.0.1.0/24",
        TagSpecifications=[{"ResourceType": "subnet", "Tags": [{"Key": "labkit:host", "Value": "udf-host"}]}],
    )["Subnet"]["SubnetId"]
    assert a_class.sandbox.control("GET", "/_lab/range")["subnet_id"] != subnet_of_a_student


def test_one_call_lists_what_every_student_has_as_their_own_calls_would(a_class: RunningClass) -> None:
    ec2 = a_class.aws(9)
    vpc = make_vpc(a_class, 9)
    tag = [{"ResourceType": "subnet", "Tags": [{"Key": "a", "Value": "b"}]}]
    ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", TagSpecifications=tag)
    acl = {"NetworkAclId": default_acl(ec2, vpc)["NetworkAclId"], "Egress": True, "RuleAction": "deny"}
    ec2.create_network_acl_entry(
        RuleNumber=5, Protocol="6", PortRange={"From": 80, "To": 81}, CidrBlock="203.0.113.0/24", **acl
    )
    ec2.create_network_acl_entry(
        RuleNumber=6, Protocol="58", IcmpTypeCode={"Type": 8, "Code": -1}, Ipv6CidrBlock="2001:db8::/32", **acl
    )
    students = {one["number"]: one for one in a_class.sandbox.control("GET", "/_lab/class")["students"]}
    assert list(students) == list(range(1, SIZE + 1))
    told = students[9]["regions"]["us-east-1"]
    asked = {"Vpcs": ec2.describe_vpcs, "NetworkAcls": ec2.describe_network_acls, "Subnets": ec2.describe_subnets}
    for noun, describe in asked.items():
        id_of = {"Vpcs": "VpcId", "NetworkAcls": "NetworkAclId", "Subnets": "SubnetId"}[noun]
        theirs = {one[id_of]: one for one in describe()[noun]}
        assert {one[id_of] for one in told[noun]} == theirs.keys()
        for one in told[noun]:
            full = theirs[one[id_of]]
            if noun == "NetworkAcls":  # sent as the lab's own value, without the ids of its associations
                assert NetworkAcl.from_aws(one) == NetworkAcl.from_aws(full) and one["Tags"] == full["Tags"]
            else:
                assert one == {name: full[name] for name in one}
    assert students[9]["account"] == account_of(9)
    assert students[9]["keys_used"]
    assert students[9]["last_seen_ms"] > 1_700_000_000_000


def test_a_student_who_never_called_was_never_seen(tmp_path: Path) -> None:
    with running_class(tmp_path, 2) as running:
        students = running.sandbox.control("GET", "/_lab/class")["students"]
        assert [(one["last_seen_ms"], one["keys_used"]) for one in students] == [(None, False)] * 2
        running.api(2).rulesets()
        students = running.sandbox.control("GET", "/_lab/class")["students"]
        assert [one["keys_used"] for one in students] == [False, True]


def test_a_sandbox_without_a_class_reports_an_empty_one(lab_home: Path) -> None:
    sandbox = sandbox_process.find(lab_home)
    assert sandbox is not None
    assert sandbox.control("GET", "/_lab/class") == {"students": []}
    assert sandbox.control("GET", "/_lab/class/keys")["students"] == []


# --- TLS ---


def test_the_aws_cli_reaches_the_class_and_refuses_another_certificate(a_class: RunningClass, tmp_path: Path) -> None:
    keys = a_class.keys(7)
    certificate.make(tmp_path / "other.pem", tmp_path / "key.pem", ["127.0.0.1"])

    def aws_cli(trusted: str) -> subprocess.CompletedProcess[str]:
        own = {"AWS_ENDPOINT_URL": keys.url, "AWS_ACCESS_KEY_ID": keys.access_key_id, "AWS_CA_BUNDLE": trusted}
        own |= {"AWS_SECRET_ACCESS_KEY": keys.secret_access_key, "AWS_REGION": "us-east-1", "AWS_MAX_ATTEMPTS": "1"}
        command = [str(Path(sys.executable).parent / "aws"), "sts", "get-caller-identity", "--output", "json"]
        return subprocess.run(command, env=os.environ | own, capture_output=True, text=True, check=False)

    right, wrong = aws_cli(a_class.certificate), aws_cli(str(tmp_path / "other.pem"))
    assert json.loads(right.stdout)["Account"] == account_of(7)
    assert wrong.returncode != 0
    assert "SSL validation failed" in wrong.stderr


def test_boto3_and_the_detection_client_refuse_another_certificate(a_class: RunningClass, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    certificate.make(other, tmp_path / "key.pem", ["127.0.0.1"])
    with pytest.raises(BotocoreSSLError):
        a_class.aws(7, verify=str(other)).describe_vpcs()
    with pytest.raises(ServiceUnreachable, match="certificate that the lab does not trust"):
        replace(a_class, certificate=str(other)).api(7).rulesets()
    a_class.api(7).rulesets()


def test_no_secret_of_a_student_is_in_the_log_or_in_a_file_for_others(a_class: RunningClass) -> None:
    secrets = [one.secret_access_key.encode() for one in class_keys(a_class.sandbox)]
    secrets += [one.api_key.encode() for one in class_keys(a_class.sandbox)]
    for path in a_class.home.rglob("*"):
        if path.is_file() and any(secret in path.read_bytes() for secret in secrets):
            assert path.stat().st_mode & 0o077 == 0
            assert path.name != "sandbox.log"
