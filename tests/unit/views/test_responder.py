"""The timeline, the responder's view, and its panel driven without a browser."""

from __future__ import annotations

import threading

import pytest

from labkit.model.errors import InvalidInput, LabError
from labkit.model.network_acl import Entry, NetworkAcl
from labkit.model.response.messages import Kind, Message, milliseconds
from labkit.views.forms.responder import START, STOP, ResponderPanel
from labkit.views.panels.responder import MOST_LINES, ResponderEnd, ResponderView
from labkit.views.pictures.timeline import Timeline
from tests.wait import PATIENCE_SECONDS, until

T0 = milliseconds("2026-11-24T21:40:12.481Z")
ACL = NetworkAcl("acl-7", "vpc-7", True, (Entry(1, True, "deny", "-1", "203.0.113.10/32"),))
ATTACK = "<script>alert('x')</script>"


def added(address: str = "203.0.113.10", at_ms: int = T0) -> Message:
    entry = Entry(1, True, "deny", "-1", f"{address}/32")
    return Message(
        "added", f"Added entry 1: deny all to {address}/32.", address, "a1", entry, at_ms, at_ms + 3, at_ms + 15
    )


def test_the_timeline_draws_the_newest_and_lists_all_with_the_milliseconds_between() -> None:
    timeline = Timeline([added(), Message("poll", "…"), added("198.51.100.1", T0 + 1000)])
    assert [one.address for one in timeline.moments] == ["198.51.100.1", "203.0.113.10"]
    assert timeline.sentence == "198.51.100.1: event at 21:40:13.481, alert 3 ms later, deny entry 12 ms after that."
    html = timeline._repr_html_()
    assert 'role="img"' in html and html.count("<circle") == 3 and "12 ms" in html
    assert "203.0.113.10" in repr(timeline) and "15 ms" in repr(timeline)
    assert list(timeline.frame["event_to_entry_ms"]) == [15, 15]


def test_without_times_the_timeline_is_a_sentence() -> None:
    timeline = Timeline([Message("added", "again")])
    assert repr(timeline) == "No entry has been made yet."
    assert "<svg" not in timeline._repr_html_()


def test_an_event_whose_time_is_not_known_is_a_dash() -> None:
    said = Message("added", "x", "203.0.113.10", alerted_at_ms=T0, entered_at_ms=T0 + 20_000)
    assert "–" in Timeline([said])._repr_html_() and "20.0 s" in repr(Timeline([said]))


def test_the_view_shows_timeline_network_acl_and_transcript_and_the_same_in_plain_words() -> None:
    view = ResponderView("stopped", [Message("started", "It began."), added()], ACL, "us-east-1")
    for words in (view._repr_html_(), repr(view)):
        assert "It began." in words and "1 of 20 used" in words and "12 ms" in words
    assert len(view.records()) == 2


def test_what_an_attacker_wrote_is_shown_as_text() -> None:
    html = ResponderView("stopped", [Message("refused", f"“{ATTACK}” is not denied.", ATTACK)])._repr_html_()
    assert ATTACK not in html and "&lt;script&gt;" in html


def test_a_long_transcript_is_cut_on_the_page_only() -> None:
    view = ResponderView("running", [Message("refused", f"line {number}.") for number in range(200)])
    assert view.earlier == 200 - MOST_LINES
    assert "line 199." in view._repr_html_() and "line 1." not in view._repr_html_()
    assert "line 1." in repr(view)


class FakeResponder:
    """Says what it is told to, until it is stopped; `fault` is raised first of all."""

    network_acl = ACL

    def __init__(self, say, safe, lines=("running",), fault: BaseException | None = None) -> None:
        self.say, self.safe, self.lines, self.fault = say, safe, lines, fault

    def run(self, stop: threading.Event) -> None:
        for line in self.lines:
            self.say(Message("poll", line))
        if self.fault is not None:
            raise self.fault
        stop.wait(PATIENCE_SECONDS)
        self.say(Message("ended", "Stopped."))


def shown(panel: ResponderPanel) -> str:
    return panel._live.value


def test_start_and_stop_are_immediate_and_leave_the_transcript_in_the_twin() -> None:
    panel = ResponderPanel(FakeResponder)
    assert "not started" in shown(panel)
    panel.buttons[START].click()
    assert "works while you go on" in panel.message.value
    until(lambda: "responder: running" in shown(panel) and "acl-7" in shown(panel))
    panel.buttons[STOP].click()
    assert not panel.running
    assert "Its entries stay." in panel.message.value
    assert "The responder: stopped" in shown(panel) and "Stopped." in shown(panel)
    assert "Stopped." in repr(panel)


def test_started_twice_it_is_one_and_stopped_twice_it_says_so() -> None:
    made = []
    panel = ResponderPanel(lambda say, safe: made.append(1) or FakeResponder(say, safe))
    panel.start()
    assert "already" in repr(panel.start())
    panel.stop()
    assert len(made) == 1
    assert "No responder is running" in repr(panel.stop())


def test_the_safe_list_is_read_from_its_field_and_a_fault_in_it_is_shown_there() -> None:
    made = []

    def make(say, safe):
        made.append(safe)
        if safe == ("nonsense",):
            raise InvalidInput("“nonsense” is not an address.", "", "", field="safe")
        return FakeResponder(say, safe)

    panel = ResponderPanel(make, safe=("203.0.113.9",))
    panel.start()
    panel.stop()
    panel.fields["safe"].value = " nonsense ,"
    panel.buttons[START].click()
    assert made == [("203.0.113.9",), ("nonsense",)]
    assert "is not an address" in panel.message.value and not panel.running


@pytest.mark.parametrize("fault", [LabError("The network ACL is gone."), ZeroDivisionError()])
def test_a_responder_that_ends_by_itself_is_seen_to_have_ended(fault: BaseException) -> None:
    panel = ResponderPanel(lambda say, safe: FakeResponder(say, safe, fault=fault))
    panel.start()
    until(lambda: "The responder: stopped" in shown(panel))
    assert ("a bug in the lab" in shown(panel)) == isinstance(fault, ZeroDivisionError)


def test_a_burst_is_drawn_a_few_times_not_once_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = ResponderPanel(lambda say, safe: FakeResponder(say, safe, [f"line {number}" for number in range(500)]))
    drawn = []
    draw = panel.refresh
    monkeypatch.setattr(panel, "refresh", lambda: (drawn.append(1), draw()))
    panel.start()
    until(lambda: "line 499" in shown(panel))
    panel.stop()
    assert len(drawn) < 20 and len(panel.said) == 501


def test_an_interrupt_ends_it() -> None:
    panel = ResponderPanel(FakeResponder)
    panel.start()
    panel.interrupt()
    until(lambda: "The responder: stopped" in shown(panel))


def entry_said(kind: Kind, number: int) -> Message:
    entry = Entry(number, True, "deny", "-1", f"198.51.100.{number}/32")
    return Message(kind, f"About {number}.", f"198.51.100.{number}", "a1", entry)


def test_what_it_said_of_many_addresses_is_one_line_and_of_two_it_is_two() -> None:
    view = ResponderView("ran once", [entry_said("added", number) for number in range(6, 20)])
    assert view.lines[0].startswith("Added 14 entries, 6 to 19: deny all to 198.51.100.6, 198.51.100.7")
    kept = ResponderView("ran once", [entry_said("kept", number) for number in (2, 5, 9)])
    assert "3 addresses are denied already: 198.51.100.2 by entry 2, 198.51.100.5 by entry 5" in repr(kept)
    two = [entry_said("added", 1), entry_said("added", 2), entry_said("kept", 3)]
    assert ResponderView("ran once", two).lines == ["About 1.", "About 2.", "About 3."]
    assert len(kept.records()) == 3


def test_once_it_has_looked_and_made_nothing_no_entry_is_waited_for() -> None:
    said = [Message("refused", "10.0.0.2 is not denied: it is your VPC’s resolver.", "10.0.0.2")]
    assert "No entry has been made yet" in ResponderView("running", said)._repr_html_()
    assert "No entry has been made yet" not in ResponderView("ran once", said)._repr_html_()


def test_its_end_says_how_many_entries_stay() -> None:
    assert "added no entries; stopping it removes none." in repr(ResponderEnd([Message("started", "It began.")]))
    assert "added 1 entry; " in repr(ResponderEnd([added()]))
    assert "added 2 entries; " in ResponderEnd([added(), entry_said("replaced", 4)])._repr_html_()


def test_of_a_burst_the_timeline_lists_the_newest_and_says_of_how_many() -> None:
    timeline = Timeline([added(f"198.51.100.{number}", T0 + number) for number in range(1, 19)])
    assert "the newest 8 of 18" in timeline._repr_html_() and "198.51.100.18" in repr(timeline)
    assert "198.51.100.10 " not in repr(timeline) and len(timeline.frame) == 18
    assert "newest" not in Timeline([added()]).caption
