"""Values come with the quotes, spaces and unseen characters of where they were copied: every place takes them."""

from __future__ import annotations

import pytest

from labkit.model.network_acl import Packet, new_entry
from labkit.model.pasted import clean
from labkit.model.response.safe_addresses import parse_safe
from labkit.model.student import parse_student_number

UNSEEN = ("\u200e", "\u202a", "\u00ad", "\u3000", "\u2028", "\u00a0", "\u200b", "\ufeff", "\u3164", "\x00")


@pytest.mark.parametrize("around", ["{}", ' "{}"', "“{}”\n", "\t'{}' ", "`{}`", *(f"{one}{{}}{one}" for one in UNSEEN)])
def test_an_id_is_found_in_what_was_pasted(around):
    assert clean(around.format("acl-0123456789abcdef0")).value == "acl-0123456789abcdef0"


@pytest.mark.parametrize("unseen", UNSEEN)
def test_a_character_that_nobody_sees_is_removed_wherever_it_stands_and_named(unseen):
    pasted = clean(f"vpc-{unseen}1f")

    assert pasted.value == "vpc-1f"
    assert f"U+{ord(unseen):04X}" in pasted.sentences("VpcId")[0]


def test_what_is_typed_is_left_alone():
    assert clean("Student 7’s rule").value == "Student 7’s rule"
    assert clean("").value == clean(' "" ').value == ""


@pytest.mark.parametrize("port", [443, "443", " 443 ", '"443"'])
def test_a_port_given_as_text_is_a_port(port):
    assert Packet.outbound(" 203.0.113.9\u200b", "tcp", port).port == 443
    assert new_entry(
        rule_number=" 50", rule_action="deny", cidr_block='"203.0.113.9/32"', protocol="tcp", ports=port
    ) == (new_entry(rule_number=50, rule_action="deny", cidr_block="203.0.113.9/32", protocol="tcp", ports=443))


def test_a_number_and_a_safe_block_are_taken_as_pasted():
    assert parse_student_number("‘7’\u200e") == 7
    assert str(parse_safe('"203.0.113.0/24" ')) == "203.0.113.0/24"
