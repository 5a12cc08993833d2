"""`labkit respond`: the responder in a terminal."""

from __future__ import annotations

import json
import sys
import threading
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import click

from labkit.model.errors import ConsentNeeded, LabError
from labkit.views.terminal import columns, echo, in_terminal, one_line, prose, styled, wrapped

if TYPE_CHECKING:
    from labkit.model.response.messages import Message
    from labkit.responder import Responder
    from labkit.steps.session import LabSession

SIGNS = {
    "started": ("▶", "cyan"),
    "added": ("⊘", "red"),
    "replaced": ("⊘", "red"),
    "kept": ("✓", "green"),
    "removed": ("–", "yellow"),
    "trouble": ("!", "yellow"),
    "answers again": ("✓", "green"),
    "ended": ("■", "cyan"),
}
NARROW = 80
"""Columns below which a message's line has no time of day."""


@click.option("--once", is_flag=True, help="Poll once, then exit.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, without doing it.")
@click.option("--cleanup", is_flag=True, help="Remove the responder's own entries, and no others.")
@click.option(
    "--interval", type=click.FloatRange(min=0.5), default=10.0, show_default=True, help="Seconds between polls."
)
@click.option("--safe", multiple=True, metavar="CIDR", help="An address or CIDR block to never deny; repeatable.")
@click.option("-v", "--verbose", is_flag=True, help="Add the original's words, each entry, each time.")
@click.option("--yes", is_flag=True, help="Do not ask before changes to a real AWS account.")
def respond(
    once: bool, dry_run: bool, cleanup: bool, interval: float, safe: tuple[str, ...], verbose: bool, yes: bool
) -> None:
    """Deny the addresses in your rule's alerts, until Ctrl-C. This is the original lab's bot.

    It owns the egress entries 1 to 99 of your network ACL that deny a single address, and changes no others. The RuleID
    and the NetworkAclId are looked up; the lab's host is moved into your VPC if it is not there yet.
    """
    from labkit.steps.responding import students_responder
    from labkit.steps.session import open_session

    session = open_session()
    responder = students_responder(session, partial(_print, verbose), safe, interval)
    if dry_run:
        _dry_run(responder, cleanup)
        return
    _agree(session, yes)
    if cleanup:
        removed = responder.cleanup()
        echo(f"Removed from {responder.network_acl_id}: {len(removed)} of the responder's own entries.")
        return
    _place_host(session)
    if once:
        responder.run_once()
    else:
        _run(session, responder)


def _place_host(session: LabSession) -> None:
    """Part 3 begins: the lab's own host moves to where the responder's entries are in force, else they do nothing."""
    from labkit.steps import host

    if session.backend.aws.host is not None and not host.host_subnets(session):
        echo(prose(in_terminal(f"{host.do_subnet(session).title} `labkit reset host_subnet` undoes this.")))


def _run(session: LabSession, responder: Responder) -> None:
    from labkit.steps.rehearsal import earlier_alerts

    if words := earlier_alerts(session):
        echo(prose(in_terminal(words)))
    echo("Ctrl-C stops it. Milliseconds: from event to entry.")
    try:
        responder.run(threading.Event())
    except KeyboardInterrupt:
        echo(
            prose(
                in_terminal("\nThe responder was stopped. Its entries stay; `labkit respond --cleanup` removes them.")
            )
        )
    except LabError:
        sys.exit(1)  # the responder has said why


def _dry_run(responder: Responder, cleanup: bool) -> None:
    if cleanup:
        lines = [f"Would remove entry {entry.rule_number}: {entry}." for entry in responder.own()]
    else:
        lines = [outcome.would for outcome in responder.look().outcomes]
    for line in lines or ["Would do nothing."]:
        echo(one_line(line))


def _print(verbose: bool, said: Message) -> None:
    """One line: when, what kind, the milliseconds from the event to the entry, and the sentence."""
    sign, colour = SIGNS.get(said.kind, ("·", None))
    took = "" if said.event_to_entry_ms is None else f"{said.event_to_entry_ms} ms"
    narrow = columns() < NARROW
    clock, took = ("", f"{took:>6} ") if narrow else (f"{datetime.now():%H:%M:%S}  ", f"{took:>9}  ")
    indent = " " * (len(clock) + len(took) + 2)
    sentences = [said.plain or said.sentence]
    if verbose:
        sentences += [said.sentence] if said.plain else []
        if said.kind in ("added", "replaced") and said.entry:
            sentences.append(f"{json.dumps(said.entry.to_aws())}{_times(said)}")
    lines = [line for words in sentences for line in wrapped(in_terminal(words), len(indent))]
    echo(styled(clock, dim=True), styled(sign, fg=colour), " ", styled(took, bold=True), lines[0])
    for line in lines[1:]:
        echo(indent, line)


def _times(said: Message) -> str:
    if said.event_to_alert_ms is None or said.alert_to_entry_ms is None:
        return ""
    return f"  event → {said.event_to_alert_ms} ms → alert → {said.alert_to_entry_ms} ms → entry"


def _agree(session: LabSession, yes: bool) -> None:
    """Ask once for the account and region, when the world wants a yes first."""
    if yes:
        session.agree_unasked()
    try:
        session.require_agreement()
    except ConsentNeeded as question:
        echo(f"{question.what} {question.why}")
        if not click.confirm("Continue?"):
            raise click.Abort from question
        session.agree()
