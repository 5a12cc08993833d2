"""What was measured is marked in the HTML: two runs of the lab differ by nothing else, and nobody sees the marks."""

from __future__ import annotations

import re
from html import unescape

import pytest

from labkit.model.check import CheckResult, Outcome
from labkit.model.detection.records import Alert
from labkit.model.network_acl import Entry, NetworkAcl
from labkit.model.response.messages import Message
from labkit.views.measured import measured
from labkit.views.panels.basic import ActionResult, CheckPanel
from labkit.views.panels.readiness import Line, Readiness
from labkit.views.panels.responder import ResponderView
from labkit.views.tables.host import AlertTable, RanView
from labkit.views.tables.network import AclEntriesTable
from labkit.views.view import View

ENTRY = Entry(1, True, "deny", "-1", "203.0.113.10/32")
ACL = NetworkAcl("acl-7", "vpc-7", True, (ENTRY, Entry(100, True, "allow", "-1", "0.0.0.0/0")))
CURL = "curl: (28) Operation timed out after {} milliseconds with {} bytes received"


def with_stand_ins(html: str) -> str:
    """What a handout makes of an output."""
    html = re.sub(r'<(span|tspan) data-as="([^"]*)">[^<]*</\1>', r"\2", str(html))
    return re.sub(r'aria-label="[^"]*" data-label-as=', "aria-label=", html)


def responder(at_ms: int, *, alert: int, entry: int) -> View:
    times = (at_ms, at_ms + alert, at_ms + alert + entry)
    return ResponderView("stopped", [Message("added", "Added entry 1.", "203.0.113.10", "a1", ENTRY, *times)], ACL)


def ran(seconds: float, dots: int, packets: int) -> View:
    said = CURL.format(round(1000 * seconds), dots)
    dropped = f"Egress entry 1 dropped {packets} packet{'s' if packets > 1 else ''} to 203.0.113.10."
    return RanView("curl time.example.org", 28, dots * ".", said, seconds, dropped)


def alerts(time: str) -> View:
    return AlertTable([Alert("a1", "A connection", 3, time, aggregates=(("dst_ip", "203.0.113.10"),))])


def check(time: str) -> View:
    return CheckPanel(CheckResult("alert", "An alert", Outcome.PASSED, "an alert", f"“A connection” at {time}"))


def clock(time: str) -> View:
    return Readiness([Line("Clock", "ready", f"{time} UTC; the services accept it", "GET /help/hawk/self-test")])


def counted(denied: int, allowed: int) -> View:
    return AclEntriesTable(ACL, packets={(True, 1): denied, (True, 100): allowed})


TWO_RUNS = {
    "responder": (responder(1_764_000_000_000, alert=3, entry=12), responder(1_764_000_099_123, alert=40, entry=2612)),
    "program": (ran(4.0, 6, 7), ran(4.4, 7, 1)),
    "alerts": (alerts("2026-11-25T02:00:48.174Z"), alerts("2026-11-26T12:01:08.729Z")),
    "check": (check("2026-11-25T02:00:48.174Z"), check("2026-11-25T02:01:08.729Z")),
    "clock": (clock("2026-11-25 02:00"), clock("2026-11-25 02:01")),
    "port": tuple(ActionResult("Saved.", [("Address", f"http://127.0.0.1:{port}")]) for port in (32787, 39081)),
    "packets": (counted(3, 12), counted(5, 7)),
}


@pytest.mark.parametrize("name", TWO_RUNS)
def test_two_runs_differ_by_what_was_measured_alone(name: str) -> None:
    one, other = (view._repr_html_() for view in TWO_RUNS[name])
    assert one != other
    assert with_stand_ins(one) == with_stand_ins(other)
    assert "data-" not in with_stand_ins(one)


@pytest.mark.parametrize("name", TWO_RUNS)
def test_what_is_seen_and_the_plain_words_are_the_measures_themselves(name: str) -> None:
    for view in TWO_RUNS[name]:
        seen = unescape(re.sub("<[^<>]*>", " ", view._repr_html_()))
        assert not any(stand_in in seen for stand_in in ("< 2 s", "hh:mm", "≥ 1", "a few dots", "some ", ":port"))
        assert "data-as" not in view.text() and "<" not in view.text()


def test_a_stand_in_holds_in_any_run_and_none_is_said_of_what_is_nothing() -> None:
    assert with_stand_ins(measured("4 ms, 203 ms, 3081 ms, 0.1 s, 4.0 s, 12.3 s, 75.0 s")) == (
        "&lt; 2 s, &lt; 2 s, &lt; 10 s, &lt; 2 s, &lt; 10 s, &lt; 1 min, ≥ 1 min"
    )
    assert measured("with 0 bytes received. Looked at every 10 s.") == "with 0 bytes received. Looked at every 10 s."
    html = with_stand_ins(counted(0, 7)._repr_html_())
    assert re.findall(r'<td class="n">(.*?)</td>', html) == ["0", "≥ 1"]


def test_what_an_attacker_wrote_is_escaped_beside_a_mark() -> None:
    assert measured('<img src="x">02:00:48.170') == (
        '&lt;img src=&#34;x&#34;&gt;<span data-as="hh:mm:ss">02:00:48.170</span>'
    )
