"""The picture of where a packet was stopped, over the host's real packets and whatever the entries are by then."""

from __future__ import annotations

import pytest

from labkit import steps
from labkit.lab.lab import Lab
from labkit.model.errors import InvalidInput
from labkit.model.network_acl import Entry
from labkit.services import aws
from labkit.steps.network import students_network_acl
from labkit.views.pictures.topology import Stop, Topology

SITE, MIRROR, SIX = "203.0.113.10", "198.51.100.80", "2001:db8:bad::10"
CURL = "curl -sS --connect-timeout 1 "


@pytest.fixture
def ready(lab: Lab) -> Lab:
    """The host lives in the student's VPC, and nothing is denied."""
    list(steps.solve(lab._session, (*steps.named("2"), *steps.named("host_subnet"))))
    return lab


def add(lab: Lab, entry: Entry) -> None:
    aws.create_entry(lab._session.aws.ec2, students_network_acl(lab._session).id, entry)


def topology(lab: Lab, destination: str = "", port: int | None = None) -> Topology:
    shown = lab.topology(destination, port)
    assert isinstance(shown, Topology)
    return shown


def test_before_the_host_is_placed_nothing_filters_it(lab: Lab) -> None:
    list(steps.solve(lab._session, steps.named("network_acl_id")))
    shown = topology(lab)
    assert (shown.network_acl, shown.title) == (None, "Nothing filters the host yet")


def test_what_was_never_sent_is_worked_out_from_the_entries_in_force(ready: Lab) -> None:
    add(ready, Entry(1, True, "deny", "6", f"{SITE}/32", (7777, 7777)))
    shown = topology(ready, SITE, 7777)
    assert (shown.met, shown.stop) == (None, Stop(True, 1))
    assert shown.network_acl == students_network_acl(ready._session)


def test_a_destination_that_is_not_there_is_refused_with_those_that_are(ready: Lab) -> None:
    with pytest.raises(InvalidInput, match=r"mirror\.example\.net"):
        ready.topology("nobody.example")


@pytest.mark.tier_1
def test_the_last_connection_is_drawn_with_the_entry_that_dropped_its_packets(ready: Lab) -> None:
    ready.run(CURL + "dadismad.com")
    passed = topology(ready)
    assert (passed.address, passed.port, passed.name) == (SITE, 80, "dadismad.com")
    assert passed.met is not None and passed.stop is None

    add(ready, Entry(7, True, "deny", "-1", f"{SITE}/32"))
    assert "entry 7 would stop the next one" in topology(ready).change
    ready.run(CURL + "dadismad.com")
    dropped = topology(ready)
    assert dropped.met is not None and dropped.met.stop == Stop(True, 7) and dropped.met.packets >= 1
    counted = ready._lab_host().status().packets[True, 7]
    assert dropped.met.packets == counted and str(counted) in dropped.text()

    ready.remove_entry(7)
    assert topology(ready).stop == Stop(True, 7) and "nothing would stop" in topology(ready).change


@pytest.mark.tier_1
def test_what_was_sent_before_the_host_moved_in_is_not_attributed_to_its_network_acl(ready: Lab) -> None:
    ready.run(CURL + "dadismad.com")
    assert topology(ready, "dadismad.com").met is not None
    ready.reset("host_subnet")
    ready.place_host()
    assert topology(ready, "dadismad.com").met is None


@pytest.mark.tier_1
def test_an_answer_that_is_dropped_ends_in_the_ingress_lane(ready: Lab) -> None:
    add(ready, Entry(50, False, "deny", "6", f"{MIRROR}/32", (1024, 65535)))
    ready.run(CURL + "mirror.example.net")
    shown = topology(ready, "mirror.example.net")
    assert shown.met is not None and shown.met.stop == Stop(False, 50)
    assert [lane.heading for lane in shown.lanes] == ["egress entry 100", "ingress entry 50"]


@pytest.mark.tier_1
def test_each_destination_has_its_own_last_connection(ready: Lab) -> None:
    add(ready, Entry(7, True, "deny", "-1", f"{SITE}/32"))
    ready.run(CURL + "dadismad.com")
    ready.run(CURL + "mirror.example.net:443")
    assert (topology(ready).address, topology(ready).port) == (MIRROR, 443)
    assert topology(ready, "dadismad.com").stop == Stop(True, 7)
    assert topology(ready, MIRROR, 80).met is None


@pytest.mark.tier_1
def test_over_ipv6_the_host_is_at_its_other_address_and_only_an_ipv6_entry_stops_it(ready: Lab) -> None:
    ready.allow_ipv6()
    add(ready, Entry(7, True, "deny", "-1", "203.0.113.66/32"))
    ready.run(CURL + "six.dadismad.com")
    shown = topology(ready, "six.dadismad.com")
    assert (shown.address, shown.stop) == (SIX, None) and ":" in shown.host
    add(ready, Entry(8, True, "deny", "-1", f"{SIX}/128"))
    ready.run(CURL + f"[{SIX}]")
    assert topology(ready).stop == Stop(True, 8)
