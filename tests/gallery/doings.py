"""Samples of what happens: programs on the host, the responder, forms."""

from __future__ import annotations

from dataclasses import replace

from markupsafe import Markup

from labkit.model.detection.criteria import compare
from labkit.model.errors import InvalidInput
from labkit.model.network_acl import Entry, NetworkAcl
from labkit.model.response.messages import Message
from labkit.views import forms
from labkit.views.forms.basic import NamesPreview
from labkit.views.forms.detection_key import detection_key_form
from labkit.views.forms.keys import aws_keys_form
from labkit.views.forms.parts import Twin
from labkit.views.forms.rule import FieldState, rule_form
from labkit.views.panels.basic import ActionResult, ErrorPanel
from labkit.views.panels.responder import ResponderEnd, ResponderView
from labkit.views.panels.terminal_link import TerminalLink
from labkit.views.pictures.built import BuiltCloud
from labkit.views.pictures.timeline import Timeline
from labkit.views.pictures.topology import Observation, Stop, Topology
from labkit.views.render import render
from labkit.views.tables.criteria import CriteriaTable, FieldComparison
from labkit.views.tables.host import RanView, RunningView
from tests.gallery.component import Component, State
from tests.gallery.panels import filter_error
from tests.gallery.values import (
    ACL_ID,
    ATTACK,
    BAD,
    DEFAULT_ACL,
    DEFAULT_ENTRIES,
    DENYING_ACL,
    ENDED,
    GOOD,
    REGION,
    SIX_ACL,
    STARTED,
    THERE,
    TRANSCRIPT,
    TROUBLE,
    USER,
    VPC_ID,
    WANTED,
    added,
)

REHEARSED = (
    f"2 alerts of your rule are active since 00:36 UTC; the responder will deny {BAD} at once. "
    "For a fresh demo: lab.reset('first_alert')"
)


def _ran() -> tuple[State, ...]:
    page = f"You reached dadismad.com at {BAD}.\nFrom the range: nothing left this machine.\n"
    dropped = "curl: (28) Failed to connect to dadismad.com port 80 after 3053 ms: Couldn't connect to server\n"
    stream = "." * 400 + "\n"
    return (
        State("an answer", RanView("curl -sS dadismad.com", 0, page, "", 0.02)),
        State("dropped", RanView("curl -sS dadismad.com", 28, "", dropped, 3.1,
                                 f"Egress entry 1 dropped 3 packets to {BAD}.")),
        State("running", RunningView("curl -sS --max-time 4 time.example.org:7777", "......", "", 1.3, 60.0)),
        State("interrupted", RunningView("curl -sS --max-time 4 time.example.org:7777", "......", "", 1.3, 60.0, True)),
        State("ended at its limit", RanView("sleep 90", 124, "", "", 60.0, limit=60.0)),
        State("many answers", RanView("curl -sS 198.51.100.[101-122]", 0, page * 22, "", 0.2)),
        State("a long answer, then silence", RanView("curl -sS --max-time 4 time.example.org:7777", 28, stream,
                                                     "curl: (28) Operation timed out\n", 4.0)),
        State("answered while it runs", RunningView("curl -sS time.example.org:7777", "....", "", 1.2, 60.0,
                                                    said=(added(1, BAD),))),
        State("answered", RanView("curl -sS dadismad.com", 0, page, "", 0.2, said=(added(1, BAD), added(2, GOOD)))),
        State("an answer that an attacker wrote", RanView(f"curl {ATTACK}", 0, ATTACK, "", 0.1)),
    )  # fmt: skip


def _topologies() -> tuple[State, ...]:
    host, six, mirror = "10.0.1.10", "2001:db8:bad::10", "mirror.example.net"
    no_answers = Entry(50, False, "deny", "6", f"{GOOD}/32", (1024, 65535))
    answers_denied = NetworkAcl(ACL_ID, VPC_ID, True, (*DEFAULT_ENTRIES, no_answers))
    return (
        State("no subnet yet", Topology(host, BAD, 80, "dadismad.com")),
        State(
            "dropped on its way out",
            Topology(host, BAD, 80, "dadismad.com", DENYING_ACL, Observation(Stop(True, 1), 3)),
        ),
        State("its answer dropped", Topology(host, GOOD, 80, mirror, answers_denied, Observation(Stop(False, 50), 6))),
        State("answered, and denied since", Topology(host, BAD, 80, "dadismad.com", DENYING_ACL, Observation())),
        State("nothing sent: it would stop", Topology(host, GOOD, 443, ATTACK, answers_denied)),
        State("nothing sent: it would pass", Topology(host, GOOD, 80, "", DEFAULT_ACL)),
        State(
            "IPv6",
            Topology("2001:db8:1234:1a01::10", six, 80, "six.dadismad.com", SIX_ACL, Observation(Stop(True, 2), 2)),
        ),
    )


def _built() -> tuple[State, ...]:
    rule_id, subnet_id = "462de6d5-eb0e-11f1-b816-0242ac110002", "subnet-0a1b2c3d4e5f60718"
    more = [Entry(number, True, "deny", "-1", f"198.51.100.{100 + number}/32") for number in range(2, 9)]
    full = NetworkAcl(ACL_ID, VPC_ID, True, (*DENYING_ACL.entries, *more))
    return (
        State("after part 2", BuiltCloud(DEFAULT_ACL, rule_id)),
        State("after part 3", BuiltCloud(DENYING_ACL, rule_id, subnet_id, True, added(1, BAD))),
        State("nothing was measured", BuiltCloud(DENYING_ACL, rule_id, subnet_id, True)),
        State("many entries", BuiltCloud(full, rule_id, subnet_id, True, added(8, "2001:db8:1234:1a01::10"))),
    )


def _terminal() -> tuple[State, ...]:
    return State("in JupyterLab", TerminalLink("host")), State("elsewhere", TerminalLink())


def _timelines() -> tuple[State, ...]:
    many = [added(number, f"198.51.100.{100 + number}", number * 137, number, 9 + 3 * number) for number in range(1, 9)]
    late = replace(added(2, GOOD), event_at_ms=None)
    return (
        State("none yet", Timeline(())),
        State("one", Timeline((added(1, BAD),))),
        State("the event’s time is not known", Timeline((late,))),
        State("many, one of them slow", Timeline((*many, added(9, BAD, 4000, 9_800, 12_345)))),
    )


def _responders() -> tuple[State, ...]:
    long = tuple(Message("poll", f"Look {number}: nothing new.") for number in range(70))
    return (
        State("not started", ResponderView("not started")),
        State("not started after a rehearsal", ResponderView("not started", warning=REHEARSED)),
        State("running, nothing done yet", ResponderView("running", (STARTED,), None, REGION)),
        State("running", ResponderView("running", TRANSCRIPT, DENYING_ACL, REGION)),
        State("in trouble", ResponderView("running", (STARTED, TROUBLE), DENYING_ACL, REGION)),
        State("stopped by a cell", ResponderEnd((STARTED, *TRANSCRIPT, ENDED))),
        State("stopped, after a long time", ResponderView("stopped", (*long, *TRANSCRIPT, ENDED), DENYING_ACL, REGION)),
    )


def _twins() -> tuple[State, ...]:
    keys = f"the key that ends in 4F2Q, region {REGION}, as {USER}"
    choices = [("take it: I made it with the AWS CLI", VPC_ID), ("create another one: that one is not mine", "")]
    return (
        State("student number: new", forms.student_number_form(None, _done).twin),
        State("student number: known", forms.student_number_form(7, _done).twin),
        State("student number: used", Twin(_done(), used=True)),
        State("AWS keys", aws_keys_form(REGION, _done).twin),
        State("AWS keys: some are in use", aws_keys_form(REGION, _done, known=keys).twin),
        State("the service’s key", detection_key_form("a4a9f96d", "64b7e0c2", _done, "in use: yours").twin),
        State("a choice", forms.choice_form("A VPC without a tag is there. Is it yours?", choices, _done).twin),
        State("the criteria", rule_form(THERE, WANTED, _done).twin),
        State("the criteria: saved", Twin(CriteriaTable(compare(WANTED, WANTED)), used=True)),
        State("a single button", forms.action_button("Enable the rule", "Enabling…", _done, known="It is off.").twin),
    )


def _messages() -> tuple[State, ...]:
    done, refused = (forms.student_number_form(7, _done) for _ in range(2))
    done.show(_done())
    refused.show_error(
        InvalidInput("“seven” is not a student number.", "It is a whole number from 1 to 999.", "Type yours.")
    )
    return State("it was done", Markup(done.message.value)), State("it was refused", Markup(refused.message.value))


def _field_states() -> tuple[State, ...]:
    comparison = FieldComparison(compare(THERE, WANTED)[3], with_there=False)
    equal = FieldComparison(compare(WANTED, WANTED)[4], with_there=False)
    quotes = "The quotes were straightened: 2 of them."
    error = ErrorPanel(filter_error('  • event_type = "audit"'))
    return (
        State("the names that follow from a number", NamesPreview(7)),
        State("correct", FieldState(equal)),
        State("differs", FieldState(comparison)),
        State("quotes were straightened", FieldState(equal, quotes)),
        State(
            "a filter that cannot be read", FieldState(replace(equal, comparison=compare(THERE, WANTED)[4]), "", error)
        ),
    )


def _frame() -> tuple[State, ...]:
    return (State("open", render("cloud_account_frame.html.j2", url="about:blank")),)


def _done(*_: object) -> ActionResult:
    return ActionResult("You are student 7.", (("Your VPC will be named", "Self Protect Student7"),))


COMPONENTS = (
    Component("A program on the host", "After lab.run(…): what it said, and what its exit code means.", "ran.html.j2",
              _ran),
    Component("What was built", "The end of parts 2, 3 and 4: the student’s own ids, and how fast it protects.",
              "built_cloud.svg.j2", _built),
    Component("Topology", "Where the host’s last packet was stopped, or would be: the network ACL’s two lanes.",
              "topology.svg.j2", _topologies),
    Component("Terminal link", "The way to a prompt on the host.", "terminal_link.html.j2", _terminal),
    Component("Timeline", "How long it took from a connection to its deny entry.", "timeline.html.j2", _timelines),
    Component("Responder", "What the responder has done and said, while it works and afterwards.",
              "responder.html.j2", _responders),
    Component("Form", "What a form leaves where it is not alive: in a saved page, after a restart, on paper. "
              "Its fields and buttons are JupyterLab’s own.", "twin.html.j2", _twins),
    Component("A form’s answer", "Below a form’s button; said aloud by screen readers.", "spoken.html.j2", _messages),
    Component("Below a field", "At every change of a field, before the button is pressed.", "field_state.html.j2",
              _field_states),
    Component("Cloud Accounts page", "The sandbox’s page with the keys to copy, inside the keys form.",
              "cloud_account_frame.html.j2", _frame),
)  # fmt: skip
