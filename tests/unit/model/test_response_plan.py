"""The responder's plan: examples first, then what holds for every network ACL and every set of alerts."""

from __future__ import annotations

import ipaddress
import itertools
import uuid
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.model.network_acl import ENTRY_QUOTA, Entry, Packet, decide, entries_used
from labkit.model.response.plan import cidr_block_of, plan
from labkit.model.response.response import Add, Destination, Keep, Plan, Refuse, Remove, Replace, is_own, own_entries
from labkit.model.response.safe_addresses import never_deny, parse_address, why_safe
from labkit.range import dns

ALLOW = [Entry(100, True, "allow", "-1", "0.0.0.0/0"), Entry(101, True, "allow", "-1", "::/0")]
LAST = [Entry(32767, True, "deny", "-1", "0.0.0.0/0"), Entry(32768, True, "deny", "-1", "::/0")]
DEFAULT = [*ALLOW, *LAST]
SAFE = never_deny(["10.0.0.0/16"], {"203.0.113.200": "AWS"}, ["198.51.100.64/28"])


def to(address: str, at_ms: int = 1000, alert_id: str = "") -> Destination:
    return Destination(address, alert_id or f"alert of {address} at {at_ms}", at_ms)


def deny(number: int, cidr_block: str, protocol: str = "-1", ports: tuple[int, int] | None = None) -> Entry:
    return Entry(number, True, "deny", protocol, cidr_block, ports)


def full_of_own(ages: bool = True) -> list[Entry]:
    """A network ACL whose IPv4 egress is full: 18 own entries, 203.0.113.1 at 1 and so on."""
    return [*DEFAULT, *(deny(number, f"203.0.113.{number}/32") for number in range(1, 19))]


def test_a_destination_gets_the_lowest_free_number_whatever_the_number_of_entries() -> None:
    (added,) = plan([to("203.0.113.9")], [*DEFAULT, deny(1, "203.0.113.1/32"), deny(3, "203.0.113.3/32")]).outcomes
    assert added == Add(to("203.0.113.9"), deny(2, "203.0.113.9/32"))


def test_ingress_entries_take_no_egress_number() -> None:
    ingress = [Entry(number, False, "deny", "-1", "0.0.0.0/0") for number in range(1, 15)]
    (added,) = plan([to("203.0.113.9")], [*DEFAULT, *ingress]).outcomes
    assert isinstance(added, Add) and added.entry.rule_number == 1


def test_an_ipv6_destination_gets_a_128_at_a_number_that_no_ipv4_entry_has() -> None:
    (added,) = plan([to("2001:DB8::0:6")], [*DEFAULT, deny(1, "203.0.113.1/32")]).outcomes
    assert isinstance(added, Add)
    assert added.entry.to_aws()["Ipv6CidrBlock"] == "2001:db8::6/128" and added.entry.rule_number == 2


def test_an_ipv4_address_written_as_ipv6_is_that_ipv4_address() -> None:
    made = plan([to("::ffff:203.0.113.9", 2000), to("203.0.113.9", 1000)], DEFAULT)
    (added,) = made.outcomes
    assert isinstance(added, Add) and added.entry.cidr_block == "203.0.113.9/32"


def test_an_allow_for_the_same_cidr_block_is_not_already_denied_and_the_deny_comes_before_it() -> None:
    allow = Entry(3, True, "allow", "-1", "203.0.113.9/32")
    (added,) = plan([to("203.0.113.9")], [*DEFAULT, deny(1, "203.0.113.1/32"), allow]).outcomes
    assert isinstance(added, Add) and added.entry.rule_number == 2


def test_a_deny_after_the_allow_does_not_count() -> None:
    (added,) = plan([to("203.0.113.9")], [*DEFAULT, deny(150, "203.0.113.9/32")]).outcomes
    assert isinstance(added, Add) and added.entry.rule_number == 1


def test_an_earlier_deny_of_a_wider_network_is_kept_and_one_of_a_single_port_is_not_enough() -> None:
    wide, port = deny(50, "203.0.113.0/24"), deny(40, "198.51.100.9/32", "6", (443, 443))
    made = plan([to("203.0.113.9", 2000), to("198.51.100.9")], [*DEFAULT, wide, port])
    assert made.outcomes[0] == Keep(to("203.0.113.9", 2000), wide)
    assert isinstance(made.outcomes[1], Add)


def test_no_number_before_an_earlier_allow_is_refused_with_the_allow_named() -> None:
    (refused,) = plan(
        [to("203.0.113.9")], [*DEFAULT, Entry(1, True, "allow", "6", "203.0.113.0/24", (80, 80))]
    ).outcomes
    assert isinstance(refused, Refuse)
    assert "before entry 1, which allows tcp (6) 80 to 203.0.113.0/24" in refused.sentence


def test_an_own_entry_that_an_allow_made_useless_is_moved_before_it() -> None:
    own, allow = deny(9, "203.0.113.9/32"), Entry(5, True, "allow", "-1", "203.0.113.0/24")
    removed, added = plan([to("203.0.113.9")], [*DEFAULT, own, allow]).outcomes
    assert isinstance(removed, Remove) and removed.entry == own
    assert isinstance(added, Add) and added.entry.rule_number == 1


def test_when_full_the_entry_of_the_oldest_alert_makes_room_and_it_is_said() -> None:
    alerts = [to(f"203.0.113.{number}", 1000 + number) for number in range(1, 19)]
    alerts[4] = to("203.0.113.5", 7)
    made = plan([*alerts, to("198.51.100.1", 5000)], full_of_own())
    replaced = made.outcomes[0]
    assert isinstance(replaced, Replace) and replaced.old == deny(5, "203.0.113.5/32")
    assert replaced.new == deny(5, "198.51.100.1/32")
    assert "20 of 20 egress IPv4 entries are used" in replaced.sentence and "203.0.113.5/32" in replaced.sentence
    refused = [one.destination.address for one in made.outcomes if isinstance(one, Refuse)]
    assert refused == ["203.0.113.5"]


def test_an_own_entry_of_unknown_age_makes_room_first_and_a_known_age_saves_it() -> None:
    (replaced,) = plan([to("198.51.100.1")], full_of_own()).outcomes
    assert isinstance(replaced, Replace) and replaced.old.rule_number == 1
    known = {f"203.0.113.{number}/32": 900 for number in range(1, 18)}
    (replaced,) = plan([to("198.51.100.1")], full_of_own(), ages=known).outcomes
    assert isinstance(replaced, Replace) and replaced.old.rule_number == 18


def test_when_full_of_other_peoples_entries_the_destination_is_refused() -> None:
    others = [deny(number, f"203.0.{number}.0/24") for number in range(1, 19)]
    (refused,) = plan([to("198.51.100.1")], [*DEFAULT, *others]).outcomes
    assert isinstance(refused, Refuse) and "20 of 20" in refused.sentence


def test_ipv6_has_its_own_quota() -> None:
    (added,) = plan([to("2001:db8::1")], full_of_own()).outcomes
    assert isinstance(added, Add)


def test_a_burst_of_300_fills_the_quota_with_the_newest_and_refuses_the_others_by_name() -> None:
    burst = [to(f"198.51.{100 + n // 200}.{n % 200 + 1}", n) for n in range(300)]
    made = plan(burst, DEFAULT)
    kinds = Counter(type(one).__name__ for one in made.outcomes)
    assert kinds == {"Add": 18, "Refuse": 282}
    added = {one.destination.alerted_at_ms for one in made.outcomes if isinstance(one, Add)}
    assert added == set(range(282, 300))


def test_a_burst_in_one_and_the_same_millisecond_is_settled_once_and_for_all() -> None:
    burst = [to(f"198.51.100.{n}", 5) for n in range(1, 100)]
    made = plan(burst, DEFAULT)
    again = plan(reversed(burst), made.carried_out(DEFAULT))
    assert not again.changes


def test_of_one_and_the_same_millisecond_the_alert_that_was_made_last_is_the_newest() -> None:
    times = [0x1F0B7C1_FFFFFF00 + 100 * n for n in range(22)]  # so that the text of the ids does not rise with them
    ids = [str(uuid.UUID(fields=(t & 0xFFFFFFFF, t >> 32 & 0xFFFF, t >> 48, 0, 0, 1), version=1)) for t in times]
    assert ids != sorted(ids)
    burst = [to(f"198.51.100.{101 + n}", 5, alert_id) for n, alert_id in enumerate(ids)]
    for given_so in (burst, burst[::-1]):
        outcomes = plan(given_so, DEFAULT).outcomes
        assert [one.destination for one in of_destinations(Plan(outcomes))] == burst[::-1]
        assert [type(one) for one in outcomes] == 18 * [Add] + 4 * [Refuse]


def test_two_own_entries_for_one_address_become_one() -> None:
    (removed, kept) = plan(
        [to("203.0.113.9")], [*DEFAULT, deny(4, "203.0.113.9/32"), deny(2, "203.0.113.9/32")]
    ).outcomes
    assert isinstance(removed, Remove) and removed.entry.rule_number == 4
    assert isinstance(kept, Keep) and kept.entry.rule_number == 2


def test_an_own_entry_for_an_address_that_became_safe_is_taken_away() -> None:
    (removed,) = plan([], [*DEFAULT, deny(4, "203.0.113.200/32")], SAFE).outcomes
    assert isinstance(removed, Remove) and removed.sentence == (
        "Removed entry 4 (203.0.113.200/32): it is where AWS answers."
    )


def test_what_is_not_an_address_is_refused_in_words() -> None:
    (refused,) = plan([to("/run/nscd/socket")], DEFAULT).outcomes
    assert refused.sentence == "“/run/nscd/socket” is not denied: it is no IP address."


# --- what always holds ---

PUBLIC = ["203.0.113.1", "203.0.113.2", "203.0.113.130", "198.51.100.1", "2001:db8::1", "2001:db8::2", "2001:db8:1::1"]
NEVER = ["10.0.0.2", "127.0.0.1", "169.254.169.254", "203.0.113.200", "198.51.100.70", "fe80::1", "::1", "224.0.0.1"]
ODD = ["::ffff:203.0.113.1", "::ffff:10.0.0.1", "nonsense", ""]
NETWORKS = ["0.0.0.0/0", "203.0.113.0/24", "203.0.113.0/25", "203.0.113.1/32", "198.51.100.1/32", "198.51.100.70/32",
            "::/0", "2001:db8::/32", "2001:db8::1/128"]  # fmt: skip


@st.composite
def network_acls(draw: st.DrawFn) -> list[Entry]:
    """Entries as AWS would hold them: a number once a direction, at most 20 a family."""
    low, high = st.integers(1, 12), st.integers(1, 32766)
    numbers = draw(st.lists(st.one_of(low, low, high), unique=True, max_size=24))
    own = st.sampled_from([f"203.0.113.{n}/32" for n in range(1, 30)] + [f"2001:db8::{n}/128" for n in range(1, 30)])
    entries = list(LAST)
    for number in numbers:
        protocol = draw(st.sampled_from(["-1", "-1", "6"]))
        cidr_block = draw(st.one_of(st.sampled_from(NETWORKS), own, own))
        action = draw(st.sampled_from(["allow", "deny", "deny"]))
        ports = draw(st.sampled_from([(0, 65535), (80, 80)])) if protocol == "6" else None
        entry = Entry(number, draw(st.sampled_from([True, True, True, False])), action, protocol, cidr_block, ports)
        if entries_used(entries, entry.egress, ipv6=entry.ipv6) < ENTRY_QUOTA:
            entries.append(entry)
    return entries


destinations = st.lists(
    st.builds(
        Destination,
        st.one_of(
            st.sampled_from(PUBLIC + NEVER + ODD),
            st.integers(1, 60).map(lambda n: f"203.0.113.{n}"),
            st.integers(1, 60).map(lambda n: f"2001:db8::{n:x}"),
        ),
        st.uuids().map(str),
        st.integers(0, 6),
    ),
    max_size=40,
)
some_ages = st.dictionaries(st.integers(1, 29).map(lambda n: f"203.0.113.{n}/32"), st.integers(0, 6))


def addresses(found: list[Destination]) -> set[str]:
    """Each destination's address in one spelling."""
    return {str(parse_address(one.address) or one.address) for one in found}


def denied(entries: tuple[Entry, ...], address: str) -> bool:
    packets = [Packet.outbound(address, "tcp", port) for port in (80, 81)] + [Packet.outbound(address, "udp", 53)]
    return not any(decide(entries, packet).allowed for packet in packets)


def of_destinations(made: Plan) -> list[Add | Keep | Replace | Refuse]:
    return [one for one in made.outcomes if not isinstance(one, Remove)]


@given(destinations, network_acls())
def test_no_destination_is_forgotten_and_none_has_two_outcomes(found: list[Destination], entries: list[Entry]) -> None:
    told = [str(parse_address(one.destination.address) or one.destination.address)
            for one in of_destinations(plan(found, entries, SAFE))]  # fmt: skip
    assert sorted(told) == sorted(addresses(found))


@given(destinations, network_acls(), some_ages)
def test_nothing_but_own_entries_is_touched(
    found: list[Destination], entries: list[Entry], ages: dict[str, int]
) -> None:
    after = plan(found, entries, SAFE, ages=ages).carried_out(entries)
    assert [one for one in after if not is_own(one)] == [one for one in entries if not is_own(one)]
    numbers = Counter((one.egress, one.rule_number) for one in after)
    assert max(numbers.values()) == 1


@given(destinations, network_acls())
def test_each_change_in_its_turn_leaves_the_quota_whole(found: list[Destination], entries: list[Entry]) -> None:
    now = tuple(entries)
    for change in plan(found, entries, SAFE).changes:
        now = Plan((change,)).carried_out(now)
        for ipv6 in (False, True):
            assert entries_used(now, True, ipv6=ipv6) <= ENTRY_QUOTA


@pytest.mark.parametrize(
    "address",
    [
        "64:ff9b::10.0.0.5", "64:ff9b::169.254.169.254", "64:ff9b:1::1", "64:ff9b::198.51.100.65", "2002:a00:1::",
        "2002:7f00:1::1", "2002:cb00:71c8::", "::10.0.0.1", "::203.0.113.10", "::ffff:192.168.1.1", "100.64.0.1",
        "100.127.255.255", "192.0.0.1", "192.0.0.170", "192.88.99.1", "198.18.0.1", "198.19.255.255", "240.0.0.1",
        "fec0::1", "feff::1", "febf::1", "100::1", "100:0:0:1::1", "2001::1", "2001:10::1", "2001:20::1", "5f00::1",
        dns.GATEWAY, dns.GATEWAY_IPV6, dns.HOST, dns.HOST_IPV6, dns.RESOLVER, dns.METADATA,
    ],
)  # fmt: skip
def test_what_is_special_or_stands_for_a_safe_address_is_never_denied(address: str) -> None:
    assert why_safe(address, SAFE) is not None
    assert not plan([to(address)], DEFAULT, SAFE).changes


@pytest.mark.parametrize(
    "address",
    [*itertools.chain(*dns.NAMES.values()), "8.8.8.8", "2606:4700::1111", "2002:808:808::1", "64:ff9b::8.8.8.8"],
)
def test_what_is_public_and_the_labs_internet_are_denied(address: str) -> None:
    assert why_safe(address, SAFE) is None


@given(destinations, network_acls())
def test_never_a_deny_for_a_safe_address_and_never_two_for_one(found: list[Destination], entries: list[Entry]) -> None:
    after = own_entries(plan(found, entries, SAFE).carried_out(entries))
    assert not [one for one in after if why_safe(one.network.network_address, SAFE)]
    assert len({one.cidr_block for one in after}) == len(after)


@given(destinations, network_acls(), some_ages)
def test_afterwards_all_that_was_not_refused_is_denied(
    found: list[Destination], entries: list[Entry], ages: dict[str, int]
) -> None:
    made = plan(found, entries, SAFE, ages=ages)
    after = made.carried_out(entries)
    for one in of_destinations(made):
        if not isinstance(one, Refuse):
            assert denied(after, str(parse_address(one.destination.address)))


@given(destinations, network_acls(), some_ages)
def test_planning_again_changes_nothing(found: list[Destination], entries: list[Entry], ages: dict[str, int]) -> None:
    first = plan(found, entries, SAFE, ages=ages)
    after = first.carried_out(entries)
    again = plan(found[::-1], after, SAFE, ages=ages)
    assert not again.changes
    assert refused(again) <= refused(first)


def refused(made: Plan) -> set[str]:
    return {one.destination.address for one in made.outcomes if isinstance(one, Refuse)}


@given(destinations, network_acls())
def test_a_refusal_for_want_of_room_leaves_no_older_own_entry_in_its_way(
    found: list[Destination], entries: list[Entry]
) -> None:
    made = plan(found, entries, SAFE)
    known = {cidr_block_of(address): one.alerted_at_ms for one in sorted(found, key=lambda each: each.alerted_at_ms)
             if (address := parse_address(one.address))}  # fmt: skip
    after = made.carried_out(entries)
    for one in made.outcomes:
        if isinstance(one, Refuse) and "of 20 egress" in one.why:
            ipv6 = ipaddress.ip_address(parse_address(one.destination.address) or "").version == 6
            own = [entry for entry in own_entries(after) if entry.ipv6 == ipv6]
            first_allow = min([e.rule_number for e in after if e.allows and e.egress], default=100)
            ages = [known.get(entry.cidr_block, -1) for entry in own if entry.rule_number < first_allow]
            assert not [age for age in ages if age < one.destination.alerted_at_ms]


@given(destinations, network_acls())
def test_every_outcome_has_its_sentence_and_says_what_it_would_do(
    found: list[Destination], entries: list[Entry]
) -> None:
    for one in plan(found, entries, SAFE).outcomes:
        assert one.sentence.endswith(".") and one.would.startswith("Would ")
