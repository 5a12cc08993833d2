"""One student's lab session made of a snapshot, so that the steps' own checks decide and no call is made.

The clients answer the calls that checks make and no others: any other call raises AttributeError, so nothing can be
changed through them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

from labkit.backends.backend import Backend
from labkit.classroom.board.snapshot import AccountSnapshot, DetectionSnapshot, Raw, Student
from labkit.model.access_keys import AccessKeys
from labkit.model.detection.records import Agent, Alert, Ruleset
from labkit.model.detection.rule import Rule
from labkit.model.errors import LabError
from labkit.services.aws.account import Account
from labkit.services.detection.api import DetectionApi
from labkit.services.notes import NotesInMemory
from labkit.steps.session import LabSession

UNKNOWN_KEYS = AccessKeys("", "")
"""A student's own keys: the board knows that they work, not what they are."""


class SnapshotSession(LabSession):
    """What a student's own checks would find, as far as the services show it.

    The student's notes are not known: the number counts as noted, and which ids were chosen cannot be seen. Nor can the
    programs of the student's machine.
    """

    sees_programs = False
    sees_notes = False

    def __init__(self, backend: Backend, student: Student, detection: DetectionSnapshot) -> None:
        number = {"student": student.number} if student.has_number else {}
        notes = NotesInMemory(region=student.account.region, **number)
        super().__init__(replace(backend, student=""), notes)
        self._known_keys = UNKNOWN_KEYS if student.keys_used or student.account.error else None
        client = AwsSnapshotClient(student.account)
        account = SimpleNamespace(region=student.account.region, ec2=client, sts=client)
        self._account_snapshot = cast("Account", account)
        self._detection_snapshot = cast("DetectionApi", DetectionSnapshotClient(detection))

    @property
    def first_number(self) -> int:
        return 1  # it is the student's own session

    @property
    def keys(self) -> AccessKeys | None:
        return self._known_keys

    def account(self, keys: AccessKeys, region: str) -> Account:
        return self._account_snapshot

    @property
    def detection(self) -> DetectionApi:
        return self._detection_snapshot


class AwsSnapshotClient:
    """The EC2 and STS clients of boto3. Filters: `tag:NAME`, `tag-key`, `vpc-id`, `cidr`, `is-default`."""

    def __init__(self, account: AccountSnapshot) -> None:
        self._account = account
        self._lists = {
            "describe_vpcs": ("Vpcs", account.vpcs),
            "describe_network_acls": ("NetworkAcls", account.network_acls),
            "describe_subnets": ("Subnets", account.subnets),
        }
        self.meta = SimpleNamespace(region_name=account.region, endpoint_url="")

    def get_caller_identity(self) -> Raw:
        _raise(self._account.error)
        caller = self._account.caller
        return {"Account": caller.account, "Arn": caller.arn, "UserId": caller.user_id}

    def get_paginator(self, operation: str) -> SimpleNamespace:
        return SimpleNamespace(paginate=lambda **arguments: [self._answer(operation, **arguments)])

    def describe_subnets(self, **arguments: Any) -> Raw:
        return self._answer("describe_subnets", **arguments)

    def _answer(self, operation: str, Filters: Sequence[Raw] = ()) -> Raw:  # noqa: N803 - boto3's own name
        _raise(self._account.error)
        noun, items = self._lists[operation]
        return {noun: [item for item in items if all(_matches(item, one) for one in Filters)]}


def _matches(item: Raw, wanted: Raw) -> bool:
    """Whether a VPC, network ACL or subnet matches a filter of EC2.

    >>> _matches({"VpcId": "vpc-1", "IsDefault": False}, {"Name": "is-default", "Values": ["false"]})
    True
    """
    name, values = wanted["Name"], wanted["Values"]
    tags = {tag["Key"]: tag["Value"] for tag in item.get("Tags", ())}
    if name == "tag-key":
        return not tags.keys().isdisjoint(values)
    if name.startswith("tag:"):
        return tags.get(name.removeprefix("tag:")) in values
    value = item.get({"vpc-id": "VpcId", "cidr": "CidrBlock", "is-default": "IsDefault"}[name])
    return (str(value).lower() if isinstance(value, bool) else value) in values


class DetectionSnapshotClient:
    """`DetectionApi`, as far as checks use it."""

    def __init__(self, detection: DetectionSnapshot) -> None:
        self._detection = detection

    def rulesets(self) -> tuple[Ruleset, ...]:
        return self._read().rulesets

    def rules(self, ruleset_id: str) -> tuple[Rule, ...]:
        return self._read().rules  # of the base rule set, the only one that checks ask for

    def agents(self, status: str) -> Iterator[Agent]:
        return iter(self._read().agents)

    def alerts(self, status: str, ruleId: str) -> Iterator[Alert]:  # noqa: N803 - the API's own name
        return (alert for alert in self._read().alerts if alert.rule_id == ruleId)

    def _read(self) -> DetectionSnapshot:
        _raise(self._detection.error)
        return self._detection


def _raise(error: LabError | None) -> None:
    """Raise the error, if there is one, without the tracebacks of earlier times."""
    if error is not None:
        raise error.with_traceback(None)
