"""An experiment first checks the states that it needs, and afterwards the outcome that its text states."""

from __future__ import annotations

from dataclasses import replace

import pytest

from labkit import steps
from labkit.lab.lab import Lab
from labkit.lab.links import link_of
from labkit.model.errors import InvalidInput, LabError, StepNotReady
from labkit.steps.network import students_network_acl
from labkit.steps.protection import students_alerts
from labkit.steps.rule import students_rule
from tests.wait import until

CURL = "curl -sS --connect-timeout 1 "


@pytest.fixture
def ready(lab: Lab) -> Lab:
    """The host lives in the student's VPC, and nothing is denied."""
    list(steps.solve(lab._session, (*steps.named("2"), *steps.named("host_subnet"))))
    return lab


@pytest.mark.parametrize(
    ("needs", "words"),
    [
        ("entry 150", "needs egress entry 150"),
        ("ingress entry 50", "needs ingress entry 50"),
        ("responder runs", "must be running here"),
        ("responder stopped, entry 7", "needs egress entry 7"),
        ("suppression 198.51.100.7", 'lab.suppress("198.51.100.7")'),
        ("deny_entry", "Complete “An alert of your rule” first"),
    ],
)
def test_a_state_that_does_not_hold_stops_the_call_before_anything_happens(ready: Lab, needs: str, words: str) -> None:
    before = ready._lab_host().connections()
    with pytest.raises(StepNotReady) as stopped:
        ready.run(CURL + "dadismad.com", expect=0, needs=needs)
    assert words in str(stopped.value)
    assert link_of(stopped.value).startswith("#") or needs.endswith("entry 7")
    assert ready._lab_host().connections() == before
    ready.entries(needs="entry 100, responder stopped, dadismad.com not denied")


def test_what_is_neither_a_step_nor_a_state_is_refused(ready: Lab) -> None:
    with pytest.raises(InvalidInput, match="cannot be needed"):
        ready.entries(needs="good luck")


def test_a_site_that_is_denied_already_is_named_with_the_entry_and_the_way_out(ready: Lab) -> None:
    list(steps.solve(ready._session, steps.named("3")))
    with pytest.raises(
        StepNotReady, match=r"dadismad.com is denied already. Egress entry 1 .*lab.reset\('first_alert'\)"
    ):
        ready.run("curl -sS dadismad.com", needs="dadismad.com not denied")


@pytest.mark.tier_1
def test_an_outcome_other_than_the_text_states_says_which_entry_made_it(ready: Lab) -> None:
    assert ready.run(CURL + "dadismad.com", expect=0).code == 0
    with pytest.raises(LabError, match=r"The text expects exit code 28; it was 0. No entry dropped the packets."):
        ready.run(CURL + "mirror.example.net", expect=28)
    ready.add_entry(150, cidr_block="198.51.100.80/32", egress=False)
    ready.add_entry(50, cidr_block="198.51.100.80/32", egress=False)
    assert ready.run(CURL + "mirror.example.net", expect=28).code == 28
    with pytest.raises(LabError, match=r"it was 28. Ingress entry 50 denies .*lab.remove_entry\(50, egress=False\)"):
        ready.run(CURL + "mirror.example.net", expect=0)
    assert len(students_network_acl(ready._session).entries) == 6


@pytest.mark.parametrize(
    ("site", "words"),
    [("dadismad.com", "there was nothing to put back"), ("example.com", "all alerts were dismissed")],
)
def test_restoring_reads_the_events_of_an_alert_that_names_no_address(ready: Lab, site: str, words: str) -> None:
    session, mine = ready._session, students_rule(ready._session)
    session.detection.update_rule(replace(mine, aggregate_fields=("exe",)))
    ready.run(CURL + site)
    until(lambda: list(students_alerts(session)))
    session.detection.update_rule(mine)
    assert words in ready.restore().text()
