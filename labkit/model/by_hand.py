"""The blank of an exercise, read as the value that is meant; and whether what boto3 or requests replied is what was
asked for."""

from __future__ import annotations

import operator
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labkit.model.detection.records import Alert
from labkit.model.detection.rule import BASE_RULE_SET
from labkit.model.network_acl import CATCH_ALL, Entry
from labkit.model.network_acl.validation import whole_number
from labkit.model.pasted import clean

MOST_SHOWN = 80
"""Characters of an answer that are shown."""

BLANKS = ("", "...", "…", "None")
SINGLE = re.compile(r"[\s\"'(\[]*(-?[0-9]{1,9})[\s\"'),\].]*")
_PAIR = re.compile(r"\D*([0-9]{1,9})\D+([0-9]{1,9})\D*")

Judged = tuple[bool, str, str]
"""Whether it is right, what was found, what to do next."""


@dataclass(frozen=True)
class Facts:
    """What exists now, by which answers are judged. alerts: the active ones of the student's rule."""

    entries: tuple[Entry, ...] = ()
    network_acl_id: str = ""
    alerts: tuple[Alert, ...] = ()


def judge_network_acls(answer: object, facts: Facts) -> Judged:
    """Whether DescribeNetworkAcls replied with the student's network ACL alone. Raises TypeError for no reply."""
    found = [answer] if isinstance(answer, Mapping) and "NetworkAclId" in answer else _list_in(answer, "NetworkAcls")
    ids = [str(one.get("NetworkAclId", "")) for one in found or () if isinstance(one, Mapping)]
    if not ids:
        return False, "a reply without a network ACL", "Call describe_network_acls."
    if ids == [facts.network_acl_id]:
        return True, f"{ids[0]} alone, as AWS describes it", ""
    name_it = f"Put your id in the list NetworkAclIds, in quotes: {facts.network_acl_id}"
    if facts.network_acl_id in ids:
        return False, f"{len(ids)} network ACLs, yours among them", name_it
    return False, f"{', '.join(ids[:3])}, not yours", name_it


def judge_rule_sets(answer: object, facts: Facts) -> Judged:
    """Whether this reply lists the rule sets. Raises TypeError for no reply, ValueError for one that is not JSON."""
    status = getattr(answer, "status_code", 200)
    if status != 200:
        return False, f"a reply with the HTTP status {status}", "Ask for /v2/rulesets, with hawk.get."
    document = answer.json() if hasattr(answer, "status_code") and hasattr(answer, "json") else answer
    found = _list_in(document, "rulesets")
    names = [str(one.get("name", "")) for one in found or () if isinstance(one, Mapping)]
    if BASE_RULE_SET in names:
        return True, f"the rule sets {', '.join(names)}" if len(names) > 1 else f"the rule set {names[0]}", ""
    return False, "a reply without the rule sets", "Ask for /v2/rulesets."


def judge_new_entry(answer: object, facts: Facts) -> Judged:
    """Whether egress entry 150 is there and denies mirror.example.net alone. The reply itself says nothing of it."""
    if not isinstance(answer, Mapping):
        raise TypeError
    there = {entry.egress: entry for entry in facts.entries if entry.rule_number == 150}
    if True not in there:
        if there:
            return False, "an ingress entry 150", "The packet goes out, so set Egress=True."
        return False, "no entry 150", "Set RuleNumber=150 and Egress=True."
    wanted = Entry(150, True, "deny", "-1", "198.51.100.80/32")
    if there[True] == wanted:
        return True, str(wanted), ""
    return False, str(there[True]), "Remove it, lab.remove_entry(150), and write it again: compare each argument."


def judge_program(answer: object, facts: Facts) -> Judged:
    """Whether this is the program with the most addresses in the alerts. Raises TypeError for anything but text."""
    answer = text_in(answer)
    met: defaultdict[str, set[str]] = defaultdict(set)
    for alert in facts.alerts:
        values = dict(alert.aggregates)
        met[values.get("exe", "")].add(values.get("dst_ip", ""))
    if not met:
        return False, "no active alert of your rule", "Let a program connect first, as above."
    most = max(map(len, met.values()))
    named = {exe: len(addresses) for exe, addresses in met.items() if answer.strip() in (exe, exe.rpartition("/")[2])}
    if most in named.values():
        return True, f"{answer.strip()}, with {most} address{'' if most == 1 else 'es'}", ""
    if named:
        return (
            False,
            f"{answer.strip()} connected to {max(named.values())}, another program to {most}",
            "Count the different addresses of each program.",
        )
    return False, f"no alert of a program “{answer.strip()[:80]}”", "Copy the name from the column exe."


def judge_last_number(answer: object, facts: Facts) -> Judged:
    """Whether this is the rule number that AWS gives to the entry `*`. Raises TypeError for anything but a number."""
    answer = number_in(answer)
    if answer == CATCH_ALL:
        return True, f"`*` is the number {CATCH_ALL}", ""
    if any(entry.rule_number == answer for entry in facts.entries):
        return (
            False,
            f"{answer}, an entry that allows or denies before it",
            "Which entry is tried last, after all others?",
        )
    return False, f"{answer}, at which there is no entry", "Read the column RuleNumber."


def _list_in(answer: object, key: str) -> Sequence[object] | None:
    """The list under this key of a reply, or the list itself; None without. Raises TypeError for another kind."""
    if isinstance(answer, Mapping):
        inside = answer.get(key)
        return inside if isinstance(inside, list) else None
    if isinstance(answer, list):
        return answer
    raise TypeError


def is_blank(answer: object) -> bool:
    if isinstance(answer, tuple | list):
        return not answer or any(map(is_blank, answer))
    return answer is ... or answer is None or (isinstance(answer, str) and clean(answer).value in BLANKS)


def as_written(answer: object) -> str:
    """The answer as Python writes it, or what kind of thing it is; an object may not be able to write itself."""
    try:
        return repr(answer)[:MOST_SHOWN]
    except Exception:  # noqa: BLE001 - whatever its own code raises
        return f"a value of the type {type(answer).__name__}"


def number_in(answer: object) -> int:
    """A whole number, also as text and alone in a list. Raises TypeError for anything else."""
    if isinstance(answer, tuple | list) and len(answer) == 1:
        return number_in(answer[0])
    if isinstance(answer, str) and (found := SINGLE.fullmatch(answer)):
        return int(found[1])
    if isinstance(answer, float) and answer.is_integer():
        return int(answer)
    if not isinstance(answer, bool | str) and hasattr(answer, "__index__"):
        return operator.index(answer)  # a number of numpy, as a DataFrame holds it
    if (number := whole_number(answer)) is None:
        raise TypeError
    return number


def two_numbers_in(answer: object) -> tuple[int, int]:
    """Two whole numbers, also as text. Raises TypeError or ValueError for anything else."""
    if isinstance(answer, str) and (found := _PAIR.fullmatch(answer)):
        return int(found[1]), int(found[2])
    if isinstance(answer, range) and len(answer):
        return answer[0], answer[-1]
    if not isinstance(answer, tuple | list):
        raise TypeError
    first, last = answer
    return number_in(first), number_in(last)


def text_in(answer: object) -> str:
    """Text, also alone in a list. Raises TypeError for anything else."""
    if isinstance(answer, tuple | list) and len(answer) == 1:
        return text_in(answer[0])
    if not isinstance(answer, str):
        raise TypeError
    return answer
