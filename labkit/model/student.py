"""A student number, and everything that follows from it: names, tags, and in a class the account, user and host."""

from __future__ import annotations

import re

from labkit.model.detection.rule import PRECREATED_RULE
from labkit.model.errors import InvalidInput
from labkit.model.pasted import clean

LAST_STUDENT = 999
"""The highest student number; AWS accounts of a class end in three digits."""

STUDENT_NUMBERS = f"a whole number from 1 to {LAST_STUDENT}"

STUDENT_TAG = "labkit:student"
"""Marks what the lab made or took for a student. Nothing without this tag is ever changed or deleted."""

_NAME = "Student"
_IN_RULE_NAME = re.compile(rf"(?<![^\W_]){_NAME}([1-9][0-9]{{0,2}}):")


def parse_student_number(text: str | int) -> int:
    """The student number that a person typed. Raises InvalidInput unless it is a whole number from 1 to 999.

    >>> parse_student_number(" 7 ")
    7
    """
    typed = clean(str(text)).value
    if re.fullmatch(r"[0-9]{1,9}", typed) and 1 <= int(typed) <= LAST_STUDENT:
        return int(typed)
    raise InvalidInput(
        f"Student number “{typed}” was refused." if typed else "No student number was given.",
        f"A student number is {STUDENT_NUMBERS}, in digits.",
        "Type the number that your instructor gave you. If you work alone, use 1.",
        field="student number",
    )


def student_name(student: int) -> str:
    """The name that marks a student's things.

    >>> student_name(7)
    'Student7'
    """
    return f"{_NAME}{student}"


def vpc_name(student: int) -> str:
    """The `Name` tag of a student's VPC.

    >>> vpc_name(7)
    'Self Protect Student7'
    """
    return f"Self Protect {student_name(student)}"


def student_tags(student: int) -> dict[str, str]:
    """The tags of a student's VPC.

    >>> student_tags(7)
    {'labkit:student': '7', 'Name': 'Self Protect Student7'}
    """
    return {STUDENT_TAG: str(student), "Name": vpc_name(student)}


def rule_name(student: int) -> str:
    """The name of a student's rule.

    >>> rule_name(7)
    'Self Protect: Student7: Network: Outbound Connection (Connects) to WAN'
    """
    return PRECREATED_RULE.replace("Self Protect: ", f"Self Protect: {student_name(student)}: ", 1)


def is_a_students_rule(name: str) -> bool:
    """Whether a rule's name is one that the lab gives to a student's rule.

    >>> is_a_students_rule(rule_name(7)), is_a_students_rule(PRECREATED_RULE)
    (True, False)
    """
    return name.startswith(f"Self Protect: {_NAME}")


def students_in(rule_name: str) -> frozenset[int]:
    """The numbers of the students that a rule's name contains: usually one, or none.

    >>> sorted(students_in("Self Protect: Student77: mine")), sorted(students_in("Students: Student7 and XStudent8:"))
    ([77], [])
    """
    return frozenset(int(number) for number in _IN_RULE_NAME.findall(rule_name))


def account_of(student: int) -> str:
    """The AWS account of a student of a class.

    >>> account_of(7)
    '000000000007'
    """
    return f"{student:012d}"


def is_of_class(account: str) -> bool:
    """Whether an account is a class's, and so not a real one.

    >>> is_of_class("000000000007"), is_of_class("123456789012")
    (True, False)
    """
    return re.fullmatch("0{9}[0-9]{3}", account) is not None


def user_of(student: int) -> str:
    """The name of a student's user, in AWS and in the detection service.

    >>> user_of(7)
    'student7'
    """
    return f"student{student}"


def host_of(student: int) -> str:
    """The name of a student's host in a class, as the agent on it reports it.

    >>> host_of(7)
    'udf-host-7'
    """
    return f"udf-host-{student}"
