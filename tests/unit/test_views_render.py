"""What holds for everything that the lab shows: escaped, alone readable, the same for the same state."""

from __future__ import annotations

import re

import pytest
from markupsafe import Markup

from labkit.model.check import CheckResult, Outcome
from labkit.model.criteria import compare
from labkit.model.detection import Rule
from labkit.model.errors import FilterError, LabError, ServiceError
from labkit.model.network_acl import Entry, Packet, decide, what_if
from labkit.model.rule_filter import explain, parse
from labkit.views.criteria_table import CriteriaTable
from labkit.views.decision_table import DecisionTable, WhatIfTable
from labkit.views.network_tables import AclEntriesTable, NetworkAclTable, VpcTable
from labkit.views.panels import CheckPanel, ErrorPanel, Fault, Happened, Note
from labkit.views.progress import Progress, StatusLine, Working
from labkit.views.render import render
from labkit.views.rule_views import ExplanationTree, RuleCard, RuleTable
from labkit.views.shown import Shown
from tests.unit.view_samples import ACL, ATTACK, EVENT, OTHER_ACL, REGION, RESULTS, RULE, THERE, VPCS, WANTED

STYLE = str(render("style.html.j2"))


def filter_error() -> FilterError:
    with pytest.raises(FilterError) as caught:
        parse('event_type == "audit"')
    return caught.value


def shown() -> dict[str, Shown]:
    packet = Packet.outbound("203.0.113.9", "tcp", 443)
    return {
        "note": Note("A remark", ATTACK),
        "check passed": CheckPanel(RESULTS[0]),
        "check wrong": CheckPanel(RESULTS[1], "#Your-VPC", (("Rule Name", True), ("Rule Filter", False))),
        "error": ErrorPanel(ServiceError("It was refused.", ATTACK, "Mend it.", code="VpcLimitExceeded"), "#Step-2"),
        "filter error": ErrorPanel(filter_error()),
        "fault": Fault("KeyError", "Enable the rule"),
        "happened": Happened(
            "VPC created", (("VPC", "vpc-7"),), "aws ec2 create-vpc", "Tagged.", VpcTable(VPCS, REGION, 7)
        ),
        "status": StatusLine(7, "sandbox", "live", REGION, "123456789012", RESULTS, {"vpc": "#Your-VPC"}),
        "status at first": StatusLine(None, "sandbox", "sandbox", REGION, ""),
        "progress": Progress(RESULTS),
        "working": Working("Solving", 3, 8),
        "network ACLs": NetworkAclTable((ACL, OTHER_ACL), VPCS, REGION, 7, "acl-7"),
        "no VPC": VpcTable((), REGION),
        "entries": AclEntriesTable(ACL, REGION),
        "denied": DecisionTable(decide(ACL.entries, packet)),
        "allowed": DecisionTable(decide(ACL.entries, Packet.inbound("203.0.113.9", "udp", 53))),
        "never filtered": DecisionTable(decide(ACL.entries, Packet.outbound("169.254.169.254", "tcp", 80))),
        "what if": WhatIfTable(what_if(ACL.entries, Entry(160, True, "deny", "-1", "203.0.113.0/24"), packet)),
        "rules": RuleTable((RULE, Rule(ATTACK, "", "", (), "", id="r-2")), "Base Rule Set", RULE.name),
        "rule": RuleCard(RULE, "Base Rule Set"),
        "criteria": CriteriaTable(compare(THERE, WANTED)),
        "explanation": ExplanationTree(explain(parse('exe = "x" or (user = null and syscall = "connect")'), EVENT)),
    }


NAMES = list(shown())


def html(name: str) -> str:
    return shown()[name]._repr_html_().replace(STYLE, "")


@pytest.mark.parametrize("name", NAMES)
def test_a_view_looks_as_it_did(name, snapshot):
    assert html(name) == snapshot(name="html")
    assert repr(shown()[name]) == snapshot(name="text")


@pytest.mark.parametrize("name", NAMES)
def test_the_same_state_gives_the_same_text_and_no_ids(name):
    assert html(name) == html(name)
    assert not re.search(r"\sid=", html(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_view_holds_its_style_once_and_stands_alone(name):
    output = shown()[name]._repr_html_()

    assert output.count("<style>") == 1
    assert output.startswith('<div class="labkit">')
    assert "http" not in output.replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize("name", NAMES)
def test_what_an_attacker_wrote_is_escaped(name):
    assert "<script" not in html(name)


@pytest.mark.parametrize("name", NAMES)
def test_every_table_has_a_caption_and_headers_with_their_scope(name):
    for table in re.findall(r"<table.*?</table>", html(name), flags=re.DOTALL):
        assert "<caption>" in table
        assert table.count('<th scope="col">') == len(re.findall(r"<th\b", table.split("</thead>")[0]))
        assert all('scope="row"' in cell for cell in re.findall(r"<th\b[^>]*>", table.split("</thead>")[1]))


def test_the_attack_is_shown_as_text():
    assert "&lt;script&gt;" in html("rules")
    assert "&lt;script&gt;" in html("explanation")


def test_the_style_is_small_has_relative_sizes_and_a_fallback_for_every_theme_variable():
    assert len(STYLE.encode()) < 3000
    assert set(re.findall(r"[\d.]+px", STYLE)) == {"1px"}
    assert re.findall(r"var\(--jp-[\w-]+\)", STYLE) == []
    assert "text-align:start!important" in STYLE
    assert "@media print" in STYLE


def test_a_view_inside_another_is_not_escaped_twice_and_brings_no_second_style():
    inner = VpcTable(VPCS, REGION, 7)

    assert isinstance(inner.__html__(), Markup)
    assert inner.__html__() in html("happened")


def test_a_view_in_a_list_is_read_in_plain_words():
    assert repr([Note("A remark", "words")]) == "[A remark: words]"


def test_a_frame_has_a_row_for_each_row_of_the_table():
    frame = AclEntriesTable(ACL, REGION).frame

    assert list(frame["rule_number"]) == [50, 100, 150, 32767, 100, 32767]
    assert Note("A remark").frame.empty


def test_equal_values_are_equal_views():
    result = CheckResult("vpc", "Your VPC", Outcome.PASSED, "a VPC", "vpc-7")

    assert CheckPanel(result) == CheckPanel(result)
    assert CheckPanel(result) != CheckPanel(result, "#Your-VPC")


def test_an_error_without_why_and_next_step_leaves_no_empty_lines():
    panel = ErrorPanel(LabError("It was refused."))

    assert panel.text() == "✕ It was refused."
    assert "Next" not in panel._repr_html_()
