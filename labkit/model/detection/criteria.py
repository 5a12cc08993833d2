"""The five criteria that the lab sets on a rule: the expected values, the actual ones, and the differences."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, fields, replace
from typing import Literal

from labkit.model.detection.rule import Rule
from labkit.model.errors import FilterError
from labkit.model.student import rule_name

TITLE_ENDING = ": {{exe}} ran by user {{user}} connected to {{dst_ip}}"
DESCRIPTION = (
    "This alerts when a program connects to an external server's service. An example is a wget/curl to an external "
    "HTTP server. This could be used for data exfiltration. Depending on your environment this could be VERY noisy. "
    "We recommend adding to the rule filter to focus scope of the rule."
)
AGGREGATE_FIELDS = ("user", "exe", "dst_ip")
FILTER = (
    'event_type = "audit" and syscall = "connect" and (connection.dst_addr != "127.0.0.0/8" and '
    'connection.dst_addr != "::1/128" and connection.dst_addr != "::" and connection.dst_addr != "0.0.0.0" and '
    'connection.dst_addr != "169.254.0.0/16")'
)
"""From the lab's text, which prints it with typographic quotes."""


@dataclass(frozen=True)
class Criteria:
    """The five criteria that the lab sets on a rule."""

    name: str
    title: str
    alert_description: str
    aggregate_fields: tuple[str, ...]
    filter: str

    @classmethod
    def of(cls, rule: Rule) -> Criteria:
        """The five criteria of a rule."""
        return cls(**{one.name: getattr(rule, one.name) for one in fields(cls)})

    def apply_to(self, rule: Rule) -> Rule:
        """The rule with these criteria and all other fields unchanged."""
        return replace(rule, **{one.name: getattr(self, one.name) for one in fields(self)})


CRITERIA_LABELS = {
    "name": "Rule Name",
    "title": "Alert Title",
    "alert_description": "Alert Description",
    "aggregate_fields": "Aggregate Fields",
    "filter": "Rule Filter",
}
"""The names of the five criteria, worded and ordered as in the lab's text."""


def wanted_criteria(student: int) -> Criteria:
    """The five criteria of a student's rule, from the lab's text."""
    name = rule_name(student)
    return Criteria(name, name + TITLE_ENDING, DESCRIPTION, AGGREGATE_FIELDS, FILTER)


def parse_aggregate_fields(text: str) -> tuple[str, ...]:
    """The field names of a comma-separated list.

    >>> parse_aggregate_fields(" user, exe ,dst_ip")
    ('user', 'exe', 'dst_ip')
    """
    return tuple(name for part in text.split(",") if (name := part.strip()))


Piece = tuple[Literal["same", "missing", "extra"], str]
"""A run of characters: in both texts, only in the expected one, or only in the actual one."""


@dataclass(frozen=True)
class Comparison:
    """One criterion, actual (`there`) and expected (`wanted`). pieces: the difference, character by character. remark:
    which differences were ignored, or why the text cannot be parsed."""

    field: str
    label: str
    there: str
    wanted: str
    equal: bool
    pieces: tuple[Piece, ...] = ()
    remark: str = ""


def compare(there: Criteria, wanted: Criteria) -> tuple[Comparison, ...]:
    """Compare each of the five criteria, in the order of the lab's text.

    Aggregate fields are compared as sets, filters as syntax trees, descriptions with runs of spaces collapsed and
    quotes straightened; name and title must match exactly.
    """
    names = (one.name for one in fields(Criteria))
    return tuple(_compare_field(name, getattr(there, name), getattr(wanted, name)) for name in names)


def _compare_field(name: str, there: str | tuple[str, ...], wanted: str | tuple[str, ...]) -> Comparison:
    there_text = there if isinstance(there, str) else ", ".join(there)
    wanted_text = wanted if isinstance(wanted, str) else ", ".join(wanted)
    equal, remark = _judge(name, there_text, wanted_text)
    pieces = () if equal else difference(there_text, wanted_text)
    return Comparison(name, CRITERIA_LABELS[name], there_text, wanted_text, equal, pieces, remark)


def _judge(name: str, there: str, wanted: str) -> tuple[bool, str]:
    if there == wanted:
        return True, ""
    if name == "aggregate_fields":
        equal = set(parse_aggregate_fields(there)) == set(parse_aggregate_fields(wanted))
        return equal, "The order of aggregate fields does not matter." if equal else ""
    if name == "alert_description":
        from labkit.model.rule_filter import straighten

        equal = straighten(there).text.split() == straighten(wanted).text.split()
        return equal, "Repeated spaces and the style of quotes do not matter." if equal else ""
    if name == "filter":
        return _judge_filter(there, wanted)
    return False, ""


def _judge_filter(there: str, wanted: str) -> tuple[bool, str]:
    from labkit.model.rule_filter import parse

    try:
        read = parse(there)
    except FilterError as error:
        return False, str(error)
    if read.tree == parse(wanted).tree:
        return True, "It is written differently, but means the same."
    return False, " ".join(warning.sentence for warning in read.warnings)


def difference(there: str, wanted: str) -> tuple[Piece, ...]:
    """The runs of characters that turn one text into the other.

    >>> difference("Student 7", "Student7")
    (('same', 'Student'), ('extra', ' '), ('same', '7'))
    """
    pieces: list[Piece] = []
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, there, wanted, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(("same", there[i1:i2]))
            continue
        if i2 > i1:
            pieces.append(("extra", there[i1:i2]))
        if j2 > j1:
            pieces.append(("missing", wanted[j1:j2]))
    return tuple(pieces)
