"""A student's world made of a reading, so that the steps' own checks judge it and nobody is asked again.

The stand-ins answer the calls that checks make, and no other: a check that asked for more would raise AttributeError,
and nothing can be changed through them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, NoReturn, cast

from labkit.backends.backend import Backend
from labkit.classroom.board.reading import AccountSnapshot, Detection, Raw, Student
from labkit.model.access_keys import AccessKeys
from labkit.model.detection.records import Agent, Alert, Ruleset
from labkit.model.detection.rule import Rule
from labkit.model.errors import LabError
from labkit.services.aws import account as aws_account
from labkit.services.detection import api as detection_api
from labkit.services.notes import Notes
from labkit.steps.session import LabSession

KEYS = AccessKeys("", "")
"""Stands for keys that somebody else has: the board knows that they work, not what they are."""


class StudentsWorld(LabSession):
    """The world as one student's own checks would find it. Only what the services show is known: the student's notes
    are not, so the number counts as noted, and every id as looked up."""

    def __init__(self, opened: Backend, student: Student, detection: Detection) -> None:
        super().__init__(replace(opened, student=""))
        number = str(student.number) if student.numbered else ""
        self.notes = SeenNotes(student=number, region=student.account.region)
        self._seen_keys = KEYS if student.keys_used or student.account.fault else None
        self._seen_account = cast("aws_account.Account", SeenAccount(student.account))
        self._seen_detection = cast("detection_api.DetectionApi", SeenDetection(detection))

    @property
    def keys(self) -> AccessKeys | None:
        return self._seen_keys

    def account(self, keys: AccessKeys, region: str) -> aws_account.Account:
        return self._seen_account

    @property
    def detection(self) -> detection_api.DetectionApi:
        return self._seen_detection


class SeenNotes(Notes):
    """Notes that are in no file."""

    def __init__(self, **values: str) -> None:
        self._values = values

    def __repr__(self) -> str:
        return f"<SeenNotes {self._values}>"

    def all(self) -> dict[str, str]:
        return dict(self._values)

    def _write(self, notes: dict[str, str]) -> NoReturn:
        raise TypeError("the board changes nothing")


class SeenAccount:
    """`clients.aws_account.Account` with what was read: its `ec2` and `sts` are all that checks take."""

    def __init__(self, account: AccountSnapshot) -> None:
        self.region = account.region
        self.ec2 = SeenEc2(account)
        self.sts = SeenSts(account)


class SeenSts:
    """The STS client."""

    def __init__(self, account: AccountSnapshot) -> None:
        self._account = account

    def get_caller_identity(self) -> Raw:
        _refuse(self._account.fault)
        caller = self._account.caller
        return {"Account": caller.account, "Arn": caller.arn, "UserId": caller.user_id}


class SeenEc2:
    """The EC2 client. Its filters are those that checks use: `tag:NAME`, `tag-key`, `vpc-id`, `cidr`, `is-default`."""

    def __init__(self, account: AccountSnapshot) -> None:
        self._account = account
        self._lists = {
            "describe_vpcs": ("Vpcs", account.vpcs),
            "describe_network_acls": ("NetworkAcls", account.network_acls),
            "describe_subnets": ("Subnets", account.subnets),
        }
        self.meta = SimpleNamespace(region_name=account.region, endpoint_url="")

    def get_paginator(self, operation: str) -> SimpleNamespace:
        return SimpleNamespace(paginate=lambda **wanted: [self._answer(operation, **wanted)])

    def describe_subnets(self, **wanted: Any) -> Raw:
        return self._answer("describe_subnets", **wanted)

    def _answer(self, operation: str, Filters: Sequence[Raw] = ()) -> Raw:  # noqa: N803 - boto3's own name
        _refuse(self._account.fault)
        noun, things = self._lists[operation]
        return {noun: [thing for thing in things if all(_passes(thing, one) for one in Filters)]}


def _passes(thing: Raw, wanted: Raw) -> bool:
    """Whether a filter of EC2 lets a VPC, network ACL or subnet through.

    >>> _passes({"VpcId": "vpc-1", "IsDefault": False}, {"Name": "is-default", "Values": ["false"]})
    True
    """
    name, values = wanted["Name"], wanted["Values"]
    tags = {tag["Key"]: tag["Value"] for tag in thing.get("Tags", ())}
    if name == "tag-key":
        return not tags.keys().isdisjoint(values)
    if name.startswith("tag:"):
        return tags.get(name.removeprefix("tag:")) in values
    found = {"vpc-id": "VpcId", "cidr": "CidrBlock", "is-default": "IsDefault"}[name]
    value = thing.get(found)
    return (str(value).lower() if isinstance(value, bool) else value) in values


class SeenDetection:
    """`clients.detection_api.DetectionApi` as far as checks ask it."""

    def __init__(self, detection: Detection) -> None:
        self._detection = detection

    def rulesets(self) -> tuple[Ruleset, ...]:
        return self._answered().rulesets

    def rules(self, ruleset_id: str) -> tuple[Rule, ...]:
        return self._answered().rules  # of the base rule set, the only one that checks ask for

    def agents(self, status: str) -> Iterator[Agent]:
        return iter(self._answered().agents)

    def alerts(self, status: str, ruleId: str) -> Iterator[Alert]:  # noqa: N803 - the API's own name
        return (alert for alert in self._answered().alerts if alert.rule_id == ruleId)

    def _answered(self) -> Detection:
        _refuse(self._detection.fault)
        return self._detection


def _refuse(fault: LabError | None) -> None:
    """Raise the fault, if there is one, without the trace of the times it was raised before."""
    if fault is not None:
        raise fault.with_traceback(None)
