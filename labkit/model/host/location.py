"""Where the lab's host is, and which entries filter it there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labkit.model.errors import InvalidInput
from labkit.model.network_acl import Entry, NetworkAcl
from labkit.model.network_acl.validation import validate_entry

ALLOW_EVERYTHING = tuple(
    Entry(number, egress, "allow", "-1", block)
    for egress in (False, True)
    for number, block in ((100, "0.0.0.0/0"), (101, "::/0"))
)
"""The entries for a host that is in no subnet."""


@dataclass(frozen=True)
class HostLocation:
    """The host's subnet, and the network ACL in force there. None means a host in no subnet."""

    region: str
    subnet_id: str
    network_acl: NetworkAcl

    @property
    def key(self) -> tuple[str, str]:
        """Stays the same while only entries change."""
        return self.subnet_id, self.network_acl.id

    def to_json(self) -> dict[str, Any]:
        """The location as a class's sandbox sends it to a student's machine."""
        return {"region": self.region, "subnet_id": self.subnet_id, "network_acl": self.network_acl.to_aws()}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> HostLocation:
        """The inverse of `to_json`. Raises KeyError, TypeError or ValueError for anything else.

        Another machine sent it, and its entries become commands of this one's filter.
        """
        network_acl = NetworkAcl.from_aws(document["network_acl"])
        for entry in network_acl.entries:
            if not entry.is_catch_all:
                try:
                    validate_entry(entry.to_aws())
                except InvalidInput as wrong:
                    raise ValueError(wrong.what) from wrong
        return cls(str(document["region"]), str(document["subnet_id"]), network_acl)


def entries_at(location: HostLocation | None) -> tuple[Entry, ...]:
    """The entries that filter a host there."""
    return ALLOW_EVERYTHING if location is None else location.network_acl.entries


def refusal_text(wanted: HostLocation | None, in_force: HostLocation | None, why: str) -> str:
    """The message when the range refuses `wanted` and stays with `in_force`.

    >>> print(refusal_text(None, None, "it is full"))
    The range refused the entries: it is full. Still in force: nothing, every packet passes.
    """
    before, after = entries_at(in_force), entries_at(wanted)
    added = [f"entry {entry}" for entry in after if entry not in before]
    removed = [f"the removal of {entry}" for entry in before if entry not in after]
    what = "; ".join(added or removed) or "the entries"
    return f"The range refused {what}: {why.rstrip('.')}. Still in force: {_in_words(in_force)}."


def _in_words(location: HostLocation | None) -> str:
    if location is None:
        return "nothing, every packet passes"
    acl = location.network_acl
    egress, ingress = (", ".join(one.number_text for one in way) or "none" for way in (acl.egress, acl.ingress))
    return f"{acl.id} as before, with egress {egress} and ingress {ingress}"
