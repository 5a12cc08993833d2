"""A VPC as a value, whose it is, and how much of the region's quota is used."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from labkit.model.network_acl import VPC_QUOTA
from labkit.model.student import STUDENT_TAG

LAB_CIDR_BLOCK = "10.0.0.0/16"
"""The block that the original lab gives every student's VPC."""

HOST_TAG = "labkit:host"
"""Marks the subnet that the lab's host lives in; its value is the host's name."""

HOST_NAME, HOST_SUBNET_CIDR_BLOCK, HOST_ADDRESS = "udf-host", "10.0.1.0/24", "10.0.1.10"


@dataclass(frozen=True)
class Vpc:
    """A VPC of one region; `raw` is the reply it was read from."""

    id: str
    cidr_block: str
    is_default: bool
    tags: Mapping[str, str] = field(default_factory=dict, compare=False)
    raw: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def from_aws(cls, response: Mapping[str, Any]) -> Vpc:
        """One element of `Vpcs`, or the `Vpc` of CreateVpc.

        >>> print(Vpc.from_aws({"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16", "IsDefault": False,
        ...                     "Tags": [{"Key": "labkit:student", "Value": "7"}]}))
        vpc-1 (10.0.0.0/16, of student 7)
        """
        return cls(
            id=response["VpcId"],
            cidr_block=response["CidrBlock"],
            is_default=bool(response.get("IsDefault")),
            tags={tag["Key"]: tag["Value"] for tag in response.get("Tags", ())},
            raw=response,
        )

    @property
    def name(self) -> str:
        """Its `Name` tag; empty when it has none."""
        return self.tags.get("Name", "")

    @property
    def student(self) -> int | None:
        """The number of the student whose VPC it is; None if it is no student's."""
        number = self.tags.get(STUDENT_TAG, "")
        return int(number) if re.fullmatch(r"[0-9]{1,9}", number) else None

    @property
    def is_untagged(self) -> bool:
        """Whether nothing says whose it is, as the AWS CLI makes a VPC: it has no tag and is not the default one."""
        return not self.tags and not self.is_default

    @property
    def whose(self) -> str:
        """Whose it is, in words: `student 7`, `the account` for the default VPC, else its name or `nobody known`."""
        if self.student is not None:
            return f"student {self.student}"
        return "the account" if self.is_default else self.name or "nobody known"

    def __str__(self) -> str:
        if self.is_default:
            return f"{self.id} ({self.cidr_block}, the default VPC)"
        if self.student is not None:
            return f"{self.id} ({self.cidr_block}, of student {self.student})"
        return f"{self.id} ({self.cidr_block}, {self.name or 'without a name'})"


def vpc_quota_sentence(vpcs: Sequence[Vpc], region: str) -> str:
    """How much of the region's VPC quota is used, and by which VPCs, so that leftovers are noticed early.

    >>> vpc_quota_sentence([Vpc("vpc-1", "172.31.0.0/16", True)], "us-east-1")
    '1 of 5 VPCs used in us-east-1: vpc-1 (172.31.0.0/16, the default VPC).'
    """
    listed = ": " + ", ".join(str(vpc) for vpc in vpcs) if vpcs else ""
    return f"{len(vpcs)} of {VPC_QUOTA} VPCs used in {region}{listed}."


def untagged_sentence(vpcs: Sequence[Vpc], elsewhere: str = "") -> str:
    """What to say of VPCs that may be the student's, since the AWS CLI makes them without a tag; "" for none.

    elsewhere: their region, if it is not the one in use.

    >>> untagged_sentence([Vpc("vpc-1", "10.0.0.0/16", False)])
    'Without a tag: vpc-1 (10.0.0.0/16, without a name). If you made it, tick it in the form of `lab.clean_up()`.'
    """
    if not vpcs:
        return ""
    where = f" in {elsewhere}" if elsewhere else ""
    first = f"choose that region, `lab.enter_aws_keys(region='{elsewhere}')`, and " if elsewhere else ""
    listed = ", ".join(map(str, vpcs))
    return f"Without a tag{where}: {listed}. If you made it, {first}tick it in the form of `lab.clean_up()`."
