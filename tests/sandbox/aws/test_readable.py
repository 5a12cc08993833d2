"""No accepted change may make a later read fail: random parameters for every call that changes something."""

from __future__ import annotations

import random
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.core.utils import camelcase_to_underscores

from labkit.sandbox.aws.actions import CHANGES, OF_STUDENT, READS
from labkit.sandbox.aws.folding import Change
from labkit.sandbox.aws.strict.ec2 import StrictEC2Response
from tests.sandbox.aws.fixtures import everything, refusal

TEXTS = [
    "", " ", "default", "x" * 300,
    "ü & <b>\x00", "0.0.0.0/0", "10.0.0.0/16", "10.7.3.0/24", "10.7.3.0/28", "10.9.0.0/8",
    "::/0", "2001:db8::/56", "2600:1f14::/64", "-1", "6", "aws:x", "AmazonProvidedIPv6", "us-east-1a", "vpc", "subnet",
    "network-acl", "tcp", "allow", "deny", "true", "None", "1e400",
]  # fmt: skip


class Fuzzer:
    """Makes parameters as the model of the API has them, with values that a client lets through."""

    def __init__(self, ec2: Any, seed: int) -> None:
        self._ec2, self._random = ec2, random.Random(seed)
        self.ids: list[str] = []

    def look(self) -> None:
        """Learn what exists now."""
        seen = str({key: value for key, value in everything(self._ec2).items() if key != "tags"})
        seen += str(self._ec2.describe_internet_gateways()["InternetGateways"])
        known = ("vpc-", "subnet-", "acl-", "sg-", "igw-", "rtb-", "aclassoc-", "dopt-")
        self.ids = sorted({word for word in seen.split("'") if word.startswith(known)})

    def parameters(self, action: str) -> dict[str, Any]:
        shape = self._ec2.meta.service_model.operation_model(action).input_shape
        return self._structure(shape, 0)

    def _structure(self, shape: Any, depth: int) -> dict[str, Any]:
        likely = {"CidrBlock", "Key", "Value", "ResourceType", "From", "To"}
        return {
            name: self._value(name, member, depth + 1)
            for name, member in shape.members.items()
            if name != "DryRun"
            and (name in shape.required_members or self._random.random() < (0.9 if name in likely else 0.3))
        }

    def _value(self, name: str, shape: Any, depth: int) -> Any:
        chance = self._random
        if shape.type_name == "structure":
            return self._structure(shape, depth)
        if shape.type_name == "list":
            return [
                self._value(name, shape.member, depth + 1) for _ in range(chance.randrange(0 if depth > 3 else 1, 3))
            ]
        if shape.type_name == "boolean":
            return chance.random() < 0.5
        if shape.type_name in ("integer", "long"):
            return chance.choice([-1, 0, 1, 24, 50, 100, 32766, 32767, 2**31 - 1])
        if name.endswith(("Id", "Ids", "Resources")) and self.ids and chance.random() < 0.9:
            kind = name.removesuffix("s").removesuffix("Id").lower()
            prefixes = {"networkacl": "acl-", "internetgateway": "igw-", "group": "sg-", "association": "aclassoc-"}
            fitting = [one for one in self.ids if one.startswith(prefixes.get(kind, f"{kind}-"))]
            return chance.choice(fitting or self.ids)
        if getattr(shape, "enum", None) and chance.random() < 0.8:
            return chance.choice(shape.enum)
        return chance.choice(TEXTS)


def request(ec2: Any, action: str, **parameters: Any) -> Any:
    return getattr(ec2, camelcase_to_underscores(action))(**parameters)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_a_change_was_given_everything_can_be_read_and_comes_back(aws, ec2, seed):
    fuzzer, accepted = Fuzzer(ec2, seed), 0
    for number in range(100):
        if number % 15 == 0:
            fuzzer.look()
        action = fuzzer._random.choice(CHANGES)
        try:
            request(ec2, action, **fuzzer.parameters(action))
        except ClientError as refused:
            if refused.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
                raise
            continue
        accepted += 1
        for read in sorted({*READS} - {"DescribeVpcAttribute"}):
            request(ec2, read)
        for vpc in ec2.describe_vpcs()["Vpcs"]:
            ec2.describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute="enableDnsSupport")
    assert accepted > 10
    before = everything(ec2)
    aws.state.restore()
    assert everything(ec2) == before


def test_a_change_after_which_the_account_cannot_be_read_is_taken_back(aws, ec2, monkeypatch):
    def spoil(response: StrictEC2Response) -> Any:
        next(iter(response.ec2_backend.vpcs.values())).cidr_block_association_set = {"x": None}
        return {}, "<done/>"

    before = everything(ec2)
    with monkeypatch.context() as patched:
        patched.setattr(StrictEC2Response, "create_default_vpc", spoil)
        patched.setattr(StrictEC2Response, "check_create_default_vpc", lambda _: None)
        assert refusal(ec2.create_default_vpc) == "InternalError"
    assert everything(ec2) == before


def test_a_journal_with_a_change_that_the_sandbox_no_longer_offers_can_be_read(aws, ec2, vpc, caplog):
    before = everything(ec2)
    with aws.state._writing:
        params = {"VpcId": vpc}
        aws.state._open().append(Change(99, "123456789012", "us-east-1", "AssociateVpcCidrBlock", params))
    aws.state.restore()
    assert everything(ec2) == before
    assert "AssociateVpcCidrBlock (99) is not replayed" in caplog.text


def test_a_policy_is_a_list_and_every_call_on_it_exists(ec2):
    assert not [action for action in OF_STUDENT if "*" in action]
    assert {*READS, *CHANGES} <= set(ec2.meta.service_model.operation_names)
