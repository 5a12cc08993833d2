"""The responder's plan: given alerts, the entries of a network ACL and safe addresses, what to add, keep, replace or
refuse, and why. It owns the egress rule numbers 1 to 99 and touches no others; it keeps no state.

The newest alert wins: when the quota is used up, the responder's own entry with the oldest alert is replaced, and a
destination whose alert is older than those of all such entries is refused.
"""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from labkit.model.network_acl import ENTRY_QUOTA, Entry, entries_used, in_order
from labkit.model.network_acl.entry import ALL_PROTOCOLS
from labkit.model.response.response import (
    OWN_NUMBERS,
    Add,
    Destination,
    Keep,
    Outcome,
    Plan,
    Refuse,
    Remove,
    Replace,
    own_entries,
)
from labkit.model.response.safe_addresses import Address, Network, SafeNetwork, never_deny, parse_address, why_safe


def cidr_block_of(address: Address) -> str:
    """The CIDR block of one address alone.

    >>> cidr_block_of(ipaddress.ip_address("2001:db8:0::10"))
    '2001:db8::10/128'
    """
    return str(ipaddress.ip_network(address))


def made_at(destination: Destination) -> int:
    """When its alert was raised, in steps of 100 ns, from its id, a UUID of version 1 as the service's are; else 0.

    Alerts of a burst share one millisecond, and which of them is replaced must not depend on chance.

    >>> made_at(Destination("203.0.113.10", "448889bf-eb81-11ec-b41e-1734e5d9feb0", 5))
    138744628974750143
    """
    try:
        made = uuid.UUID(destination.alert_id)
    except ValueError:
        return 0
    return made.time if made.version == 1 else 0


def plan(
    destinations: Iterable[Destination],
    entries: Iterable[Entry],
    safe: Sequence[SafeNetwork] | None = None,
    *,
    ages: Mapping[str, int] | None = None,
    quota: int = ENTRY_QUOTA,
) -> Plan:
    """The plan for these destinations and the entries that are there now.

    safe: what is never denied, by default `never_deny()`. ages: when the newest alert for a CIDR block was raised, in
    milliseconds, where that is known beside the destinations; an own entry of unknown age counts as the oldest.

    >>> default = [Entry(100, True, "allow", "-1", "0.0.0.0/0"), Entry(32767, True, "deny", "-1", "0.0.0.0/0")]
    >>> for outcome in plan([Destination("203.0.113.10", "a1", 2), Destination("10.0.0.9", "a2", 1)], default).outcomes:
    ...     print(outcome.sentence)
    Added entry 1: deny all to 203.0.113.10/32.
    10.0.0.9 is not denied: it is a private address (10.0.0.0/8).
    """
    safe = never_deny() if safe is None else safe
    wanted, refused = _sorted_out(destinations, safe)
    known = {**(ages or {}), **{cidr: each.alerted_at_ms for cidr, each in wanted.items()}}
    draft = _Draft(list(entries), known, quota)
    outcomes: list[Outcome] = list(draft.remove_wrong(safe))
    own = {entry.cidr_block for entry in own_entries(draft.entries)}
    for cidr in sorted(
        wanted, key=lambda one: (-wanted[one].alerted_at_ms, one not in own, -made_at(wanted[one]), one)
    ):
        outcomes += draft.place(cidr, wanted[cidr])
    return Plan((*outcomes, *refused))


def _sorted_out(
    destinations: Iterable[Destination], safe: Sequence[SafeNetwork]
) -> tuple[dict[str, Destination], list[Refuse]]:
    """The destinations to deny by CIDR block, each with its newest alert, and those that are refused."""
    wanted: dict[str, Destination] = {}
    refused: dict[str, Refuse] = {}
    for each in sorted(destinations, key=lambda one: (-one.alerted_at_ms, -made_at(one), one.alert_id, one.address)):
        address = parse_address(each.address)
        if address is None:
            refused.setdefault(each.address, Refuse(each, f"“{each.address}” is not denied: it is no IP address."))
        elif reason := why_safe(address, safe):
            refused.setdefault(str(address), Refuse(each, f"{address} is not denied: it is {reason}."))
        else:
            wanted.setdefault(cidr_block_of(address), each)
    return wanted, list(refused.values())


@dataclass
class _Draft:
    """The entries as the plan changes them so far."""

    entries: list[Entry]
    ages: Mapping[str, int]
    quota: int

    def remove_wrong(self, safe: Sequence[SafeNetwork]) -> list[Remove]:
        """Remove own entries that deny a safe address, or an address that an earlier own entry denies."""
        removed, seen = [], dict[str, Entry]()
        for entry in own_entries(self.entries):
            reason = why_safe(entry.network.network_address, safe)
            first = seen.setdefault(entry.cidr_block, entry)
            if reason:
                removed.append(Remove(entry, f"it is {reason}."))
            elif first is not entry:
                removed.append(Remove(entry, f"entry {first.rule_number} denies it already."))
        for remove in removed:
            self.entries.remove(remove.entry)
        return removed

    def place(self, cidr: str, destination: Destination) -> list[Outcome]:
        """Decide about one destination, and apply the decision to the entries."""
        network = ipaddress.ip_network(cidr)
        denied_by, allowed_by = self._first_match(network)
        if denied_by is not None:
            return [Keep(destination, denied_by)]
        useless = next((entry for entry in own_entries(self.entries) if entry.cidr_block == cidr), None)
        rest = [entry for entry in self.entries if entry is not useless]
        outcomes: list[Outcome] = [self._new_entry(rest, cidr, destination, allowed_by)]
        if useless is not None and allowed_by is not None and not isinstance(outcomes[0], Refuse):
            why = f"it comes after entry {allowed_by.rule_number}, which allows {allowed_by.traffic_text}."
            outcomes.insert(0, Remove(useless, why))
        self.entries = list(Plan(tuple(outcomes)).carried_out(self.entries))
        return outcomes

    def _first_match(self, network: Network) -> tuple[Entry | None, Entry | None]:
        """The deny of everything that an address meets first, else the allow that it may meet first.

        AWS's own `*` is left out: what it denies, an allow made later would let through.
        """
        for entry in in_order(self.entries, egress=True):
            if entry.is_catch_all or network.network_address not in entry.network:
                continue
            if entry.allows:
                return None, entry
            if entry.protocol == ALL_PROTOCOLS:
                return entry, None
        return None, None

    def _new_entry(
        self, entries: list[Entry], cidr: str, destination: Destination, allowed_by: Entry | None
    ) -> Add | Replace | Refuse:
        ipv6 = ":" in cidr
        taken = {entry.rule_number for entry in entries if entry.egress}
        usable = [number for number in OWN_NUMBERS if allowed_by is None or number < allowed_by.rule_number]
        free = [number for number in usable if number not in taken]
        used = entries_used(entries, egress=True, ipv6=ipv6)
        full = used >= self.quota
        if free and not full:
            return Add(destination, _deny(free[0], cidr))
        because = (
            f"{used} of {self.quota} egress IPv{6 if ipv6 else 4} entries are used" if full else _taken(allowed_by)
        )
        older = [
            entry
            for entry in own_entries(entries)
            if entry.ipv6 == ipv6
            and self._age(entry) < destination.alerted_at_ms
            and (entry.rule_number in usable or (full and free))
        ]
        if not older:
            none = "no entry of the responder’s own is of an older alert"
            why = f"{parse_address(destination.address)} is not denied: {because}, and {none}."
            return Refuse(destination, why, full=True)
        oldest = min(older, key=lambda entry: (self._age(entry), entry.rule_number))
        number = oldest.rule_number if oldest.rule_number in usable else free[0]
        return Replace(destination, oldest, _deny(number, cidr), because)

    def _age(self, entry: Entry) -> int:
        """When the newest alert for an own entry's address was raised; -1, the oldest, if unknown."""
        return self.ages.get(entry.cidr_block, -1)


def _deny(number: int, cidr_block: str) -> Entry:
    return Entry(number, True, "deny", ALL_PROTOCOLS, cidr_block)


def _taken(allow: Entry | None) -> str:
    """Why there is no number: text that can begin a sentence or follow a colon."""
    if allow is None or allow.rule_number > OWN_NUMBERS[-1]:
        return f"no rule number from {OWN_NUMBERS[0]} to {OWN_NUMBERS[-1]} is free"
    return f"no rule number is free before entry {allow.rule_number}, which allows {allow.traffic_text}"
