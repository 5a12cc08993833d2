"""A chapter's last cell says what was built, or stops and says what is missing."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from labkit import steps
from labkit.lab.lab import Lab, open_lab
from labkit.model.errors import InvalidInput, LabError, StepNotReady
from labkit.model.network_acl import Entry
from labkit.services import aws
from labkit.services.detection.api import DetectionApi
from labkit.steps import host, network, protection
from tests.wait import until


def test_it_names_what_was_built_the_command_to_look_at_it_and_the_next_chapter(lab: Lab) -> None:
    list(steps.solve(lab._session, steps.named("2")))
    words, notes = lab.finish("2").text(), lab._session.notes
    assert "Part 2 is done: 8 of 8 steps." in words and "Part 3: the self-protecting cloud" in words
    for name in ("vpc_id", "network_acl_id", "rule_id"):
        assert notes.get(name) in words
    assert f"--network-acl-ids {notes.get('network_acl_id')}" in words
    assert "1 minute since the first step of this part was done" in words
    assert 'href="03_self_protecting_cloud.ipynb"' in lab.finish("2")._repr_html_()


def test_part_2_ends_with_a_picture_of_what_was_built_and_of_what_comes(lab: Lab) -> None:
    list(steps.solve(lab._session, steps.named("2")))
    shown = lab.finish("2").picture
    notes = lab._session.notes
    for name in ("vpc_id", "network_acl_id", "rule_id"):
        assert notes.get(name) in shown.text()
    assert "Part 3 adds your host, and a responder." in shown.text() and shown.times == []


def test_part_3_ends_with_how_fast_it_was_if_that_was_measured_and_says_nothing_of_it_otherwise(lab: Lab) -> None:
    list(steps.solve(lab._session, steps.STEPS))
    (answer,) = protection.answers(lab._session)
    shown = lab.finish("3").picture
    (subnet,) = host.host_subnets(lab._session)
    assert subnet.id in shown.text() and "1 ⊘ all to 203.0.113.10/32" in shown.entries
    assert f"203.0.113.10: event → alert {answer.event_to_alert_ms} ms" in shown.text()
    assert f"total {answer.event_to_entry_ms} ms" in shown.text() or answer.event_to_entry_ms >= 10_000

    acl = network.students_network_acl(lab._session)
    aws.replace_entry(lab._session.aws.ec2, acl.id, Entry(1, True, "deny", "-1", "198.51.100.7/32"))
    assert lab.finish("3").picture.times == [], "nobody connected there"
    assert lab.finish("4").picture.protects


def test_of_several_answers_only_the_newest_is_looked_up(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    list(steps.solve(lab._session, steps.STEPS))
    lab._lab_host().run(["curl", "-sS", "--connect-timeout", "1", "example.com"])
    until(lambda: any("198.51.100.7" in alert.title for alert in protection.students_alerts(lab._session)))
    lab.respond_once()
    looked_up, events_of = [], DetectionApi.alert_events
    monkeypatch.setattr(DetectionApi, "alert_events", lambda *of: (looked_up.append(of), events_of(*of))[1])
    assert "198.51.100.7: event → alert" in lab.finish("3").picture.text()
    assert len(looked_up) == 1 < len(protection.answers(lab._session))


def test_part_3_names_the_alert_of_the_site_though_a_name_was_looked_up_later(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(steps.solve(lab._session, steps.STEPS))
    of_site = next(one for one in protection.students_alerts(lab._session) if "203.0.113.10" in one.title)
    look_up = replace(of_site, title="a look-up", aggregates=(("dst_ip", "10.0.0.2"),))
    for alerts, named in (([look_up, of_site], of_site), ([look_up, look_up], look_up)):
        monkeypatch.setattr(protection, "students_alerts", lambda _, alerts=alerts: iter(alerts))
        assert f"“{named.title}”" in protection.check_alert(lab._session).found


def test_what_is_missing_is_listed_and_the_cell_stops(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    list(steps.solve(lab._session, steps.named("vpc")))
    with pytest.raises(StepNotReady, match=r"not done yet: .* of 8 steps are missing") as stopped:
        lab.finish("2")
    assert stopped.value.step in ("network_acl_id", "rule")
    assert "3 of 8 steps done" in capsys.readouterr().out or stopped.value.step == "rule"


def test_the_time_counts_from_the_first_step_of_the_part_whatever_is_opened_meanwhile(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.enter_student_number(7)
    lab.check("student_number")
    an_hour_later = time.time() + 3600
    monkeypatch.setattr("labkit.steps.progress_notes.time.time", lambda: an_hour_later)
    list(steps.solve(lab._session, steps.named("2")))
    assert "60 minutes since the first step" in open_lab().finish("2").text()

    list(steps.reset(lab._session, steps.named("2")))
    list(steps.solve(lab._session, steps.named("2")))
    assert "1 minute since the first step" in lab.finish("2").text()


def test_after_cleaning_up_it_looks_for_what_bore_the_number_that_was_in_use(lab: Lab) -> None:
    list(steps.solve(lab._session, steps.STEPS))
    here = open_lab()
    with pytest.raises(LabError, match=r"Still there: VPC in us-east-1: vpc-.*, Rule: .*, Notes: student 1"):
        here.finish("5")
    list(steps.reset(lab._session, steps.STEPS))
    assert "Nothing of yours is left." in here.finish("5").text()
    list(steps.solve(lab._session, steps.named("vpc")))
    with pytest.raises(LabError, match="Still there: VPC in us-east-1: vpc-"):
        here.finish("5")


def test_whose_things_to_look_for_is_asked_where_nobody_knows(lab: Lab) -> None:
    lab._session.notes.forget("last_student")
    with pytest.raises(LabError, match="cannot tell what was yours"):
        lab.finish("5")


def test_a_chapter_that_is_not_there_has_no_end(lab: Lab) -> None:
    with pytest.raises(InvalidInput, match="no chapter “7”"):
        lab.finish("7")


def test_after_the_experiments_it_looks_at_the_steps_of_part_3_and_leads_to_the_clean_up(lab: Lab) -> None:
    list(steps.solve(lab._session, steps.named("2")))
    with pytest.raises(StepNotReady, match="Part 3 is not done yet"):
        lab.finish("4")
    list(steps.solve(lab._session, steps.named("3")))
    shown = lab.finish("4").text()
    assert "Your cloud protects itself: 3 of 3 steps of part 3." in shown and "Part 5: clean up" in shown
