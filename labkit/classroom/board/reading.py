"""What the services hold at one moment, and which students are seen in it.

Without a class all students share one AWS account: a student is there once a VPC's tag or a rule's name bears their
number. In a class each has an account of their own, all are there from the beginning, and a call that they made counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from labkit.model.detection.records import Agent, Alert, Ruleset
from labkit.model.detection.rule import Rule
from labkit.model.errors import LabError
from labkit.model.settings import DEFAULT_REGION
from labkit.model.student import students_in, user_of
from labkit.model.vpc import Vpc
from labkit.services.aws.account import CallerIdentity

Raw = Mapping[str, Any]

NUMBER_IN_RULE_NAME = re.compile(r"selfprotect:student([1-9][0-9]{0,2}):")
"""In a rule's name without its spaces and in small letters, since a name that is nearly right is a student's too."""


NOBODY = CallerIdentity("", "", "")


@dataclass(frozen=True)
class AccountSnapshot:
    """What one AWS account holds in one region, as boto3 tells it. caller: whose account it is.

    fault: why it could not be looked at; None when it was.
    """

    region: str
    caller: CallerIdentity = NOBODY
    vpcs: tuple[Raw, ...] = ()
    network_acls: tuple[Raw, ...] = ()
    subnets: tuple[Raw, ...] = ()
    fault: LabError | None = None


@dataclass(frozen=True)
class Detection:
    """What the detection service holds. rules: of the base rule set. alerts: the active ones, newest first.

    fault: why it could not be looked at; None when it was.
    """

    rulesets: tuple[Ruleset, ...] = ()
    rules: tuple[Rule, ...] = ()
    alerts: tuple[Alert, ...] = ()
    agents: tuple[Agent, ...] = ()
    fault: LabError | None = None


@dataclass(frozen=True)
class Student:
    """A student as the world shows them. keys_used: whether something shows that their keys work. numbered: whether
    something bears their number. last_seen: when they did something last; None where nothing tells.
    """

    number: int
    account: AccountSnapshot
    keys_used: bool
    numbered: bool = True
    last_seen: datetime | None = None


@dataclass(frozen=True)
class ClassSnapshot:
    """One look at the world. at: when it began."""

    at: datetime
    students: tuple[Student, ...]
    detection: Detection


def students_of_one_account(account: AccountSnapshot, detection: Detection) -> tuple[Student, ...]:
    """The students whose number a VPC's tag or a rule's name bears, by number.

    Their keys are taken to work once a VPC bears their number: before that, nothing in a shared account shows them.
    """
    with_vpc = {number for vpc in account.vpcs if (number := Vpc.from_aws(vpc).student) is not None}
    seen = last_seen(detection)
    numbers = sorted(with_vpc | numbers_in(detection))
    return tuple(Student(number, account, number in with_vpc, True, seen.get(number)) for number in numbers)


def students_of_a_class(told: Iterable[Raw], detection: Detection) -> tuple[Student, ...]:
    """The students of a class, as the sandbox that serves it tells of them, by number."""
    seen, with_rule = last_seen(detection), numbers_in(detection)
    return tuple(_student_of_a_class(one, one["number"] in with_rule, seen.get(one["number"])) for one in told)


def _student_of_a_class(told: Raw, with_rule: bool, changed: datetime | None) -> Student:
    number, regions = int(told["number"]), told["regions"]
    theirs = [name for name, holds in regions.items() if _with_their_vpc(number, holds)]
    region = theirs[0] if theirs and DEFAULT_REGION not in theirs else DEFAULT_REGION
    keys_used = bool(told["keys_used"] or theirs)
    asked = told["last_seen_ms"] and datetime.fromtimestamp(told["last_seen_ms"] / 1000, UTC)
    seen = max(filter(None, (asked, changed)), default=None)
    return Student(number, _account(told, region), keys_used, keys_used or with_rule, seen)


def _with_their_vpc(number: int, holds: Raw) -> bool:
    return any(Vpc.from_aws(vpc).student == number for vpc in holds["Vpcs"])


def _account(told: Raw, region: str) -> AccountSnapshot:
    """A student's account in the region that they work in."""
    account, holds = told["account"], told["regions"].get(region, {})
    return AccountSnapshot(
        region,
        CallerIdentity(account, f"arn:aws:iam::{account}:user/{user_of(told['number'])}", ""),
        tuple(holds.get("Vpcs", ())),
        tuple(holds.get("NetworkAcls", ())),
        tuple(holds.get("Subnets", ())),
    )


def numbers_in(detection: Detection) -> set[int]:
    """The students whose number a rule's name bears."""
    return {number for rule in detection.rules if (number := number_of(rule)) is not None}


def number_of(rule: Rule) -> int | None:
    """The number of the student whose rule it is, by its name; None for a rule that is nobody's, and for one that is
    nearly named like one student's and bears the number of another, who in a class is the one that may make it.

    >>> number_of(Rule("Self Protect: Student 7: Network", "", "", (), ""))
    7
    """
    found = NUMBER_IN_RULE_NAME.match("".join(rule.name.split()).casefold())
    number, borne = int(found[1]) if found else None, students_in(rule.name)
    return number if number in borne or not borne else None


def last_seen(detection: Detection) -> dict[int, datetime]:
    """When each student's rule was changed, or raised an active alert, last. AWS tells no time of a VPC or an entry."""
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
    """A time of the API; None for a text that is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None
