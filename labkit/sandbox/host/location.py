"""Where a host lives, and what filters it there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labkit.model.network_acl import Entry, NetworkAcl

NOT_IN_A_SUBNET = tuple(
    Entry(number, egress, "allow", "-1", block)
    for egress in (False, True)
    for number, block in ((100, "0.0.0.0/0"), (101, "::/0"))
)
"""What filters a host while it lives in no subnet: nothing."""


@dataclass(frozen=True)
class HostLocation:
    """The subnet that a host lives in, and the network ACL that is in force there."""

    region: str
    subnet_id: str
    network_acl: NetworkAcl

    @classmethod
    def of(cls, told: Mapping[str, Any] | None) -> HostLocation | None:
        """From the form in which AWS's side tells it (`class_view.place_of`); None for no subnet."""
        if told is None:
            return None
        return cls(told["region"], told["subnet_id"], NetworkAcl.from_aws(told["network_acl"]))


def entries_at(place: HostLocation | None) -> tuple[Entry, ...]:
    """The entries that filter a host there."""
    return NOT_IN_A_SUBNET if place is None else place.network_acl.entries


def not_taken(wanted: HostLocation | None, in_force: HostLocation | None, why: str) -> str:
    """What to say where a range refuses what is wanted and goes on with what is in force.

    >>> print(not_taken(None, None, "it is full"))
    The range did not take the entries: it is full. What is in force is nothing: every packet passes.
    """
    before, after = entries_at(in_force), entries_at(wanted)
    new = [str(entry) for entry in after if entry not in before]
    gone = [f"the end of {entry}" for entry in before if entry not in after]
    what = "; ".join(["entry " + one for one in new] or gone) or "the entries"
    return f"The range did not take {what}: {why.rstrip('.')}. What is in force is {_in_words(in_force)}."


def _in_words(place: HostLocation | None) -> str:
    if place is None:
        return "nothing: every packet passes"
    acl = place.network_acl
    egress, ingress = (", ".join(one.number_text for one in way) or "none" for way in (acl.egress, acl.ingress))
    return f"{acl.id} as it was before, with egress {egress} and ingress {ingress}"
