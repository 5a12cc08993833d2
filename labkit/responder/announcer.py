"""Announces what a round did, each thing once, with the times of event, alert and entry."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from typing import NamedTuple

from labkit.model.errors import LabError
from labkit.model.network_acl import Entry
from labkit.model.response.messages import Kind, Message
from labkit.model.response.plan import cidr_block_of
from labkit.model.response.response import Add, Destination, Keep, Outcome, Plan, Refuse, Remove, Replace
from labkit.model.response.safe_addresses import parse_address
from labkit.services.detection.destinations import AlertDestinations

MOST_LISTED = 4
"""Up to this many destinations of a poll are listed one by one."""


class Done(NamedTuple):
    """An outcome that was applied, and when, in milliseconds since 1970."""

    outcome: Outcome
    at_ms: int


class Announcer:
    """Announces what is new in a round; a destination is announced again when something about it changes."""

    def __init__(self, emit: Callable[[Message], None], alerts: AlertDestinations) -> None:
        self._emit, self._alerts = emit, alerts
        self._last: dict[str, Entry | str] = {}
        self._entered: set[tuple[str, str]] = set()
        self._blocked: set[str] | None = None

    def announce(self, done: Iterable[Done], made: Plan | None, full: bool) -> None:
        """Announce what happened to the destinations.

        made: the whole plan, if all of it was applied. full: whether the round read all alerts, or only new ones; the
        messages about new ones do not depend on how many came at once.
        """
        done = list(done)
        if not full:
            for outcome, at_ms in done:
                if isinstance(outcome, Refuse) and not outcome.full:
                    self._announce_outcome(outcome, at_ms)
        if made is not None:
            self._announce_poll(made, full)
        for outcome, at_ms in done:
            self._announce_outcome(outcome, at_ms)
        if made is not None and full:
            listed = {_key(one.destination) for one in made.outcomes if not isinstance(one, Remove)}
            self._last = {key: sentence for key, sentence in self._last.items() if key in listed}

    def _announce_poll(self, made: Plan, full: bool) -> None:
        """The original's line about a poll, once for each set of destinations; of new alerts, new destinations."""
        about = [one.destination for one in made.outcomes if isinstance(one, Add | Keep | Replace)]
        before = self._blocked or set()
        if not full:
            about = [destination for destination in about if _key(destination) not in before]
        blocked = {_key(destination) for destination in about}
        if blocked == (self._blocked if full else set()):
            return
        self._blocked = blocked if full else before | blocked
        destinations = _as_a_set(tuple(sorted(blocked)))
        hosts = self._sources(about)
        sources = [{"container": "Host", "address": address} for address in hosts]
        words = f"Alert poll returned destination {destinations} source {sources} to block at the firewall"
        self._emit(Message("poll", words, plain=_in_plain_words(tuple(sorted(blocked)), hosts)))

    def _sources(self, about: Iterable[Destination]) -> tuple[str, ...]:
        """The private addresses of the hosts that connected, without loopback, which every host has."""
        found: dict[str, None] = {}
        for destination in about:
            try:
                found |= dict.fromkeys(self._alerts.sources(destination.alert_id))
            except LabError:  # the source is only information; the protection does not depend on it
                continue
        return tuple(address for address in found if not ipaddress.ip_address(address).is_loopback)

    def _announce_outcome(self, outcome: Outcome, at_ms: int) -> None:
        match outcome:
            case Remove(entry, _):
                self._emit(Message("removed", outcome.sentence, str(entry.network.network_address), entry=entry))
            case Add(destination, entry):
                self._announce_entry("added", outcome.sentence, destination, entry, at_ms)
            case Replace(destination, _, entry, _):
                self._announce_entry("replaced", outcome.sentence, destination, entry, at_ms)
            case Keep(destination, entry) if self._is_new(destination, entry):
                said = Message("kept", outcome.sentence, destination.address, destination.alert_id, entry)
                self._emit(said)
            case Refuse(destination, why) if self._is_new(destination, why):
                self._emit(Message("refused", why, destination.address, destination.alert_id))

    def _announce_entry(self, kind: Kind, sentence: str, destination: Destination, entry: Entry, at_ms: int) -> None:
        """Announce a new entry. If added again for the same alert it has no times: they belong to the first one."""
        self._is_new(destination, entry)
        what = (destination.alert_id, entry.cidr_block)
        first = what not in self._entered
        self._entered.add(what)
        self._emit(
            Message(
                kind,
                sentence,
                destination.address,
                destination.alert_id,
                entry,
                self._event_at_ms(destination) if first else None,
                destination.alerted_at_ms if first else None,
                at_ms if first else None,
            )
        )

    def _event_at_ms(self, destination: Destination) -> int | None:
        try:
            return self._alerts.event_at_ms(destination)
        except LabError:  # the time is only information
            return None

    def _is_new(self, destination: Destination, what: Entry | str) -> bool:
        """Whether this differs from the last announcement about the destination; notes it."""
        key = _key(destination)
        before = self._last.get(key)
        self._last[key] = what
        return before != what


def _as_a_set(cidr_blocks: tuple[str, ...]) -> str:
    """Destinations as the original printed them; if many, their number, the first and the last.

    >>> _as_a_set(()), _as_a_set(("203.0.113.10/32",))
    ('set()', "{'203.0.113.10/32'}")
    >>> _as_a_set(tuple(f"203.0.113.{number}/32" for number in range(10, 32)))
    "{22 addresses: '203.0.113.10/32' … '203.0.113.31/32'}"
    """
    if not cidr_blocks:
        return "set()"
    if len(cidr_blocks) > MOST_LISTED:
        return f"{{{len(cidr_blocks)} addresses: {cidr_blocks[0]!r} … {cidr_blocks[-1]!r}}}"
    return "{" + ", ".join(map(repr, cidr_blocks)) + "}"


def _in_plain_words(cidr_blocks: tuple[str, ...], hosts: tuple[str, ...]) -> str:
    """The same for people.

    >>> _in_plain_words((), ())
    'No alert names an address to deny.'
    >>> _in_plain_words(("203.0.113.10/32",), ("10.0.1.10",))
    'To deny: 203.0.113.10, in alerts of 10.0.1.10.'
    """
    if not cidr_blocks:
        return "No alert names an address to deny."
    addresses = [block.partition("/")[0] for block in cidr_blocks]
    few = len(addresses) <= MOST_LISTED
    what = ", ".join(addresses) if few else f"{len(addresses)} addresses, {addresses[0]} … {addresses[-1]}"
    return f"To deny: {what}, in alerts of {', '.join(hosts) or 'your rule'}."


def _key(destination: Destination) -> str:
    """A destination's CIDR block, or the text of what is no address."""
    address = parse_address(destination.address)
    return destination.address if address is None else cidr_block_of(address)
