"""What a rehearsal left behind, which makes the responder deny at once."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime

from labkit.model.errors import LabError
from labkit.model.response.plan import plan
from labkit.model.response.response import Add, Replace, own_entries
from labkit.model.response.safe_addresses import never_deny
from labkit.services.detection.destinations import AlertDestinations
from labkit.steps.network import students_network_acl
from labkit.steps.rule import students_rule
from labkit.steps.session import LabSession

MOST_NAMED = 2
FRESH = "For a fresh demo: lab.reset('first_alert')"


def earlier_alerts(session: LabSession) -> str:
    """A sentence about alerts on which the responder acts at once, and about its entries; "" if there are none."""
    try:
        rule, network_acl = students_rule(session), students_network_acl(session)
        read = AlertDestinations(session.detection, rule.id, rule.window_seconds).read(time.time_ns() // 1_000_000)
    except LabError:
        return ""
    planned = plan(read.destinations, network_acl.entries, never_deny()).outcomes
    denied = {str(entry.network.network_address): None for entry in own_entries(network_acl.entries)}
    ahead = {one.destination.address: None for one in planned if isinstance(one, Add | Replace)}
    if not denied and not ahead:
        return ""
    already = f"{listed(denied)} {'is' if len(denied) == 1 else 'are'} denied already"
    will = f"the responder will deny {listed(ahead)} at once" if ahead else already
    if not read.destinations:
        return f"{already}, by the responder's own entries. {FRESH}"
    count = len({one.alert_id for one in read.destinations})
    since = datetime.fromtimestamp(min(one.alerted_at_ms for one in read.destinations) / 1000, UTC)
    when = f"{since:{'%H:%M' if since.date() == datetime.now(UTC).date() else '%Y-%m-%d %H:%M'}} UTC"
    alerts = f"{count} alert{' of your rule is' if count == 1 else 's of your rule are'} active since {when}"
    return f"{alerts}; {will}. {FRESH}"


def listed(addresses: Iterable[str]) -> str:
    """The first addresses, and how many more there are.

    >>> listed(["203.0.113.10", "203.0.113.20", "203.0.113.30"])
    '203.0.113.10, 203.0.113.20 and 1 more'
    """
    named = list(addresses)
    more = len(named) - MOST_NAMED
    return ", ".join(named[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
