"""The responder against the sandbox: alerts in, entries out, and what it says of it."""

from __future__ import annotations

import queue
import threading

import pytest

from labkit.model.detection.records import Alert
from labkit.model.errors import LabError
from labkit.model.network_acl import Packet, decide
from labkit.model.response.messages import Message
from labkit.model.response.response import Keep
from labkit.sandbox.detection import seed_data
from labkit.sandbox.detection.store.alerts import Dismissal
from labkit.sandbox.detection.timestamps import now_ms
from labkit.services import aws
from tests.sandbox.responder.fixtures import RULE_ID, Scene, add_event, raise_alert, rate_limit, running, scene
from tests.wait import until

__all__ = ["rate_limit", "scene"]

DADISMAD = "203.0.113.10"


def test_an_alert_becomes_a_deny_entry_that_decides(scene: Scene) -> None:
    raise_alert(scene.store, DADISMAD)
    scene.responder().run_once()
    assert scene.denied() == {1: f"{DADISMAD}/32"}
    assert not decide(scene.entries(), Packet.outbound(DADISMAD, "tcp", 80)).allowed


def test_ipv6_becomes_an_ipv6_entry(scene: Scene) -> None:
    raise_alert(scene.store, "2001:db8::6")
    scene.responder().run_once()
    assert scene.denied() == {1: "2001:db8::6/128"}


def test_without_alerts_nothing_is_written_and_the_originals_line_says_so_once(scene: Scene) -> None:
    responder, before = scene.responder(), scene.entries()
    for _ in range(3):
        responder.run_once()
    assert scene.entries() == before
    assert scene.sentences == ["Alert poll returned destination set() source [] to block at the firewall"]


def test_it_says_the_originals_line_with_the_hosts_private_address_and_each_thing_once(scene: Scene) -> None:
    responder = scene.responder()
    responder.run_once()
    raise_alert(scene.store, DADISMAD)
    for _ in range(3):
        responder.run_once()
    address = scene.service.api().agent(seed_data.LAB_AGENT_ID).private_addresses[0]
    assert scene.sentences[1:] == [
        "Alert poll returned destination {'203.0.113.10/32'} source "
        f"[{{'container': 'Host', 'address': '{address}'}}] to block at the firewall",
        "Added entry 1: deny all to 203.0.113.10/32.",
    ]


def test_an_entry_states_its_times(scene: Scene) -> None:
    alert_id = raise_alert(scene.store, DADISMAD)
    scene.responder().run_once()
    (added,) = scene.kinds("added")
    assert added.alert_id == alert_id and added.address == DADISMAD
    assert added.event_to_alert_ms == 5
    assert added.alert_to_entry_ms is not None and 0 <= added.alert_to_entry_ms < 10_000


def test_other_rules_and_dismissed_alerts_are_nothing_to_it(scene: Scene) -> None:
    raise_alert(scene.store, "198.51.100.1", rule_id="448889bf-eb81-11ec-b41e-1734e5d9feb1")
    dismissed = raise_alert(scene.store, "198.51.100.2")
    scene.store.alerts.dismiss(scene.service.organization_id, [dismissed], Dismissal("OTHER", "x", "me", now_ms()))
    scene.responder().run_once()
    assert scene.denied() == {}


def test_where_the_rule_does_not_aggregate_by_destination_the_events_tell_and_later_ones_too(scene: Scene) -> None:
    responder = scene.responder()
    alert_id = raise_alert(scene.store, "198.51.100.1", "198.51.100.2", aggregated=False)
    responder.run_once()
    assert set(scene.denied().values()) == {"198.51.100.1/32", "198.51.100.2/32"}
    add_event(scene.store, alert_id, "198.51.100.3", now_ms())
    responder.run_once()
    assert scene.denied()[3] == "198.51.100.3/32"


def test_an_entry_taken_away_by_hand_comes_back_while_its_alert_is_active(scene: Scene) -> None:
    responder = scene.responder()
    raise_alert(scene.store, DADISMAD)
    responder.run_once()
    aws.delete_entry(scene.ec2, scene.network_acl_id, 1, egress=True)
    responder.run_once()
    assert scene.denied() == {1: f"{DADISMAD}/32"}
    first, again = scene.kinds("added")
    assert first.event_to_entry_ms is not None and again.event_to_entry_ms is None


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("10.7.0.2", "your VPC’s resolver"),
        ("10.7.9.9", "in your VPC’s own range"),
        ("192.168.1.1", "a private address"),
        ("127.0.0.1", "a loopback address"),
        ("169.254.169.254", "the instance metadata address"),
        ("fd00:ec2::254", "the instance metadata address"),
        ("::ffff:10.0.0.1", "a private address"),
        ("203.0.113.200", "where AWS (EC2) answers"),
        ("198.51.100.77", "on your list of safe addresses"),
        ("ff02::1", "a multicast address"),
        ("fe80::1", "a link-local address"),
        ("255.255.255.255", "the broadcast address"),
    ],
)
def test_a_safe_address_is_never_denied_and_the_reason_is_said_once(scene: Scene, address: str, why: str) -> None:
    raise_alert(scene.store, address)
    responder = scene.responder(listed=("198.51.100.64/28",))
    for _ in range(2):
        responder.run_once()
    assert scene.denied() == {}
    (refused,) = scene.kinds("refused")
    assert why in refused.sentence and refused.address == address


def test_looking_changes_nothing(scene: Scene) -> None:
    raise_alert(scene.store, DADISMAD)
    before = scene.entries()
    plan = scene.responder().look()
    assert [one.would for one in plan.outcomes] == ["Would add entry 1: deny all to 203.0.113.10/32."]
    assert scene.entries() == before and scene.said == []


def test_cleaning_up_takes_its_own_entries_and_no_other(scene: Scene) -> None:
    raise_alert(scene.store, DADISMAD)
    raise_alert(scene.store, "2001:db8::6")
    scene.make(50, "198.51.100.0/24")
    scene.make(150, "198.51.100.9/32")
    before = scene.entries()
    responder = scene.responder()
    responder.run_once()
    assert len(responder.cleanup()) == 2
    assert scene.entries() == before
    assert responder.cleanup() == ()


def test_the_entry_of_the_oldest_alert_makes_room_also_for_a_responder_that_was_started_again(scene: Scene) -> None:
    first = now_ms() - 7200_000
    for number in range(1, 19):  # older than the look-back: a new responder has to ask for their age
        raise_alert(scene.store, f"198.51.100.{number}", at_ms=first + (1 if number == 7 else 1000 * number))
    scene.responder(look_back_seconds=9000).run_once()
    assert len(scene.denied()) == 18
    raise_alert(scene.store, DADISMAD)
    scene.responder().run_once()
    assert "198.51.100.7/32" not in scene.denied().values()
    assert f"{DADISMAD}/32" in scene.denied().values() and len(scene.denied()) == 18
    (replaced,) = scene.kinds("replaced")
    assert "20 of 20 egress IPv4 entries are used" in replaced.sentence and "198.51.100.7/32" in replaced.sentence


def test_stopping_is_immediate_however_long_the_interval(scene: Scene) -> None:
    with running(scene.responder(interval_seconds=3600)) as stop:
        until(lambda: scene.kinds("poll"))
        stop.set()
        until(lambda: scene.kinds("ended"))
    assert threading.active_count() < 20


def test_news_wakes_it_however_long_the_interval(scene: Scene) -> None:
    told: queue.Queue[str] = queue.Queue()

    def wait() -> list[Alert]:
        alert_id = told.get()
        return [Alert.from_api(scene.store.alerts.alert(scene.service.organization_id, alert_id))] if alert_id else []

    with running(scene.responder(interval_seconds=3600, wait=wait)):
        until(lambda: scene.kinds("poll"))
        for number in (1, 2):
            told.put(raise_alert(scene.store, f"198.51.100.{number}"))
            until(lambda number=number: len(scene.denied()) == number)
        raise_alert(scene.store, "198.51.100.3")
        told.put("")  # something is there, it does not say what
        until(lambda: len(scene.denied()) == 3)
    told.put("")


def test_an_alert_that_a_feed_reports_is_denied_before_anything_else_is_asked(scene: Scene) -> None:
    responder = scene.responder()
    responder.run_once()
    alert = Alert.from_api(scene.store.alerts.alert(scene.service.organization_id, raise_alert(scene.store, DADISMAD)))
    scene.faults.status = "500 Internal Server Error"
    with pytest.raises(LabError):
        responder.run_once([alert])
    assert scene.denied() == {1: f"{DADISMAD}/32"}
    assert scene.kinds("added")


@pytest.mark.parametrize("at_once", [True, False])
def test_what_it_says_of_news_does_not_depend_on_how_many_come_at_once(scene: Scene, at_once: bool) -> None:
    responder = scene.responder()
    responder.run_once()
    scene.said.clear()
    told: list[Alert] = []
    for address in ("10.7.0.9", DADISMAD):
        told.append(raised(scene, address))
        if not at_once or address == DADISMAD:
            responder.run_once(told)
            told = []
    (refused, poll, added) = scene.sentences
    assert refused.startswith("10.7.0.9 is not denied")
    assert poll.startswith("Alert poll returned destination {'203.0.113.10/32'} source")
    assert added == "Added entry 1: deny all to 203.0.113.10/32."


def test_news_of_what_was_said_already_are_not_worth_a_word(scene: Scene) -> None:
    known = [raised(scene, address) for address in ("10.7.0.9", DADISMAD)]
    responder = scene.responder()
    responder.run_once()
    scene.said.clear()
    responder.run_once(known[:1])
    responder.run_once(known)
    assert scene.sentences == []
    responder.run_once([raised(scene, "198.51.100.7")])
    assert [one.kind for one in scene.said] == ["poll", "added"]
    assert "{'198.51.100.7/32'}" in scene.sentences[0]
    responder.run_once()
    assert len(scene.said) == 2


def raised(scene: Scene, address: str) -> Alert:
    """An alert that is there, as a feed tells of it."""
    return Alert.from_api(scene.store.alerts.alert(scene.service.organization_id, raise_alert(scene.store, address)))


def test_a_feed_that_reports_other_rules_and_dismissed_alerts_changes_nothing(scene: Scene) -> None:
    responder = scene.responder()
    responder.run_once()
    alert = scene.store.alerts.alert(scene.service.organization_id, raise_alert(scene.store, DADISMAD, rule_id="other"))
    responder.run_once([Alert.from_api(alert), Alert.from_api(alert | {"ruleId": RULE_ID, "isDismissed": True})])
    assert scene.denied() == {}


def test_what_changed_since_the_last_look_is_fixed_right_after_a_hurried_entry(scene: Scene) -> None:
    responder = scene.responder()
    responder.run_once()
    scene.make(7, "0.0.0.0/0", "allow")
    scene.make(1, "198.51.100.0/24", "allow")
    alert = Alert.from_api(scene.store.alerts.alert(scene.service.organization_id, raise_alert(scene.store, DADISMAD)))
    responder.run_once([alert])
    assert scene.denied() == {2: f"{DADISMAD}/32"}


def test_started_twice_it_does_no_harm(scene: Scene) -> None:
    with running(scene.responder()), running(scene.responder()):
        for number in range(1, 19):
            raise_alert(scene.store, f"198.51.100.{number}")
        until(lambda: len(scene.denied()) == 18)
    assert sorted(scene.denied()) == list(range(1, 19))
    assert len(set(scene.denied().values())) == 18


def test_killed_and_started_again_it_finds_its_work_done(scene: Scene) -> None:
    raise_alert(scene.store, DADISMAD)
    scene.responder().run_once()
    (kept,) = scene.responder().run_once().outcomes
    assert isinstance(kept, Keep)
    assert scene.denied() == {1: f"{DADISMAD}/32"}


def test_a_quick_look_asks_for_the_newest_alerts_only(scene: Scene) -> None:
    responder = scene.responder()
    old = now_ms() - 600_000
    for number in range(150):
        raise_alert(scene.store, "198.51.100.1", at_ms=old + 1000 * number)
    responder.run_once()
    scene.faults.asked.clear()
    raise_alert(scene.store, DADISMAD)
    responder.run_once([])
    assert scene.faults.asked.count("/v2/alerts") == 1
    assert f"{DADISMAD}/32" in scene.denied().values()


def test_every_value_it_says_is_a_frozen_one(scene: Scene) -> None:
    raise_alert(scene.store, DADISMAD)
    scene.responder().run_once()
    assert all(isinstance(one, Message) for one in scene.said)
    with pytest.raises(AttributeError):
        setattr(scene.said[0], "sentence", "x")  # noqa: B010


def test_no_alert_is_read_beyond_the_look_back_except_the_last_ones_that_nobody_answered(scene: Scene) -> None:
    raise_alert(scene.store, "198.51.100.1", at_ms=now_ms() - 9_000_000)
    raise_alert(scene.store, DADISMAD, at_ms=now_ms() - 5_000_000)
    scene.responder().run_once()
    assert scene.denied() == {1: f"{DADISMAD}/32"}
    raise_alert(scene.store, "198.51.100.2")
    scene.responder().run_once()
    assert sorted(scene.denied().values()) == ["198.51.100.2/32", f"{DADISMAD}/32"]
