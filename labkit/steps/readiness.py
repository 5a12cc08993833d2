"""Is the host ready? Each line says what was looked at; part 1 of the lab."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from labkit.model.errors import LabError
from labkit.model.student import is_a_students_rule, rule_name
from labkit.services import aws
from labkit.services.aws.own_settings import default_keys
from labkit.services.own_process import terminal_command
from labkit.steps.host import agent_line, program_lines
from labkit.steps.rule import all_rules
from labkit.steps.session import LabSession
from labkit.views.panels.readiness import Line

MOST_NAMED = 3
"""Rules of other students that are named one by one."""


def readiness(session: LabSession) -> tuple[Line, ...]:
    """Every line; what cannot be looked at is a line that says so."""
    lines: list[Line] = [_told("Agent", lambda: agent_line(session)), *program_lines()]
    for title, look in (
        ("AWS account", _account_line),
        ("Range", _range_line),
        ("Clock", _clock_line),
        ("Leftovers", _leftovers_line),
    ):
        lines.append(_told(title, lambda look=look: look(session)))  # type: ignore[misc]
    return tuple(lines)


def _told(title: str, look: Callable[[], Line]) -> Line:
    try:
        return look()
    except LabError as error:
        return Line(title, "missing", error.what, error.why, error.next_step)


def _account_line(session: LabSession) -> Line:
    looked_at, own = "aws configure list", default_keys("any")
    if own is not None and own != session.keys and not session.backend.aws.asks_first:
        found = f"programs started here would use another key, which ends in {own.access_key_id[-4:]}"
        return Line("AWS account", "missing", found, looked_at, "Run the first cell, lab = open_lab(), again.")
    if (command := terminal_command()) and not session.backend.aws.asks_first:
        found = "this notebook reaches the lab only; terminals outside `labkit lab` still use your own AWS settings"
        return Line("AWS account", "remark", found, looked_at, f"In each terminal, first run: {command}")
    if session.keys is None:
        return Line("AWS account", "ready", "none active yet, as expected", looked_at)
    found = f"active already: the key that ends in {session.keys.access_key_id[-4:]}"
    return Line("AWS account", "remark", found, "aws configure list", "Part 2 checks it; nothing to do here.")


def _range_line(session: LabSession) -> Line:
    host = session.backend.aws.host
    if host is None:
        return Line("Range", "remark", "none: with live AWS, the host is your own", "the backend")
    status = host.status()
    if status.fault:
        return Line("Range", "missing", status.fault, "the sandbox", "labkit sandbox stop, then run this again.")
    if status.behind:
        return Line("Range", "remark", status.sentence, "the sandbox", "lab.host() says when it has caught up.")
    if status.tier == 1:
        return Line("Range", "ready", "tier 1 of 3: packets", "the sandbox")
    return Line("Range", "remark", status.words, "the sandbox")


def _clock_line(session: LabSession) -> Line:
    session.detection.self_test()
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return Line("Clock", "ready", f"{now}; the services accept it", "GET /help/hawk/self-test")


def _leftovers_line(session: LabSession) -> Line:
    """Rules, and VPCs where there are keys, of other students: never touched, but good to know of."""
    own = rule_name(session.student) if session.notes.get("student") else ""
    names = [rule.name for rule in all_rules(session.detection)]
    others = [name for name in names if is_a_students_rule(name) and name != own]
    found = [f"rule “{name}”" for name in others]
    if len(others) > MOST_NAMED:
        found = [f"{len(others)} rules of {'other ' if own else ''}students, as in a class"]
    looked_at, unseen = "GET /v2/rulesets/{id}/rules", []
    if session.keys is None:
        unseen = ["VPCs cannot be looked at before the AWS keys are entered"]
    else:
        looked_at += ", aws ec2 describe-vpcs"
        found += [
            str(vpc) for vpc in aws.describe_vpcs(session.aws.ec2) if vpc.student and not _own(session, vpc.student)
        ]
    if not found:
        none = f"no rule of {'another' if own else 'a'} student" + (
            "" if unseen else f", and no VPC of one in {session.region}"
        )
        return Line("Leftovers", "remark" if unseen else "ready", "; ".join([none, *unseen]), looked_at)
    next_step = "Nothing: the lab changes only what carries your number. If they are old, tell your instructor."
    return Line("Leftovers", "remark", "; ".join([*found, *unseen]), looked_at, next_step)


def _own(session: LabSession, student: int) -> bool:
    return bool(session.notes.get("student")) and session.student == student
