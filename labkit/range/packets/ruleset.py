"""Entries of a network ACL as nftables rules at the far end of the host's link, which is the edge of the subnet.

Packets in `prerouting` from the link leave the subnet, packets in `output` to the link enter it. No rule uses the state
of connections, so the filter is stateless, as a network ACL is.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterable, Sequence

from labkit.model.network_acl import CATCH_ALL, Entry, in_order
from labkit.range.dns import RESOLVER

TABLE, LINK, LOG_GROUP = "inet network_acl", "vpc", 5
CATCH_ALL_IPV6 = CATCH_ALL + 1
WAYS = {True: "egress", False: "ingress"}
Counter = tuple[bool, int]
"""An entry as (egress, rule number)."""

_NEVER_FILTERED = f"{{ {RESOLVER}, 169.254.0.0/16 }}"
"""As in AWS: the VPC's resolver, and link-local addresses such as instance metadata.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html"""

_LINK_TRAFFIC = "icmpv6 type { 133, 134, 135, 136 } accept\n    ip6 daddr ff02::/16 accept"
"""Traffic of the link itself, which does not cross the edge of a subnet: neighbour and multicast listener discovery.

Source: RFC 4861, RFC 3810."""

_COUNTER = re.compile(r"counter (egress|ingress)_(\d+)_\w+ \{\s*packets (\d+)")


def base() -> str:
    """The table and its hooks; nothing is allowed yet.

    A hook passes each packet of the link to the chain of its direction, which ends with a drop.
    """
    hooks = []
    for way, hook, link, side in (
        ("egress", "prerouting", "iifname", "daddr"),
        ("ingress", "output", "oifname", "saddr"),
    ):
        hooks.append(
            f"  chain {way} {{ drop; }}\n"
            f"  chain {hook} {{\n    type filter hook {hook} priority raw; policy accept;\n"
            f'    {link} != "{LINK}" accept\n    ip {side} {_NEVER_FILTERED} accept\n    {_LINK_TRAFFIC}\n'
            f"    goto {way}\n  }}\n"
        )
    return f"table {TABLE} {{\n{''.join(hooks)}}}\n"


def transaction(entries: Sequence[Entry], previous: Iterable[str] = ()) -> str:
    """The nft commands that replace all entries in force with these, in one transaction.

    previous: the names of the existing counters. An unchanged entry keeps its counter; those of removed or replaced
    entries are deleted.
    """
    wanted, present = counter_names(entries), set(previous)
    lines = [f"add counter {TABLE} {name}" for name in wanted if name not in present]
    for egress, way in WAYS.items():
        lines.append(f"flush chain {TABLE} {way}")
        ordered = [entry for entry in in_order(entries, egress) if not entry.is_catch_all]
        lines += [_rule(entry) for entry in (*ordered, *_last(egress))]
    lines += [f"delete counter {TABLE} {name}" for name in sorted(present - set(wanted))]
    return "\n".join(lines) + "\n"


def counter_names(entries: Iterable[Entry]) -> list[str]:
    """The counters of a network ACL: one for each entry, and one for `*` per direction and address family.

    >>> counter_names([])
    ['egress_32767_all', 'egress_32768_all', 'ingress_32767_all', 'ingress_32768_all']
    """
    numbered = [_counter(entry) for entry in entries if not entry.is_catch_all]
    return numbered + [_counter(last) for egress in WAYS for last in _last(egress)]


def packets(listing: str) -> dict[Counter, int]:
    """The counts in the output of `nft list counters`.

    >>> packets("counter egress_50_1f { packets 7 bytes 420 }")
    {(True, 50): 7}
    """
    return {(way == "egress", int(number)): int(count) for way, number, count in _COUNTER.findall(listing)}


@functools.cache
def _last(egress: bool) -> tuple[Entry, Entry]:
    """AWS's own last entries, which always apply, listed or not."""
    return (
        Entry(CATCH_ALL, egress, "deny", "-1", "0.0.0.0/0"),
        Entry(CATCH_ALL_IPV6, egress, "deny", "-1", "::/0"),
    )


@functools.lru_cache(maxsize=4096)  # most updates change one entry of many
def _rule(entry: Entry) -> str:
    return f"add rule {TABLE} {WAYS[entry.egress]} {_matches(entry)}{_verdict(entry)}"


@functools.lru_cache(maxsize=4096)
def _counter(entry: Entry) -> str:
    """The name of the entry's counter; another entry with the same number has another counter."""
    identity = "all" if entry.is_catch_all else hashlib.sha256(str(entry).encode()).hexdigest()[:8]
    return f"{WAYS[entry.egress]}_{entry.rule_number}_{identity}"


def _verdict(entry: Entry) -> str:
    log = "" if entry.allows else f'log prefix "{WAYS[entry.egress]} {entry.rule_number}" group {LOG_GROUP} '
    return f'counter name "{_counter(entry)}" {log}{"accept" if entry.allows else "drop"}'


def _matches(entry: Entry) -> str:
    """The conditions of an entry. ICMP type and code are compared as raw bytes, since nft would infer the family."""
    family, side = ("ip6" if entry.ipv6 else "ip"), ("daddr" if entry.egress else "saddr")
    words = [f"meta nfproto {'ipv6' if entry.ipv6 else 'ipv4'}"]
    if entry.network.prefixlen:
        words.append(f"{family} {side} {entry.network}")
    if entry.protocol != "-1":
        words.append(f"meta l4proto {int(entry.protocol)}")
    if entry.effective_ports is not None:
        words.append("th dport {}-{}".format(*entry.effective_ports))
    if entry.effective_icmp is not None:
        places = ("@th,0,8", "@th,8,8")
        words += [f"{at} {value}" for at, value in zip(places, entry.effective_icmp, strict=True) if value != -1]
    return " ".join(words) + " "
