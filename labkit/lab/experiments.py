"""What a cell of chapter 3 or 4 needs besides steps (`needs=`), the outcome that its text states (`expect=`), and how
an experiment begins and ends.

`needs` names steps and states, with commas between: `deny_entry`, `entry 150`, `ingress entry 50`, `responder runs`,
`responder stopped`, `dadismad.com not denied`, `suppression 198.51.100.7`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

from labkit import steps
from labkit.lab.base import Cells
from labkit.lab.part_3_responder import ResponderCells
from labkit.model.check import require as require_passed
from labkit.model.detection.rule import Rule
from labkit.model.errors import InvalidInput, LabError, StepNotReady
from labkit.model.host.records import DroppedPacket
from labkit.model.network_acl import Entry, Packet, decide
from labkit.model.response.response import own_entries
from labkit.model.response.safe_addresses import never_deny, why_safe
from labkit.range import dns
from labkit.services import aws
from labkit.services.detection.destinations import AlertDestinations
from labkit.steps.host import ALL_IPV6_NUMBER
from labkit.steps.network import students_network_acl
from labkit.steps.protection import ALERT, COMMAND, DENIED, students_alerts
from labkit.steps.rule import students_rule
from labkit.steps.session import LabSession
from labkit.views import display
from labkit.views.panels.basic import ActionResult
from labkit.views.tables.host import RanView
from labkit.views.view import View

PATIENCE_SECONDS = 3.0
"""How long to wait for what a connection causes: the alert, and the entry of a running responder."""

AGAIN = "Dismiss the alerts and start again: lab.reset('first_alert'), or in part 4 lab.restore()"
WRITTEN = {(False, 50), (True, 50), (False, 150), (True, 150), (True, ALL_IPV6_NUMBER), (False, ALL_IPV6_NUMBER)}
"""The entries that the experiments of chapter 4 write, or a student by mistake (ingress 150): whether egress, and the
rule number."""

EVALUATED = 3
"""The tier in which no program runs, so that there is no outcome to compare."""


def require_states(lab: Cells, needs: str) -> None:
    """Raise StepNotReady for the first step or state that does not hold, InvalidInput for one that is unknown."""
    for need in filter(None, (each.strip() for each in needs.split(","))):
        if need in steps.BY_KEY:
            _require_step(lab, need)
            continue
        require = _state(need)
        try:
            require(lab)
        except StepNotReady as error:
            error.state = "" if error.step else need
            raise


def _state(need: str) -> Callable[[Cells], None]:
    """The function that checks this state. Raises InvalidInput for an unknown one."""
    for pattern, require in STATES.items():
        if found := re.fullmatch(pattern, need):
            groups = found.groups()
            return lambda lab: require(lab, *groups)
    raise InvalidInput(f"“{need}” cannot be needed.", "It is neither a step nor a state.", "Write: entry 150")


def _require_step(lab: Cells, key: str) -> None:
    step, deadline = steps.BY_KEY[key], time.monotonic() + PATIENCE_SECONDS
    while step in (ALERT, DENIED) and time.monotonic() < deadline and not steps.look(lab._session, step).passed:
        time.sleep(0.1)
    steps.require(lab._session, steps.with_needs((step,)))


def _require_entry(lab: Cells, side: str | None, number: str) -> None:
    egress, network_acl = side is None, students_network_acl(lab._session)
    if any((one.rule_number, one.egress) == (int(number), egress) for one in network_acl.entries):
        return
    name = f"{'egress' if egress else 'ingress'} entry {number}"
    raise StepNotReady(
        f"This experiment needs {name}.",
        f"It is not in {network_acl.id}, or no longer.",
        "Run the cell that adds it, a few cells above; then run this one again.",
        step="",
    )


def responder_runs(lab: Cells) -> bool:
    """Whether a responder runs in this notebook."""
    panel = getattr(lab, "_panel", None)
    return panel is not None and panel.running


def _require_responder(lab: Cells, state: str) -> None:
    runs = responder_runs(lab)
    if runs == (state == "runs"):
        return
    if runs:
        raise StepNotReady(
            "The responder must be stopped here.",
            "It is running, and would deny what this cell connects to.",
            "Stop it: lab.stop_responder(); then run this cell again.",
        )
    raise StepNotReady(
        "The responder must be running here.",
        "None is running in this notebook, so nothing would answer the alert.",
        "Press its Start button, or run lab.responder(start=True); one in a terminal does no harm. "
        "Then run this cell again.",
        step="",
    )


def _require_not_denied(lab: Cells, name: str) -> None:
    entries = students_network_acl(lab._session).entries
    for address in dns.addresses(name):
        deciding = decide(entries, Packet.outbound(address, "tcp", 80)).deciding
        if deciding is not None and deciding.rule_action == "deny" and not deciding.is_catch_all:
            raise StepNotReady(f"{name} is denied already.", _by_whom(deciding), _way_out(deciding))


def _require_suppression(lab: Cells, address: str) -> None:
    mine = students_rule(lab._session)
    if not any(f'"{address}"' in one for one in mine.suppressions):
        raise StepNotReady(
            f"This experiment needs the suppression of {address}.",
            "Your rule has none for it, or no longer.",
            f'Run lab.suppress("{address}"); then run this cell again.',
        )


STATES: dict[str, Callable[..., None]] = {
    r"(ingress )?entry (\d+)": _require_entry,
    r"responder (runs|stopped)": _require_responder,
    r"(\S+) not denied": _require_not_denied,
    r"suppression (\S+)": _require_suppression,
}


def _by_whom(entry: Entry) -> str:
    way = "Egress" if entry.egress else "Ingress"
    by_responder = " The responder wrote it, in an earlier run of a cell." if own_entries((entry,)) else ""
    return f"{way} entry {entry.rule_number} denies {entry.cidr_block}.{by_responder}"


def _way_out(entry: Entry) -> str:
    if own_entries((entry,)):
        return AGAIN
    return f"Remove it: lab.remove_entry({entry.rule_number}{'' if entry.egress else ', egress=False'})"


def checks_outcome(run: Callable[..., Any]) -> Callable[..., Any]:
    """`run` with `expect`, the exit code that the text states; raises a LabError with the reason for any other."""

    @wraps(run)
    def checked(self: Cells, *args: Any, expect: int | None = None, **options: Any) -> Any:
        started = time.time()
        ran = run(self, *args, **options)
        if expect is None or ran.code == expect or self._lab_host().status().tier == EVALUATED:
            return ran
        display.show(ran)
        raise _surprise(self, ran, expect, self._lab_host().drops(started))

    return checked


class ExperimentCells(ResponderCells):
    """How an experiment of chapter 4 begins and ends."""

    def restore(self) -> View:
        """Undo the experiments: stop the responder, and remove the entries, suppressions and alerts that they led to.

        Raises LabError if part 3 cannot be done again.
        """
        session, removed = self._session, list[str]()
        if self._panel is not None and self._panel.running:
            self._panel.show(self._panel.stop(), lasting=False)
            removed.append("the responder was stopped")
        network_acl, mine = students_network_acl(session), students_rule(session)
        for entry in network_acl.entries:
            if (entry.egress, entry.rule_number) in WRITTEN:
                session.require_agreement()
                aws.delete_entry(session.aws.ec2, network_acl.id, entry.rule_number, entry.egress)
                removed.append(f"{'egress' if entry.egress else 'ingress'} entry {entry.rule_number} was deleted")
        if mine.suppressions:
            session.detection.update_rule(replace(mine, suppressions=()))
            removed.append("the suppressions of your rule were removed")
        if _other_sites_remain(session, mine):
            for _, ended in steps.reset(session, (ALERT,)):
                if isinstance(ended, LabError):
                    raise ended
            removed.append(
                "all alerts were dismissed and all deny entries of the responder deleted, then part 3 was done again"
            )
        done = [result for _, result in steps.solve(session, steps.named(ALERT.chapter))]
        require_passed(done[-1])
        if not removed:
            return ActionResult("As part 3 left it: there was nothing to put back.")
        return ActionResult("As part 3 left it.", (("Put back", "; ".join(removed)), (DENIED.title, done[-1].found)))


def _other_sites_remain(session: LabSession, mine: Rule) -> bool:
    """Whether an alert of the student's rule or a deny entry is about another site than the one of part 3."""
    alerts = AlertDestinations(session.detection, mine.id, 0).take_in(students_alerts(session))
    denied = {str(entry.network.network_address) for entry in own_entries(students_network_acl(session).entries)}
    of_part_3, safe = dns.addresses(COMMAND[-1]), never_deny()
    addresses = {alert.address for alert in alerts} | denied
    return any(address not in of_part_3 and not why_safe(address, safe) for address in addresses)


def _surprise(lab: Cells, ran: RanView, expect: int, drops: list[DroppedPacket]) -> LabError:
    what = f"The text expects exit code {expect}; it was {ran.code}."
    if expect and not ran.code:
        return LabError(
            what, "No entry dropped the packets.", "Look at which entry comes first: lab.entries(). Then run it again."
        )
    entries = students_network_acl(lab._session).entries if drops else ()
    for one in entries:
        if drops and (one.egress, one.rule_number) == (drops[-1].egress, drops[-1].rule_number):
            return LabError(what, _by_whom(one), f"{_way_out(one)}. Then run this cell again.")
    return LabError(what, f"{ran.meaning[0].upper()}{ran.meaning[1:]}.", "Look at the output above, then run it again.")
