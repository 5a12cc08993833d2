"""Which entry decides on a packet, and why: AWS tries entries in order of rule number, and the first match decides.

A network ACL is stateless: a reply is a packet of its own, decided by the entries of the other direction.
Source: https://docs.aws.amazon.com/vpc/latest/userguide/nacl-basics.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from labkit.model.errors import InvalidInput
from labkit.model.network_acl.entry import ALL_PROTOCOLS, ICMP, ICMPV6, Entry, in_order
from labkit.model.network_acl.packet import Packet

Verdict = Literal["no match", "decides", "not reached"]


@dataclass(frozen=True)
class Trial:
    """The result for one entry; `why` explains it, and gives the reason for a "no match"."""

    entry: Entry
    verdict: Verdict
    why: str


@dataclass(frozen=True)
class Decision:
    """Whether a packet is allowed, with the result for each entry of its direction, in order.

    deciding: the entry that decided; None if no entry matched (AWS then denies) or the packet is never filtered.
    """

    packet: Packet
    trials: tuple[Trial, ...]
    deciding: Entry | None
    allowed: bool
    sentence: str

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True)
class WhatIf:
    """The decisions on one packet without and with one more entry, and what the entry changes, in a sentence."""

    entry: Entry
    before: Decision
    after: Decision
    sentence: str

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True)
class Shadowed:
    """An entry that no packet reaches, since the earlier entry `by` matches everything that it matches."""

    entry: Entry
    by: Entry

    def __str__(self) -> str:
        return f"Entry {self.entry.number_text} is never reached: {_in_words(self.by)}."


def decide(entries: Iterable[Entry], packet: Packet) -> Decision:
    """The decision of a network ACL with these entries on one packet.

    >>> default = [Entry(100, True, "allow", "-1", "0.0.0.0/0"), Entry(32767, True, "deny", "-1", "0.0.0.0/0")]
    >>> print(decide(default, Packet.outbound("203.0.113.9", "tcp", 443)))
    Allowed: 100 allows all. It is the first entry that matches tcp (6) 443 to 203.0.113.9.
    """
    ordered = in_order(entries, packet.egress)
    if packet.is_never_filtered:
        trials = tuple(Trial(entry, "not reached", "not reached: never filtered") for entry in ordered)
        sentence = f"Allowed: AWS never filters traffic with {packet.far}, whatever the entries say."
        return Decision(packet, trials, None, True, sentence)
    trials_made: list[Trial] = []
    deciding: Entry | None = None
    for entry in ordered:
        trials_made.append(_try(entry, packet, deciding))
        if trials_made[-1].verdict == "decides":
            deciding = entry
    allowed = deciding is not None and deciding.allows
    return Decision(packet, tuple(trials_made), deciding, allowed, _decision_sentence(packet, deciding))


def what_if(entries: Iterable[Entry], entry: Entry, packet: Packet) -> WhatIf:
    """The decisions on a packet without and with one more entry. Raises InvalidInput if its number is in use.

    >>> default = [Entry(100, True, "allow", "-1", "0.0.0.0/0"), Entry(32767, True, "deny", "-1", "0.0.0.0/0")]
    >>> packet = Packet.outbound("203.0.113.9", "tcp", 443)
    >>> print(what_if(default, Entry(150, True, "deny", "-1", "203.0.113.0/24"), packet))
    Entry 150 is never reached for this packet: 100 allows all.
    >>> print(what_if(default, Entry(50, True, "deny", "-1", "203.0.113.0/24"), packet))
    Entry 50 decides: it denies this packet, which 100 allowed before.
    """
    present = tuple(entries)
    if any((e.egress, e.rule_number) == (entry.egress, entry.rule_number) for e in present):
        raise InvalidInput(
            f"Rule number {entry.rule_number} is taken.",
            "Each direction can have only one entry per rule number.",
            "Choose another number, or replace the existing entry.",
            field="rule_number",
            code="NetworkAclEntryAlreadyExists",
        )
    before, after = decide(present, packet), decide((*present, entry), packet)
    return WhatIf(entry, before, after, _what_if_sentence(entry, before, after))


def never_reached(entries: Iterable[Entry]) -> tuple[Shadowed, ...]:
    """The entries that one earlier entry covers completely, each with the first such entry; without AWS's `*` entry.

    An entry that only several earlier entries cover together is not found.

    >>> for shadowed in never_reached([Entry(100, True, "allow", "-1", "0.0.0.0/0"),
    ...                                Entry(150, True, "deny", "-1", "203.0.113.0/24")]):
    ...     print(shadowed)
    Entry 150 is never reached: 100 allows all.
    """
    present = tuple(entries)
    found = []
    for ordered in (in_order(present, egress=False), in_order(present, egress=True)):
        for position, entry in enumerate(ordered):
            by = next((earlier for earlier in ordered[:position] if _covers(earlier, entry)), None)
            if by is not None and not entry.is_catch_all:
                found.append(Shadowed(entry, by))
    return tuple(found)


def _try(entry: Entry, packet: Packet, decided_by: Entry | None) -> Trial:
    if decided_by is not None:
        return Trial(entry, "not reached", f"not reached: {decided_by.number_text} decided")
    mismatch = _mismatch(entry, packet)
    if mismatch:
        return Trial(entry, "no match", f"no match: {mismatch}")
    return Trial(entry, "decides", f"decides: the first match, {entry.rule_action}")


def _mismatch(entry: Entry, packet: Packet) -> str:
    """Why the entry does not match the packet; "" if it does."""
    side = "destination" if packet.egress else "source"
    if packet.ipv6 != entry.ipv6:
        return f"an IPv{6 if entry.ipv6 else 4} entry, an IPv{6 if packet.ipv6 else 4} packet"
    if packet.far_address not in entry.network:
        return f"{side} {packet.far} is not in {entry.cidr_block}"
    if entry.protocol == ALL_PROTOCOLS:
        return ""
    if entry.protocol != packet.protocol:
        return f"protocol {packet.protocol_name} is not {entry.protocol_name}"
    ports, icmp = entry.effective_ports, entry.effective_icmp
    if ports and packet.port is not None and not ports[0] <= packet.port <= ports[1]:
        return f"port {packet.port} is not {'in ' if ports[0] != ports[1] else ''}{entry.ports}"
    if (
        icmp
        and packet.icmp is not None
        and any(want not in (-1, has) for want, has in zip(icmp, packet.icmp, strict=True))
    ):
        return f"type {packet.icmp[0]}, code {packet.icmp[1]} is not {entry.ports}"
    return ""


def _covers(earlier: Entry, later: Entry) -> bool:
    """Whether the earlier entry matches every packet that the later one matches."""
    if earlier.egress != later.egress or earlier.ipv6 != later.ipv6:
        return False
    if not later.network.subnet_of(earlier.network):  # type: ignore[arg-type]  # both are of one family here
        return False
    if earlier.protocol == ALL_PROTOCOLS:
        return True
    if earlier.protocol != later.protocol:
        return False
    if earlier.protocol in (ICMP, ICMPV6):
        wants, has = earlier.effective_icmp or (-1, -1), later.effective_icmp or (-1, -1)
        return all(want in (-1, value) for want, value in zip(wants, has, strict=True))
    (low, high), (first, last) = earlier.effective_ports or (0, 65535), later.effective_ports or (0, 65535)
    return low <= first and last <= high


def _in_words(entry: Entry) -> str:
    """The entry in words: `100 allows all` for a whole address family, else with the traffic it matches."""
    everything = entry.protocol == ALL_PROTOCOLS and entry.network.prefixlen == 0
    traffic = ("all IPv6" if entry.ipv6 else "all") if everything else entry.traffic_text
    return f"{entry.number_text} {'allows' if entry.allows else 'denies'} {traffic}"


def _decision_sentence(packet: Packet, deciding: Entry | None) -> str:
    if deciding is None:
        return f"Denied: no entry matches {packet}, so AWS denies it."
    if deciding.is_catch_all:
        return f"Denied: no numbered entry matches {packet}, so * denies it."
    verdict = "Allowed" if deciding.allows else "Denied"
    return f"{verdict}: {_in_words(deciding)}. It is the first entry that matches {packet}."


def _what_if_sentence(entry: Entry, before: Decision, after: Decision) -> str:
    trial = next((trial for trial in after.trials if trial.entry == entry), None)
    number = entry.number_text
    if trial is None:
        way = ("egress", "ingress") if entry.egress else ("ingress", "egress")
        return f"Entry {number} is not tried: it is an {way[0]} entry, and this is an {way[1]} packet."
    if after.packet.is_never_filtered:
        return f"Entry {number} changes nothing: {after.sentence.partition(': ')[2]}"
    if trial.verdict == "no match":
        return f"Entry {number} changes nothing for this packet: {trial.why.partition(': ')[2]}."
    if trial.verdict == "not reached" and after.deciding is not None:
        return f"Entry {number} is never reached for this packet: {_in_words(after.deciding)}."
    verb, was = ("allows", "allowed") if after.allowed else ("denies", "denied"), before.deciding
    before_words = f"{was.number_text if was else 'no entry'} {'allowed' if before.allowed else 'denied'}"
    if before.allowed == after.allowed:
        return f"Entry {number} decides: it {verb[0]} this packet, as {was.number_text if was else 'AWS'} did before."
    return f"Entry {number} decides: it {verb[0]} this packet, which {before_words} before."
