"""Steps of part 3: the rule has raised an alert, and the responder has denied its destination."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain

from labkit.model.check import CheckResult, Outcome
from labkit.model.detection.records import Alert
from labkit.model.errors import LabError, StepNotReady
from labkit.model.host.records import DenyInForce
from labkit.model.network_acl import Entry, Packet, decide
from labkit.model.response.messages import Message, milliseconds
from labkit.model.response.plan import cidr_block_of
from labkit.model.response.response import Destination, own_entries
from labkit.model.response.safe_addresses import never_deny, parse_address, why_safe
from labkit.model.student import rule_name
from labkit.services import aws
from labkit.services.detection.destinations import AlertDestinations
from labkit.steps.network import students_network_acl, students_vpc_ids
from labkit.steps.responding import students_responder
from labkit.steps.rule import students_rule
from labkit.steps.session import LabSession
from labkit.steps.step import Step
from labkit.views.panels.basic import ActionResult

COMMAND = ("curl", "--silent", "--show-error", "--max-time", "5", "dadismad.com")
ALERT_SECONDS = 20.0
MOST_NAMED = 3
"""Entries that are named one by one in a sentence."""


def students_alerts(session: LabSession) -> Iterator[Alert]:
    """The active alerts of the student's rule, newest first; one call where the RuleID is noted, else three.

    A noted RuleID is believed as far as the alert's title bears the student's rule's name.
    """
    rule_id = session.notes.get("rule_id") or students_rule(session).id
    name = rule_name(session.student)
    return (alert for alert in session.detection.alerts("active", ruleId=rule_id) if alert.title.startswith(name))


def answers(
    session: LabSession, since: float = 0.0, until: float = math.inf, known: Sequence[Message] = ()
) -> tuple[Message, ...]:
    """What the host saw answered: each event between these times, in seconds since 1970, its alert, and the entry in
    force.

    Only what was measured, in this order; oldest first. Nothing of what the host no longer knows, nor the known ones.
    """
    before = {(one.address, one.entered_at_ms) for one in known}
    new = [deny for deny in _denies(session, since) if (deny.address, round(deny.time * 1000)) not in before]
    return tuple(_answers(session, new, int(since * 1000), until * 1000))


def newest_answer(session: LabSession, entries: Collection[Entry]) -> Message | None:
    """The newest of those answers whose entry is one of these; None if the host saw none of them answered."""
    newest_first = _answers(session, _denies(session)[::-1], 0, math.inf)
    return next((answer for answer in newest_first if answer.entry in entries), None)


def _denies(session: LabSession, since: float = 0.0) -> list[DenyInForce]:
    host = session.backend.aws.host
    return [] if host is None else host.denies(since)


def _answers(session: LabSession, denies: Sequence[DenyInForce], since_ms: int, until_ms: float) -> Iterator[Message]:
    """Each of these entries with its alert and event, where both are known; a call for the alerts, and one for each."""
    alerts = list(students_alerts(session)) if denies else []
    found = (_answer(session, deny, alerts, since_ms, until_ms) for deny in denies)
    return (message for message in found if message is not None)


def _answer(
    session: LabSession, deny: DenyInForce, alerts: Iterable[Alert], since_ms: int, until_ms: float
) -> Message | None:
    """The alert that this entry followed, newest first, with the times of its event and of both."""
    address, entered_ms = parse_address(deny.address), round(deny.time * 1000)
    for alert in alerts:
        alerted_ms = milliseconds(alert.created_at)
        if alerted_ms <= entered_ms and parse_address(dict(alert.aggregates).get("dst_ip", "")) == address is not None:
            destination = Destination(deny.address, alert.id, alerted_ms)
            event_ms = AlertDestinations(session.detection, alert.rule_id, 0).event_at_ms(destination)
            if event_ms is None or not since_ms <= event_ms <= min(alerted_ms, until_ms):
                return None
            entry = Entry(deny.rule_number, True, "deny", "-1", cidr_block_of(address))
            words = f"Entry {deny.rule_number} denies {deny.address}."
            return Message("added", words, deny.address, alert.id, entry, event_ms, alerted_ms, entered_ms)
    return None


def _alert_to_answer(session: LabSession) -> Alert | None:
    """The newest alert of an address that may be denied, else the newest: a look-up of a name raises one, too."""
    alerts, safe = students_alerts(session), never_deny()
    newest = next(alerts, None)
    known = chain(filter(None, (newest,)), alerts)
    return next((one for one in known if why_safe(dict(one.aggregates).get("dst_ip", ""), safe) is None), newest)


def check_alert(session: LabSession) -> CheckResult:
    alert = _alert_to_answer(session)
    expected = "an active alert of your rule"
    if alert is not None:
        return ALERT.result(Outcome.PASSED, expected, f"“{alert.title}” at {alert.created_at}")
    next_step = "Make a program on the host connect: lab.run('curl dadismad.com')"
    found = ": ".join(filter(None, ("none", session.backend.aws.notice())))  # a full disk, for example
    return ALERT.result(Outcome.NOT_YET, expected, found, next_step)


def do_alert(session: LabSession) -> ActionResult:
    """Let curl on the host connect to a site, and wait for the alert. Raises LabError where there is no such host."""
    host = session.backend.aws.host
    if host is None:
        raise LabError(
            "No program was run.",
            "With live AWS, the host is your own, and the lab cannot run programs there.",
            "Run `curl dadismad.com` on it.",
        )
    ran = host.run(COMMAND)
    deadline = time.monotonic() + ALERT_SECONDS
    while (alert := next(students_alerts(session), None)) is None and time.monotonic() < deadline:
        time.sleep(0.05)
    found = alert.title if alert is not None else "no alert yet"
    facts = (("Ran", " ".join(COMMAND)), ("Exit code", str(ran.code)), ("Alert", found))
    return ActionResult("A program on the host connected.", facts)


def undo_alert(session: LabSession) -> ActionResult:
    """Dismiss the active alerts of the student's rule, so that the responder has nothing to deny."""
    ids = [alert.id for alert in students_alerts(session)]
    if ids:
        session.detection.dismiss(ids, "OTHER", "The lab was reset.")
        with suppress(StepNotReady):  # a running responder may have denied again since `undo_denied`
            undo_denied(session)
    alerts = f"{len(ids)} alert{'' if len(ids) == 1 else 's'} of your rule"
    return ActionResult(f"Dismissed: {alerts}." if ids else "Your rule had no active alert.")


def check_denied(session: LabSession) -> CheckResult:
    network_acl = students_network_acl(session)
    own = own_entries(network_acl.entries)
    expected = f"a deny entry of the responder that decides, in {network_acl.id}"
    deciding = [entry for entry in own if _decides(entry, network_acl.entries)]
    if deciding:
        words = ", ".join(f"entry {entry.rule_number} denies {entry.cidr_block}" for entry in deciding)
        return DENIED.result(Outcome.PASSED, expected, words)
    if own:
        words = ", ".join(f"entry {entry.rule_number} for {entry.cidr_block} is never reached" for entry in own)
        return DENIED.result(Outcome.WRONG, expected, words, "See which earlier entry decides: lab.entries()")
    return DENIED.result(Outcome.NOT_YET, expected, "none", "Start the responder: lab.responder()")


def _decides(entry: Entry, entries: tuple[Entry, ...]) -> bool:
    address = str(entry.network.network_address)
    return decide(entries, Packet.outbound(address, "tcp", 80)).deciding == entry


def do_denied(session: LabSession) -> ActionResult:
    """One round of the responder; if it denies nothing, one more connection and its rounds.

    The alerts so far may all be of addresses that are never denied.
    """
    said: list[Message] = []
    responder = students_responder(session, said.append)
    responder.run_once()
    host = session.backend.aws.host
    if host is not None and not check_denied(session).passed:
        host.run(COMMAND)
        deadline = time.monotonic() + ALERT_SECONDS
        while not check_denied(session).passed and time.monotonic() < deadline:
            responder.run_once()
    return ActionResult("The responder checked your rule's alerts.", [(one.kind, one.sentence) for one in said])


def undo_denied(session: LabSession) -> ActionResult:
    """Remove the responder's own entries from every network ACL of the student's VPCs, and no others."""
    own: list[Entry] = []
    ec2, vpc_ids = session.aws.ec2, students_vpc_ids(session)
    network_acls = [found for vpc_id in vpc_ids for found in aws.describe_network_acls(ec2, vpc_id=vpc_id)]
    for network_acl in network_acls:
        for entry in own_entries(network_acl.entries):
            session.require_agreement()
            aws.delete_entry(session.aws.ec2, network_acl.id, entry.rule_number, entry.egress)
            own.append(entry)
    return ActionResult(_taken_away(own))


def _taken_away(own: Sequence[Entry]) -> str:
    if not own:
        return "The responder had no entries."
    if len(own) > MOST_NAMED:
        return f"Deleted: the responder's {len(own)} entries."
    return f"Deleted: {', '.join(f'entry {entry.rule_number} ({entry.cidr_block})' for entry in own)}."


ALERT = Step(
    "first_alert",
    "3",
    "An alert of your rule",
    "A program connects",
    ("host_subnet", "rule_id"),
    check_alert,
    do_alert,
    undo_alert,
    ("GET /v2/alerts?status=active&ruleId=RULEID",),
)
DENIED = Step(
    "deny_entry",
    "3",
    "The cloud denies the address",
    "The responder answers",
    ("first_alert",),
    check_denied,
    do_denied,
    undo_denied,
    ("aws ec2 describe-vpcs", "aws ec2 describe-network-acls --filters Name=vpc-id,Values=VPCID"),
)
