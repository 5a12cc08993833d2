"""The sandbox's AWS side behind a real port of this machine, and boto3 clients for it.

moto's state is one per process, so there is one server a test session; each test that asks for `ec2` gets a new world.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from labkit.model.access_keys import AccessKeys
from labkit.sandbox.aws.app import AwsApp
from labkit.sandbox.aws.keys import READER, load_keys
from labkit.sandbox.aws.state import MotoState
from labkit.services.aws.account import Account
from tests.serving import serving
from tests.wait import PATIENCE_SECONDS

DENY_ALL = {"Protocol": "-1", "RuleAction": "deny", "CidrBlock": "203.0.113.0/24", "Egress": True}


@dataclass
class Aws:
    app: AwsApp
    url: str
    folder: Path
    changes: list[tuple[str, str]]
    _clients: dict[tuple[str, str, AccessKeys], Any] = field(default_factory=dict)

    def client(self, service: str, region: str = "us-east-1", keys: AccessKeys | None = None) -> Any:
        keys = keys or self.app.keys
        name = (service, region, keys)
        if name not in self._clients:
            self._clients[name] = client(self.url, service, region, keys)
        return self._clients[name]

    @property
    def reader_keys(self) -> AccessKeys:
        return load_keys(self.folder / "aws-keys.json")[READER]

    @property
    def state(self) -> MotoState:
        assert self.app._requests is not None
        return self.app._requests.state


def client(url: str, service: str, region: str, keys: AccessKeys) -> Any:
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=region,
        config=Config(retries={"max_attempts": 0}, connect_timeout=5, read_timeout=PATIENCE_SECONDS),
        **{f"aws_{name}": value for name, value in keys.to_dict().items()},
    )


def refusal(call: Callable[..., Any], **parameters: Any) -> str:
    """The error code that a call is refused with."""
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    assert refused.value.response["Error"]["Message"]
    return refused.value.response["Error"]["Code"]


def default_acl(ec2: Any, vpc_id: str) -> dict[str, Any]:
    filters = [{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "default", "Values": ["true"]}]
    [acl] = ec2.describe_network_acls(Filters=filters)["NetworkAcls"]
    return acl


def everything(ec2: Any) -> dict[str, Any]:
    """All that the lab can see of a region."""
    return {
        "vpcs": ec2.describe_vpcs()["Vpcs"],
        "subnets": ec2.describe_subnets()["Subnets"],
        "acls": ec2.describe_network_acls()["NetworkAcls"],
        "tags": sorted(ec2.describe_tags()["Tags"], key=lambda tag: (tag["ResourceId"], tag["Key"])),
        "groups": ec2.describe_security_groups()["SecurityGroups"],
        "route tables": ec2.describe_route_tables()["RouteTables"],
    }


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    folder = tmp_path_factory.mktemp("world")
    changes: list[tuple[str, str]] = []
    app = AwsApp(folder, lambda account, region: changes.append((account, region)))
    app.warm()
    with serving(app) as url:
        yield Aws(app, url, folder, changes)
    app.close()


@pytest.fixture
def account(aws: Aws) -> Account:
    """The student's account, in a region of a new world where nothing is but the default VPC."""
    aws.state.reset()
    return Account(aws.app.keys, "eu-west-1", aws.url)


@pytest.fixture
def ec2(aws: Aws) -> Any:
    """EC2 in a world that nobody has touched."""
    aws.state.reset()
    aws.changes.clear()
    return aws.client("ec2")


@pytest.fixture
def vpc(ec2: Any) -> str:
    return ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]


@pytest.fixture
def acl(ec2: Any, vpc: str) -> str:
    """The default network ACL of a new VPC."""
    return default_acl(ec2, vpc)["NetworkAclId"]
