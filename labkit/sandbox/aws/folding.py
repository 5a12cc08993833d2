"""Which changes of a journal still matter: those of deleted things and settings that were replaced do not.

Each change seeds its own ids, so replaying the others gives the same state. A responder adds and removes deny entries
by the thousand; a script may create and delete VPCs as often.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Change:
    """A changing request that succeeded. n: rising number, which seeds its ids. made: the id of what it created."""

    n: int
    account: str
    region: str
    action: str
    params: dict[str, Any]
    made: str = ""


def folded(changes: Iterable[Change], existing: set[str]) -> list[Change]:
    """The changes that still matter, in their order. existing: the ids of all that exists now."""
    kept = list(changes)
    gone = {change.made for change in kept if change.made} - existing
    kept = [change for each in kept if (change := _of_what_exists(each, gone, existing)) is not None]
    kept = _without_opposites(kept, _entry_of, "DeleteNetworkAclEntry", "CreateNetworkAclEntry")
    kept = _without_opposites(kept, _attachment_of, "DetachInternetGateway", "AttachInternetGateway")
    return _last_settings(kept, made={change.made for change in kept})


def _of_what_exists(change: Change, gone: set[str], existing: set[str]) -> Change | None:
    """A change without what is gone; None if nothing is left of it. gone: ids that these changes themselves made."""
    params = change.params
    if change.action in ("CreateTags", "DeleteTags"):
        resources = [one for one in params["Resources"] if one in existing]
        return replace(change, params={**params, "Resources": resources}) if resources else None
    if change.action.endswith("NetworkAclEntry"):
        return change if params["NetworkAclId"] in existing else None
    if change.action == "ReplaceNetworkAclAssociation":
        return change if "SubnetId" not in params or params["SubnetId"] in existing else None
    if change.made in gone or any(isinstance(value, str) and value in gone for value in params.values()):
        return None
    return change


def _entry_of(change: Change) -> tuple[Any, ...] | None:
    if not change.action.endswith("NetworkAclEntry"):
        return None
    return (change.region, *(change.params[name] for name in ("NetworkAclId", "Egress", "RuleNumber")))


def _attachment_of(change: Change) -> tuple[Any, ...] | None:
    if not change.action.endswith("InternetGateway") or "VpcId" not in change.params:
        return None
    return change.region, change.params["InternetGatewayId"], change.params["VpcId"]


def _without_opposites(
    changes: Iterable[Change], thing: Callable[[Change], tuple[Any, ...] | None], undo: str, do: str
) -> list[Change]:
    """The changes without those of a thing that a later one undoes. One that undoes what AWS made itself stays, as the
    deletion of entry 100 of a new default network ACL."""
    kept: dict[int, Change] = {}
    of_thing: dict[tuple[Any, ...], list[int]] = {}
    for change in changes:
        name = thing(change)
        earlier = of_thing.setdefault((change.account, *name), []) if name is not None else []
        if change.action != undo:
            kept[change.n] = change
            earlier.append(change.n)
            continue
        made_here = bool(earlier) and kept[earlier[0]].action == do
        for n in earlier:
            del kept[n]
        earlier.clear()
        if not made_here:
            kept[change.n] = change
    return list(kept.values())


def _last_settings(changes: list[Change], made: set[str]) -> list[Change]:
    """The changes without tags and attributes that a later change sets anew."""
    decided: set[tuple[Any, ...]] = set()
    kept: list[Change] = []
    for change in reversed(changes):
        settings = {(change.account, change.region, *setting) for setting in _settings(change)}
        if not settings or settings - decided:
            kept.append(change)
        decided |= settings
    kept.reverse()
    return list(_without_idle_deletions(kept, made))


def _settings(change: Change) -> Iterator[tuple[Any, ...]]:
    """What a change sets: attributes, the network ACL of a subnet, or tags."""
    params = change.params
    if change.action in ("ModifyVpcAttribute", "ModifySubnetAttribute"):
        name = "VpcId" if "VpcId" in params else "SubnetId"
        yield from ((params[name], attribute) for attribute in params if attribute != name)
    elif change.action == "ReplaceNetworkAclAssociation" and "SubnetId" in params:
        yield params["SubnetId"], "network ACL"
    elif change.action in ("CreateTags", "DeleteTags") and params.get("Tags"):
        yield from ((one, "tag", tag.get("Key", "")) for one in params["Resources"] for tag in params["Tags"])


def _without_idle_deletions(changes: Iterable[Change], made: set[str]) -> Iterator[Change]:
    """The changes without deletions of tags that none of them sets, of things that they made."""
    tagged: set[tuple[str, str]] = set()
    for change in changes:
        tags = change.params.get("Tags") or [
            tag for each in change.params.get("TagSpecifications", []) for tag in each.get("Tags", [])
        ]
        resources = change.params.get("Resources", [change.made])
        pairs = {(resource, tag.get("Key", "")) for resource in resources for tag in tags}
        if change.action == "DeleteTags" and pairs and made.issuperset(resources) and not pairs & tagged:
            continue
        tagged |= pairs
        yield change
