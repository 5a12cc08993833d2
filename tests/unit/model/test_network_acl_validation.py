"""What AWS refuses about an entry or a VPC is refused here with AWS's codes; what it makes canonical is canonical."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.model.errors import InvalidInput
from labkit.model.network_acl import (
    Entry,
    new_entry,
    protocol_number,
    validate_cidr_block,
    validate_entry,
    validate_vpc_cidr_block,
)

GOOD = {"RuleNumber": 50, "Protocol": "-1", "RuleAction": "deny", "Egress": True, "CidrBlock": "203.0.113.0/24"}
TCP = {**GOOD, "Protocol": "6", "PortRange": {"From": 443, "To": 443}}

REFUSED = {
    "rule number 0": ({**GOOD, "RuleNumber": 0}, "InvalidParameterValue", "rule_number"),
    "negative rule number": ({**GOOD, "RuleNumber": -5}, "InvalidParameterValue", "rule_number"),
    "the * entry's number": ({**GOOD, "RuleNumber": 32767}, "InvalidParameterValue", "rule_number"),
    "a reserved rule number": ({**GOOD, "RuleNumber": 65535}, "InvalidParameterValue", "rule_number"),
    "a truth value as rule number": ({**GOOD, "RuleNumber": True}, "InvalidParameterValue", "rule_number"),
    "no rule number": ({**GOOD, "RuleNumber": None}, "MissingParameter", "rule_number"),
    "a word as CIDR block": ({**GOOD, "CidrBlock": "banana"}, "InvalidParameterValue", "cidr_block"),
    "an empty CIDR block": ({**GOOD, "CidrBlock": ""}, "InvalidParameterValue", "cidr_block"),
    "no CIDR block": ({**GOOD, "CidrBlock": None}, "MissingParameter", "cidr_block"),
    "both families": ({**GOOD, "Ipv6CidrBlock": "::/0"}, "InvalidParameterCombination", "cidr_block"),
    "an address without prefix": ({**GOOD, "CidrBlock": "203.0.113.5"}, "InvalidParameterValue", "cidr_block"),
    "a netmask": ({**GOOD, "CidrBlock": "10.0.0.0/255.0.0.0"}, "InvalidParameterValue", "cidr_block"),
    "a line break": ({**GOOD, "CidrBlock": "203.0.113.5\n/32"}, "InvalidParameterValue", "cidr_block"),
    "a prefix of 33": ({**GOOD, "CidrBlock": "203.0.113.5/33"}, "InvalidParameterValue", "cidr_block"),
    "IPv6 in CidrBlock": ({**GOOD, "CidrBlock": "2001:db8::/32"}, "InvalidParameterValue", "cidr_block"),
    "rule action block": ({**GOOD, "RuleAction": "block"}, "InvalidParameterValue", "rule_action"),
    "rule action in capitals": ({**GOOD, "RuleAction": "Deny"}, "InvalidParameterValue", "rule_action"),
    "a protocol's name": ({**TCP, "Protocol": "tcp"}, "InvalidParameterValue", "protocol"),
    "protocol 256": ({**GOOD, "Protocol": "256"}, "InvalidParameterValue", "protocol"),
    "tcp without ports": ({**TCP, "PortRange": None}, "MissingParameter", "ports"),
    "udp with half a range": ({**TCP, "Protocol": "17", "PortRange": {"From": 53}}, "MissingParameter", "ports"),
    "ports the wrong way round": ({**TCP, "PortRange": {"From": 2, "To": 1}}, "InvalidParameterValue", "ports"),
    "port 65536": ({**TCP, "PortRange": {"From": 1, "To": 65536}}, "InvalidParameterValue", "ports"),
    "a word as port": ({**TCP, "PortRange": {"From": "ssh", "To": 22}}, "InvalidParameterValue", "ports"),
    "icmp without type": ({**GOOD, "Protocol": "1"}, "MissingParameter", "icmp"),
    "icmp type 256": (
        {**GOOD, "Protocol": "1", "IcmpTypeCode": {"Type": 256, "Code": 0}}, "InvalidParameterValue", "icmp",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("request_", "code", "field"), REFUSED.values(), ids=REFUSED)
def test_an_entry_that_aws_refuses_is_refused_with_its_code_and_three_sentences(request_, code, field):
    with pytest.raises(InvalidInput) as refused:
        validate_entry(request_)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert all((refused.value.what, refused.value.why, refused.value.next_step))


def test_host_bits_are_cleared_as_aws_does():
    assert validate_entry({**GOOD, "CidrBlock": "203.0.113.5/24"}).cidr_block == "203.0.113.0/24"
    assert validate_cidr_block("2001:DB8:0::1/32", ipv6=True) == "2001:db8::/32"


def test_ports_and_icmp_types_on_a_protocol_that_ignores_them_are_dropped():
    extra = {"PortRange": {"From": 1, "To": 2}, "IcmpTypeCode": {"Type": 8, "Code": 0}}
    for protocol in ("-1", "47"):
        entry = validate_entry({**GOOD, **extra, "Protocol": protocol})
        assert (entry.port_range, entry.icmp) == (None, None)
    assert validate_entry({**GOOD, **extra, "Protocol": "58"}).icmp is None  # icmpv6 on IPv4: every type and code


def test_icmpv6_over_ipv6_needs_a_type_and_keeps_it():
    ipv6 = {**GOOD, "CidrBlock": None, "Ipv6CidrBlock": "::/0", "Protocol": "58"}
    assert validate_entry({**ipv6, "IcmpTypeCode": {"Type": 128, "Code": -1}}).icmp == (128, -1)
    with pytest.raises(InvalidInput, match=r"IcmpTypeCode\.Type"):
        validate_entry(ipv6)


def test_a_person_may_name_the_protocol_and_either_family():
    assert new_entry(rule_number=1, rule_action="deny", cidr_block="::/0", protocol="UDP", ports=(1, 9)) == Entry(
        1, True, "deny", "17", "::/0", (1, 9)
    )
    with pytest.raises(InvalidInput, match="carrier pigeon"):
        protocol_number("carrier pigeon")


@pytest.mark.parametrize("cidr_block", ["10.0.0.0/8", "10.0.0.0/15", "10.0.0.0/29", "0.0.0.0/0"])
def test_a_vpc_larger_or_smaller_than_aws_allows_is_out_of_range(cidr_block):
    with pytest.raises(InvalidInput) as refused:
        validate_vpc_cidr_block(cidr_block)
    assert refused.value.code == "InvalidVpc.Range"


def test_a_vpcs_block_is_made_canonical_and_a_malformed_one_distinguished():
    assert validate_vpc_cidr_block("10.7.0.1/28") == "10.7.0.0/28"
    with pytest.raises(InvalidInput) as refused:
        validate_vpc_cidr_block("10.7.0.0")
    assert refused.value.code == "InvalidParameterValue"


cidr_blocks = st.one_of(
    st.tuples(st.ip_addresses(v=4), st.integers(0, 32)), st.tuples(st.ip_addresses(v=6), st.integers(0, 128))
)


@st.composite
def entries(draw) -> Entry:
    address, prefix = draw(cidr_blocks)
    low, high = sorted((draw(st.integers(0, 65535)), draw(st.integers(0, 65535))))
    return new_entry(
        rule_number=draw(st.integers(1, 32766)),
        rule_action=draw(st.sampled_from(["allow", "deny"])),
        cidr_block=f"{address}/{prefix}",
        egress=draw(st.booleans()),
        protocol=draw(st.sampled_from(["all", "tcp", "udp", "icmp", "icmpv6", "47"])),
        ports=(low, high),
        icmp=(draw(st.integers(-1, 255)), draw(st.integers(-1, 255))),
    )


@given(entries())
def test_what_was_accepted_is_accepted_again_unchanged_and_survives_the_wire(entry):
    assert validate_entry(entry.to_aws()) == entry
    assert Entry.from_aws(entry.to_aws()) == entry


@given(st.text(alphabet="0123456789abf.:/ -%\n", max_size=20))
def test_any_text_is_either_a_canonical_block_or_invalid_input(text):
    for ipv6 in (False, True):
        try:
            canonical = validate_cidr_block(text, ipv6=ipv6)
        except InvalidInput:
            continue
        assert validate_cidr_block(canonical, ipv6=ipv6) == canonical
