"""What views say: every word that a student must be able to read, with the symbol beside it."""

from __future__ import annotations

import re

import pytest

from labkit.model.detection.criteria import FILTER, compare
from labkit.model.errors import FilterError
from labkit.model.network_acl import Entry, NetworkAcl, Packet, decide, what_if
from labkit.model.rule_filter import explain, parse
from labkit.views.panels.basic import ActionResult, CheckPanel, ErrorPanel
from labkit.views.panels.progress import StatusLine
from labkit.views.pictures.packet import MOST_BOXES, PacketPicture
from labkit.views.pictures.topology import Topology
from labkit.views.tables.criteria import CriteriaTable, pieces_text
from labkit.views.tables.decision import DecisionTable, WhatIfTable
from labkit.views.tables.host import RanView
from labkit.views.tables.network import AclEntriesTable, NetworkAclTable, VpcTable
from labkit.views.tables.rules import ExplanationTree, RuleCard, RuleTable
from labkit.views.view import View
from tests.gallery.values import (
    ACL,
    ACL_ID,
    DEFAULT_ENTRIES,
    EVENT,
    OTHER_ACL,
    OTHER_ACL_ID,
    OTHER_VPC_ID,
    REGION,
    RESULTS,
    RULE,
    THERE,
    VPC_ID,
    VPCS,
    WANTED,
    WRONG,
)
from tests.unit.views.form_driver import visible_words

PACKET = Packet.outbound("203.0.113.9", "tcp", 443)
DENY_ALL = Entry(1, True, "deny", "-1", "0.0.0.0/0")


def page_text(shown: View) -> str:
    return visible_words(shown._repr_html_())


@pytest.mark.parametrize(
    ("result", "words"),
    list(zip(RESULTS, ("✓ done", "✕ not right", "○ not yet", "? could not look"), strict=True)),
)
def test_a_check_states_its_outcome_in_a_symbol_and_in_words(result, words):
    assert words in page_text(CheckPanel(result))


def test_a_failed_check_states_expected_found_next_and_what_was_looked_at():
    text = page_text(CheckPanel(RESULTS[1], "#Your-VPC", (("Rule Name", True), ("Rule Filter", False))))

    for words in (
        "Expected one VPC of student 7 in us-east-1",
        f"Found 2: {VPC_ID}",
        f"Next {WRONG.next_step}",
        "Looked at aws ec2 describe-vpcs",
        "1 of 2 correct",
        "✕ differs Rule Filter",
    ):
        assert words in text
    assert 'href="#Your-VPC"' in CheckPanel(RESULTS[1], "#Your-VPC")._repr_html_()


def test_a_filter_error_puts_the_caret_under_the_position():
    with pytest.raises(FilterError) as caught:
        parse('event_type == "audit"')
    panel = ErrorPanel(caught.value)

    assert panel.caret in panel.text()
    assert "<pre" in panel._repr_html_()
    assert "^" in page_text(panel)


def test_what_happened_is_reported_in_aws_cli_words_too():
    happened = ActionResult("VPC created", (("VPC", VPC_ID),), "aws ec2 create-vpc --cidr-block 10.0.0.0/16")

    assert "aws ec2 create-vpc --cidr-block 10.0.0.0/16" in page_text(happened)
    assert "With the AWS CLI instead: aws ec2 create-vpc" in happened.text()


def test_the_status_line_says_who_where_and_how_far():
    text = page_text(StatusLine(7, "sandbox", "sandbox", REGION, "123456789012", RESULTS))

    assert "AWS sandbox on this machine, account 123456789012, region us-east-1" in text
    assert "1 of 4 steps done" in text
    assert all(result.title in text and result.outcome.value in text for result in RESULTS)


def test_the_progress_bar_is_a_native_one_with_a_name():
    output = StatusLine(7, "sandbox", "sandbox", REGION, "", RESULTS)._repr_html_()

    assert '<progress value="1" max="4" aria-label="Steps done">' in output


def test_entries_stand_in_the_order_aws_tries_them_with_a_star_for_the_last():
    egress, ingress = AclEntriesTable(ACL, REGION).directions()

    assert [cells[0] for cells, _ in egress.rows] == ["50", "100", "150", "*"]
    assert [cells[0] for cells, _ in ingress.rows] == ["100", "*"]
    assert egress.rows[0][0] == ["50", "⊘ deny", "tcp (6)", "443", "203.0.113.0/24"]
    assert egress.caption == f"Egress (out of the subnets) of {ACL_ID}, {VPC_ID}, us-east-1: 4 of 20 used"


def test_ipv6_entries_are_counted_apart_and_a_quota_each():
    six = NetworkAcl(ACL_ID, VPC_ID, True, (*DEFAULT_ENTRIES, Entry(101, True, "allow", "-1", "::/0")))

    assert "IPv4: 2 of 20 used IPv6: 1 of 20 used" in page_text(AclEntriesTable(six, REGION))


def test_an_entry_that_is_never_reached_is_reported_below_the_table():
    assert "Egress: Entry 150 is never reached: 100 allows all." in page_text(AclEntriesTable(ACL, REGION))


def test_the_deciding_entry_is_reported_in_words_and_marked():
    output = DecisionTable(decide(ACL.entries, PACKET))

    assert [cells[-1] for cells, _ in output.rows()] == [
        "◀ decides: first match",
        "not reached",
        "not reached",
        "not reached",
    ]
    assert output._repr_html_().count('class="chosen"') == 1
    assert "Denied: 50 denies tcp (6) 443" in page_text(output)


def test_an_entry_that_was_tried_in_vain_says_why():
    output = DecisionTable(decide(ACL.entries, Packet.outbound("203.0.113.9", "tcp", 80)))

    assert output.rows()[0][0][-1] == "tried, no match: port 80 is not 443"


def test_a_what_if_shows_the_entry_that_is_never_reached():
    text = page_text(WhatIfTable(what_if(DEFAULT_ENTRIES, Entry(150, True, "deny", "-1", "203.0.113.0/24"), PACKET)))

    assert "Entry 150 is never reached for this packet: 100 allows all." in text
    assert "If entry 150 were added" in text


def test_the_picture_has_a_name_for_screen_readers_and_says_where_the_packet_ends():
    denied = str(PacketPicture(decide(ACL.entries, PACKET)).__html__())
    allowed = str(PacketPicture(decide(DEFAULT_ENTRIES, PACKET)).__html__())

    assert 'role="img" aria-label="Denied: 50 denies' in denied
    assert "⊘ stopped here" in denied
    assert "✓ passes" in allowed


def test_a_long_list_is_drawn_around_the_deciding_entry_and_says_what_is_left_out():
    many = [Entry(number, True, "deny", "-1", f"198.51.100.{number}/32") for number in range(1, 15)]
    picture = PacketPicture(decide([*many, *DEFAULT_ENTRIES], PACKET))

    assert len(picture.boxes) == MOST_BOXES
    assert picture.deciding is not None
    assert picture.deciding.number == "100"
    assert picture.left_out == "10 more in the table"


def test_network_acls_stand_beside_their_vpc_and_nothing_shows_whose_it_is():
    output = NetworkAclTable((ACL, OTHER_ACL), REGION, OTHER_ACL_ID)

    assert sorted(cells[:2] for cells, _ in output.rows()) == sorted(
        [[ACL_ID, VPC_ID], [f"{OTHER_ACL_ID} ◀ chosen", OTHER_VPC_ID]]
    )
    assert "student" not in output._repr_html_() + output.text()


def test_no_order_of_network_acls_shows_which_one_is_yours():
    before, after = (NetworkAclTable(acls, REGION).text() for acls in ((ACL, OTHER_ACL), (OTHER_ACL, ACL)))

    assert before == after


def test_vpcs_are_counted_against_the_quota():
    assert VpcTable(VPCS, REGION, 7).caption == "VPCs in us-east-1: 3 of 5 used"
    assert "None" in page_text(VpcTable((), REGION))


def test_a_rule_is_reported_with_whether_it_is_enabled():
    assert "✓ enabled" in page_text(RuleCard(RULE, "Base Rule Set"))
    assert "RuleID 3e4c2a58-9a0d-11ee-8c90-0242ac120002" in page_text(RuleCard(RULE))
    assert "◀ yours" in page_text(RuleTable((RULE,), "Base Rule Set", RULE.name))


def test_a_difference_is_spelt_out_with_signs_and_its_white_space_is_visible():
    output = CriteriaTable(compare(THERE, WANTED))

    assert "2 of 5 correct" in output.caption
    assert "[+:␣Student7]" in output.text()
    assert '<ins class="good">[+:␣Student7]</ins>' in output._repr_html_()
    assert pieces_text((("same", "a"), ("extra", "\n"), ("missing", "\u00a0"))) == "a[-⏎\n][+⍽]"


def test_texts_that_share_little_are_shown_whole_and_not_as_confetti():
    fields = {field.comparison.field: field for field in CriteriaTable(compare(THERE, WANTED)).fields()}

    assert fields["aggregate_fields"].pieces() == []
    assert "Difference" not in page_text(fields["aggregate_fields"])
    assert "Yours exe, user Expected user, exe, dst_ip" in page_text(fields["aggregate_fields"])


def test_an_explanation_states_true_or_false_and_the_reason_for_each_clause():
    text = page_text(ExplanationTree(explain(parse(FILTER), EVENT), "Your filter"))

    assert "✓ true event_type = &#34;audit&#34;" in text
    assert "– false connection.dst_addr != &#34;127.0.0.0/8&#34;" in text
    assert "is in 127.0.0.0/8" in text


def test_of_many_lines_of_a_program_the_first_and_the_last_are_shown() -> None:
    ran = RanView("curl", 0, "".join(f"line {number}\n" for number in range(1, 23)), "", 0.1)
    assert ran.page.splitlines() == ["line 1", "line 2", "… 18 more lines …", "line 21", "line 22"]
    assert RanView("curl", 0, "one\ntwo\n", "", 0.1).page == "one\ntwo"


@pytest.mark.parametrize(
    "shown",
    [
        DecisionTable(decide((DENY_ALL,), PACKET)),
        WhatIfTable(what_if(ACL.entries, DENY_ALL, PACKET)),
        AclEntriesTable(ACL, REGION),
        ExplanationTree(explain(parse('user = "root"'), {"user": "me"})),
        Topology("10.0.1.10", "203.0.113.10", 80, network_acl=NetworkAcl(ACL_ID, VPC_ID, True, ())),
        RanView("curl dadismad.com", 28, "", "", 3.0),
    ],
    ids=lambda shown: type(shown).__name__,
)
def test_what_is_denied_or_does_not_match_has_neither_the_colour_nor_the_symbol_of_a_mistake(shown):
    page = shown._repr_html_().partition("</style>")[2]

    assert not re.search(r'class="[^"]*\bbad\b|var\(--bad\)', page)
    assert "✕" not in page + shown.text()
