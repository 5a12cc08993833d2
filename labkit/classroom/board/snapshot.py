"""What the services contain at one moment, and the students found there.

Without a class all students share one AWS account: a student is found once a VPC's tag or a rule's name has their
number. In a class each student has an account and is listed from the start; any call with their keys counts as use.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from labkit.model.detection.records import Agent, Alert, Ruleset
from labkit.model.detection.rule import Rule
from labkit.model.errors import LabError
from labkit.model.settings import DEFAULT_REGION
from labkit.model.student import LAST_STUDENT, students_in, user_of
from labkit.model.vpc import Vpc
from labkit.services.aws.account import CallerIdentity

Raw = Mapping[str, Any]

NUMBER_IN_RULE_NAME = re.compile(r"selfprotect:student([1-9][0-9]{0,2}):")
"""In a rule's name without spaces and in lower case: an almost correct name still shows whose rule it is."""

STUDENTS = range(1, LAST_STUDENT + 1)
"""The sandbox's invented other student is beyond it and gets no row."""

NOBODY = CallerIdentity("", "", "")


@dataclass(frozen=True)
class AccountSnapshot:
    """What one AWS account contains in one region, in boto3's form. caller: whose account it is.

    error: why it could not be read; None when it was.
    """

    region: str
    caller: CallerIdentity = NOBODY
    vpcs: tuple[Raw, ...] = ()
    network_acls: tuple[Raw, ...] = ()
    subnets: tuple[Raw, ...] = ()
    error: LabError | None = None


@dataclass(frozen=True)
class DetectionSnapshot:
    """What the detection service contains. rules: of the base rule set. alerts: the active ones, newest first.

    error: why it could not be read; None when it was.
    """

    rulesets: tuple[Ruleset, ...] = ()
    rules: tuple[Rule, ...] = ()
    alerts: tuple[Alert, ...] = ()
    agents: tuple[Agent, ...] = ()
    error: LabError | None = None


@dataclass(frozen=True)
class Student:
    """A student as the services show them. keys_used: whether something shows that the student's keys work.
    has_number: whether something has the student's number. last_seen: the last activity; None if unknown.
    """

    number: int
    account: AccountSnapshot
    keys_used: bool
    has_number: bool = True
    last_seen: datetime | None = None


@dataclass(frozen=True)
class ClassSnapshot:
    """Everything that one board is made of. at: when reading began."""

    at: datetime
    students: tuple[Student, ...]
    detection: DetectionSnapshot


def students_of_one_account(account: AccountSnapshot, detection: DetectionSnapshot) -> tuple[Student, ...]:
    """The students whose number is in a VPC's tag or a rule's name, by number.

    A VPC with their number shows that their keys work; in a shared account nothing shows it earlier.
    """
    with_vpc = {number for vpc in account.vpcs if (number := Vpc.from_aws(vpc).student or 0) in STUDENTS}
    seen = last_seen(detection)
    numbers = sorted(with_vpc | numbers_in(detection))
    return tuple(Student(number, account, number in with_vpc, True, seen.get(number)) for number in numbers)


def students_of_a_class(listed: Iterable[Raw], detection: DetectionSnapshot) -> tuple[Student, ...]:
    """The students of a class, from the sandbox's `GET /_lab/class`, by number."""
    seen, with_rule = last_seen(detection), numbers_in(detection)
    return tuple(_student_of_a_class(one, one["number"] in with_rule, seen.get(one["number"])) for one in listed)


def _student_of_a_class(listed: Raw, with_rule: bool, changed: datetime | None) -> Student:
    number, regions = int(listed["number"]), listed["regions"]
    with_vpc = [name for name, contents in regions.items() if _has_vpc_of(number, contents)]
    region = with_vpc[0] if with_vpc and DEFAULT_REGION not in with_vpc else DEFAULT_REGION
    keys_used = bool(listed["keys_used"] or with_vpc)
    called = listed["last_seen_ms"] and datetime.fromtimestamp(listed["last_seen_ms"] / 1000, UTC)
    seen = max(filter(None, (called, changed)), default=None)
    return Student(number, _account(listed, region), keys_used, keys_used or with_rule, seen)


def _has_vpc_of(number: int, contents: Raw) -> bool:
    return any(Vpc.from_aws(vpc).student == number for vpc in contents["Vpcs"])


def _account(listed: Raw, region: str) -> AccountSnapshot:
    """A student's account in the region that they work in."""
    account, contents = listed["account"], listed["regions"].get(region, {})
    return AccountSnapshot(
        region,
        CallerIdentity(account, f"arn:aws:iam::{account}:user/{user_of(listed['number'])}", ""),
        tuple(contents.get("Vpcs", ())),
        tuple(contents.get("NetworkAcls", ())),
        tuple(contents.get("Subnets", ())),
    )


def numbers_in(detection: DetectionSnapshot) -> set[int]:
    """The students whose number is in a rule's name."""
    return {number for rule in detection.rules if (number := number_of(rule)) is not None}


def number_of(rule: Rule) -> int | None:
    """The number of the student whose rule it is, by its name; None if it is no student's.

    Also None for a name that is almost one student's but has the number of another, who may create it in a class.

    >>> number_of(Rule("Self Protect: Student 7: Network", "", "", (), ""))
    7
    """
    return _number_in(rule.name)


@lru_cache(maxsize=1024)
def _number_in(name: str) -> int | None:
    found = NUMBER_IN_RULE_NAME.match("".join(name.split()).casefold())
    number, named = int(found[1]) if found else None, students_in(name)
    return number if number in named or not named else None


def last_seen(detection: DetectionSnapshot) -> dict[int, datetime]:
    """When each student's rule last changed or raised an active alert. AWS records no time for VPCs and entries."""
    whose = {rule.id: number for rule in detection.rules if (number := number_of(rule)) is not None}
    times = [(whose[rule.id], rule.updated_at or rule.created_at) for rule in detection.rules if rule.id in whose]
    times += [(whose[alert.rule_id], alert.created_at) for alert in detection.alerts if alert.rule_id in whose]
    return _latest((number, time) for number, text in times if (time := _time(text)) is not None)


def _latest(times: Iterable[tuple[int, datetime]]) -> dict[int, datetime]:
    latest: dict[int, datetime] = {}
    for number, time in times:
        latest[number] = max(time, latest.get(number, time))
    return latest


def _time(text: str) -> datetime | None:
    """A time of the API; None for any other text."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None
