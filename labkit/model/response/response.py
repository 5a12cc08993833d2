"""The responder's possible decisions, each with its sentence, and which entries are its own.

`plan` decides; the responder applies it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from labkit.model.network_acl import Entry, in_order
from labkit.model.network_acl.entry import ALL_PROTOCOLS

OWN_NUMBERS = range(1, 100)
"""They come before 100, AWS's own allow of everything."""


@dataclass(frozen=True)
class Destination:
    """An address that an alert says was connected to, as the event has it. Times are milliseconds since 1970.

    event_at_ms: when the program connected; None where it was not looked up.
    """

    address: str
    alert_id: str
    alerted_at_ms: int
    event_at_ms: int | None = None


@dataclass(frozen=True)
class Add:
    """A deny entry for a destination, at a number that is free."""

    destination: Destination
    entry: Entry

    @property
    def sentence(self) -> str:
        return f"Added entry {self.entry.rule_number}: deny {self.entry.traffic_text}."

    @property
    def would(self) -> str:
        return f"Would add entry {self.entry.rule_number}: deny {self.entry.traffic_text}."


@dataclass(frozen=True)
class Keep:
    """A destination that an entry already denies."""

    destination: Destination
    entry: Entry

    @property
    def sentence(self) -> str:
        entry = self.entry
        return f"{self.destination.address} is denied already: entry {entry.rule_number} denies {entry.traffic_text}."

    @property
    def would(self) -> str:
        return f"Would keep entry {self.entry.rule_number}: {self.sentence}"


@dataclass(frozen=True)
class Replace:
    """The responder's own entry `old` is replaced by `new`; because: what is used up."""

    destination: Destination
    old: Entry
    new: Entry
    because: str

    @property
    def sentence(self) -> str:
        because = self.because[0].upper() + self.because[1:]
        return f"{because}, so {self._oldest} was replaced. {Add(self.destination, self.new).sentence}"

    @property
    def would(self) -> str:
        oldest = self._oldest[0].upper() + self._oldest[1:]
        return f"{Add(self.destination, self.new).would} {oldest} would be replaced: {self.because}."

    @property
    def _oldest(self) -> str:
        return f"the entry of the oldest alert, {self.old.rule_number} ({self.old.cidr_block}),"


@dataclass(frozen=True)
class Refuse:
    """A destination that is not denied; why: a whole sentence. full: because no entry is free, which may change."""

    destination: Destination
    why: str
    full: bool = False

    @property
    def sentence(self) -> str:
        return self.why

    @property
    def would(self) -> str:
        return f"Would refuse: {self.why}"


@dataclass(frozen=True)
class Remove:
    """The responder's own entry that should not be there; why: a whole sentence."""

    entry: Entry
    why: str

    @property
    def sentence(self) -> str:
        return f"Removed entry {self.entry.rule_number} ({self.entry.cidr_block}): {self.why}"

    @property
    def would(self) -> str:
        return f"Would remove entry {self.entry.rule_number} ({self.entry.cidr_block}): {self.why}"


Outcome = Add | Keep | Replace | Refuse | Remove


@dataclass(frozen=True)
class Plan:
    """What to do, in this order; each destination's address has exactly one Add, Keep, Replace or Refuse."""

    outcomes: tuple[Outcome, ...] = ()

    @property
    def changes(self) -> tuple[Add | Replace | Remove, ...]:
        return tuple(one for one in self.outcomes if isinstance(one, Add | Replace | Remove))

    def carried_out(self, entries: Iterable[Entry]) -> tuple[Entry, ...]:
        """The entries after this plan."""
        left = list(entries)
        for change in self.changes:
            if not isinstance(change, Add):
                left.remove(change.entry if isinstance(change, Remove) else change.old)
            if not isinstance(change, Remove):
                left.append(change.entry if isinstance(change, Add) else change.new)
        return tuple(left)


def is_own(entry: Entry) -> bool:
    """Whether an entry is one of the responder's: an egress deny, 1 to 99, of everything to a single address.

    >>> is_own(Entry(7, True, "deny", "-1", "203.0.113.10/32")), is_own(Entry(7, True, "deny", "-1", "203.0.113.0/24"))
    (True, False)
    """
    return (
        entry.egress
        and not entry.allows
        and entry.rule_number in OWN_NUMBERS
        and entry.protocol == ALL_PROTOCOLS
        and entry.network.num_addresses == 1
    )


def own_entries(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The responder's own entries, in the order in which AWS tries them."""
    return tuple(entry for entry in in_order(entries, egress=True) if is_own(entry))
