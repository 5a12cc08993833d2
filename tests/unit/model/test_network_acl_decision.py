"""Which entry decides about a packet: against an evaluator written another way, and in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.model.errors import InvalidInput
from labkit.model.network_acl import (
    Entry,
    NetworkAcl,
    Packet,
    decide,
    entries_used,
    never_reached,
    new_entry,
    what_if,
)

DEFAULT = tuple(
    Entry(number, egress, action, "-1", "0.0.0.0/0")
    for number, action in ((32767, "deny"), (100, "allow"))
    for egress in (False, True)
)
WEB = Packet.outbound("203.0.113.9", "tcp", 443)

# --- the oracle: plain numbers, the raw dicts of the API, no code of labkit's decision ---


def as_number(address: str) -> tuple[int, int]:
    """(bits, value) of an address, without the ipaddress module."""
    if "." in address:
        value = 0
        for part in address.split("."):
            value = value * 256 + int(part)
        return 32, value
    head, _, tail = address.partition("::")
    left = [int(group, 16) for group in head.split(":") if group]
    right = [int(group, 16) for group in tail.split(":") if group]
    groups = left + [0] * (8 - len(left) - len(right)) + right if "::" in address else left
    return 128, sum(group << (16 * (7 - place)) for place, group in enumerate(groups))


def naive_match(entry: dict, packet: Packet) -> bool:
    block, prefix = (entry.get("CidrBlock") or entry.get("Ipv6CidrBlock")).split("/")
    bits, base = as_number(block)
    far_bits, far = as_number(packet.destination if packet.egress else packet.source)
    if bits != far_bits or far >> (bits - int(prefix)) != base >> (bits - int(prefix)):
        return False
    protocol = int(entry["Protocol"])
    if protocol in (6, 17) and protocol == int(packet.protocol):
        return packet.port in range(entry["PortRange"]["From"], entry["PortRange"]["To"] + 1)
    if protocol == int(packet.protocol) and (protocol == 1 or (protocol == 58 and bits == 128)):
        kind, code = entry["IcmpTypeCode"]["Type"], entry["IcmpTypeCode"]["Code"]
        return (kind == -1 or kind == packet.icmp[0]) and (code == -1 or code == packet.icmp[1])
    return protocol == -1 or protocol == int(packet.protocol)


def naive_decision(entries, packet: Packet) -> Entry | None:
    best = None
    for entry in entries:
        if entry.egress != packet.egress or not naive_match(entry.to_aws(), packet):
            continue
        if best is None or entry.rule_number < best.rule_number:
            best = entry
    return best


# --- worlds small enough that entries and packets meet often ---

ADDRESSES = ["203.0.113.9", "203.0.113.200", "198.51.100.7", "10.0.0.10", "2001:db8::9", "2001:db8:1::9", "ff::1"]
BLOCKS = ["0.0.0.0/0", "203.0.113.0/24", "203.0.113.9/32", "203.0.112.0/23", "198.51.100.0/25", "128.0.0.0/1",
          "::/0", "2001:db8::/32", "2001:db8::/48", "2001:db8::9/128"]  # fmt: skip
PROTOCOLS = ["all", "tcp", "udp", "icmp", "icmpv6", "47"]
PORTS = st.sampled_from([0, 22, 80, 443, 1024, 65535])
ICMP_PARTS = st.sampled_from([-1, 0, 3, 8, 128])


@st.composite
def entry(draw) -> Entry:
    return new_entry(
        rule_number=draw(st.integers(1, 40)),
        rule_action=draw(st.sampled_from(["allow", "deny"])),
        cidr_block=draw(st.sampled_from(BLOCKS)),
        egress=draw(st.booleans()),
        protocol=draw(st.sampled_from(PROTOCOLS)),
        ports=tuple(sorted((draw(PORTS), draw(PORTS)))),
        icmp=(draw(ICMP_PARTS), draw(ICMP_PARTS)),
    )


@st.composite
def packet(draw) -> Packet:
    make = draw(st.sampled_from([Packet.outbound, Packet.inbound]))
    icmp = (draw(st.sampled_from([0, 3, 8, 128])), draw(st.sampled_from([0, 3])))
    return make(
        draw(st.sampled_from(ADDRESSES)), draw(st.sampled_from(["tcp", "udp", "icmp", "icmpv6", "47"])), draw(PORTS),
        icmp=icmp,
    )  # fmt: skip


entry_lists = st.lists(entry(), max_size=12, unique_by=lambda e: (e.egress, e.rule_number))


@given(entry_lists, packet())
def test_the_deciding_entry_is_the_one_that_a_naive_evaluator_finds(entries, packet):
    decision = decide(entries, packet)
    assert decision.deciding == naive_decision(entries, packet)
    assert decision.allowed == (decision.deciding is not None and decision.deciding.rule_action == "allow")


@given(entry_lists, packet())
def test_the_trials_are_the_direction_in_order_no_match_then_one_decides_then_not_reached(entries, packet):
    trials = decide(entries, packet).trials
    assert [t.entry.rule_number for t in trials] == sorted(e.rule_number for e in entries if e.egress == packet.egress)
    verdicts = [t.verdict for t in trials]
    assert verdicts.count("decides") <= 1
    assert verdicts == sorted(verdicts, key=["no match", "decides", "not reached"].index)
    assert "not reached" not in verdicts or "decides" in verdicts


@given(entry_lists, st.lists(packet(), max_size=8))
def test_an_entry_called_never_reached_decides_about_no_packet(entries, packets):
    shadowed = {found.entry for found in never_reached(entries)}
    assert shadowed.isdisjoint(decide(entries, each).deciding for each in packets)


@given(entry_lists)
def test_removing_entries_that_are_never_reached_leaves_none(entries):
    shadowed = {found.entry for found in never_reached(entries)}
    assert never_reached([e for e in entries if e not in shadowed]) == ()


@given(entry_lists, entry(), packet())
def test_what_if_agrees_with_deciding_twice(entries, extra, packet):
    if any((e.egress, e.rule_number) == (extra.egress, extra.rule_number) for e in entries):
        with pytest.raises(InvalidInput):
            what_if(entries, extra, packet)
        return
    answer = what_if(entries, extra, packet)
    assert (answer.before.deciding, answer.after.deciding) == (
        naive_decision(entries, packet), naive_decision([*entries, extra], packet),
    )  # fmt: skip
    assert ("decides" in answer.sentence) == (answer.after.deciding == extra)


# --- in words ---


def test_entry_150_is_never_reached_and_entry_50_is():
    deny = {"rule_action": "deny", "cidr_block": "203.0.113.0/24"}
    late = what_if(DEFAULT, new_entry(rule_number=150, **deny), WEB)
    early = what_if(DEFAULT, new_entry(rule_number=50, **deny), WEB)
    assert late.sentence == "Entry 150 is never reached for this packet: 100 allows all."
    assert early.sentence == "Entry 50 decides: it denies this packet, which 100 allowed before."
    assert (late.after.allowed, early.after.allowed) == (True, False)


def test_an_entry_of_the_other_direction_is_said_not_to_be_looked_at():
    ingress = new_entry(rule_number=50, rule_action="deny", cidr_block="0.0.0.0/0", egress=False)
    assert what_if(DEFAULT, ingress, WEB).sentence == (
        "Entry 50 is not tried: it is an ingress entry, and this is an egress packet."
    )


@pytest.mark.parametrize(
    ("spoiled", "reason"),
    [
        ({"cidr_block": "198.51.100.0/24"}, "destination 203.0.113.9 is not in 198.51.100.0/24"),
        ({"cidr_block": "::/0"}, "an IPv6 entry, an IPv4 packet"),
        ({"protocol": "udp", "ports": 443}, "protocol tcp (6) is not udp (17)"),
        ({"protocol": "tcp", "ports": 22}, "port 443 is not 22"),
        ({"protocol": "tcp", "ports": (1, 100)}, "port 443 is not in 1–100"),
    ],
)
def test_an_entry_that_does_not_match_says_why(spoiled, reason):
    made = new_entry(**{"rule_number": 50, "rule_action": "deny", "cidr_block": "203.0.113.0/24", **spoiled})
    assert decide([made], WEB).trials[0].why == f"no match: {reason}"
    assert what_if(DEFAULT, made, WEB).sentence == f"Entry 50 changes nothing for this packet: {reason}."


def test_no_entry_or_only_the_star_denies_and_says_which():
    assert decide([], WEB).sentence.startswith("Denied: no entry matches tcp (6) 443 to 203.0.113.9")
    star_only = [e for e in DEFAULT if e.is_catch_all]
    assert decide(star_only, WEB).sentence == (
        "Denied: no numbered entry matches tcp (6) 443 to 203.0.113.9, so * denies it."
    )


def test_instance_metadata_is_never_filtered_whatever_the_entries_say():
    decision = decide([new_entry(rule_number=1, rule_action="deny", cidr_block="0.0.0.0/0")],
                      Packet.outbound("169.254.169.254", "tcp", 80))  # fmt: skip
    assert (decision.allowed, decision.deciding) == (True, None)
    assert [trial.verdict for trial in decision.trials] == ["not reached"]


def test_the_star_entry_is_not_reported_as_never_reached():
    assert never_reached(DEFAULT) == ()


def test_each_direction_and_family_counts_alone_and_the_star_entry_counts():
    entries = [*DEFAULT, Entry(101, True, "allow", "-1", "::/0")]
    assert [entries_used(entries, True), entries_used(entries, False), entries_used(entries, True, ipv6=True)] == [
        2, 2, 1,
    ]  # fmt: skip


def test_a_network_acl_is_read_from_the_reply_and_ordered_as_tried():
    raw = {
        "NetworkAclId": "acl-1", "VpcId": "vpc-1", "IsDefault": True, "Entries": [e.to_aws() for e in DEFAULT],
        "Associations": [{"SubnetId": "subnet-1"}], "Tags": [{"Key": "Name", "Value": "x"}],
    }  # fmt: skip
    network_acl = NetworkAcl.from_aws(raw)
    assert [e.number_text for e in network_acl.egress] == ["100", "*"]
    assert (network_acl.subnet_ids, network_acl.tags, network_acl.raw) == (("subnet-1",), {"Name": "x"}, raw)
    assert str(network_acl) == "acl-1: default network ACL of vpc-1, 2 of 20 egress entries used"


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("203.0.113.9", "tcp"), "port"),
        (("203.0.113.9", "tcp", 70000), "port"),
        (("203.0.113.0/24", "tcp", 1), "destination"),
        (("203.0.113.9", "smoke signals"), "protocol"),
    ],
)
def test_a_packet_that_cannot_be_is_refused_naming_the_argument(arguments, field):
    with pytest.raises(InvalidInput) as refused:
        Packet.outbound(*arguments)
    assert refused.value.field == field


def test_a_packet_between_two_families_is_refused():
    with pytest.raises(InvalidInput, match="Use two IPv4 or two IPv6"):
        Packet.inbound("203.0.113.9", "tcp", 22, destination="2001:db8::1")


def test_a_ping_of_an_ipv6_address_is_an_icmpv6_echo_request():
    assert str(Packet.outbound("2001:db8::9", "icmp")) == "icmpv6 (58) type 128, code 0 to 2001:db8::9"


@pytest.mark.parametrize("port", [None, -1, 65536, True, "eighty", "0x50", 80.0])
def test_a_packets_port_that_cannot_be_one_is_refused_in_words(port):
    with pytest.raises(InvalidInput, match="port"):
        Packet.outbound("203.0.113.10", "tcp", port)
