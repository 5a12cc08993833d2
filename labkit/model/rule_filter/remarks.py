"""Warnings about a valid filter that probably does not mean what was intended, such as unknown keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from labkit.model.rule_filter.compare import address_of, network_of
from labkit.model.rule_filter.keys import ADDRESS_KEYS, CIDR_KEYS, EVENT_TYPES, is_known, near_known_key
from labkit.model.rule_filter.tree import EQUALITY, Clause, Node, Or, Remark, clauses

_CIDR_TWIN = {
    "ip": "connection.addr",
    "src_ip": "connection.src_addr",
    "dst_ip": "connection.dst_addr",
}


@dataclass(frozen=True, slots=True)
class Mixture:
    """An `or` combined with an `and` without parentheses; `position` is that of the first `or`."""

    position: int
    joined: Or


def remarks(tree: Node, mixtures: list[Mixture]) -> tuple[Remark, ...]:
    """The warnings about a tree, in the order of their positions."""
    found = [Remark(mixture.position, _mixed(mixture)) for mixture in mixtures]
    for clause in clauses(tree):
        found += [Remark(clause.position, sentence) for sentence in _about(clause)]
    return tuple(sorted(found, key=lambda remark: remark.position))


def cidr_advice(key: str) -> str:
    """A sentence that names the key to use for a CIDR block instead; "" if there is none."""
    twin = _CIDR_TWIN.get(key)
    return f"In audit and threat intelligence events {twin} accepts one." if twin else ""


def _mixed(mixture: Mixture) -> str:
    return f"“and” binds tighter than “or”: this was read as {mixture.joined}. Add parentheses to make sure."


def _about(clause: Clause) -> Iterator[str]:
    if not is_known(clause.key):
        near = near_known_key(clause.key)
        hint = f" Did you mean {near}?" if near else " A clause on a missing key is false."
        yield f"{clause.key} is not a known key of events.{hint}"
    if clause.value is None:
        if clause.operator not in EQUALITY:
            yield f"null works only with = and !=: “{clause}” is always false."
        return
    yield from _about_value(clause, str(clause.value))


def _about_value(clause: Clause, wanted: str) -> Iterator[str]:
    if clause.operator not in EQUALITY:
        if "*" in wanted or "%" in wanted:
            yield f"There are no wildcards: “{clause}” searches for * and % literally."
        return
    if network_of(wanted) is not None:
        yield from _about_network(clause)
    elif clause.key in ADDRESS_KEYS and address_of(wanted) is None:
        yield f"“{wanted}” is neither an address nor a CIDR block, so {clause.key} never equals it."
    elif wanted.lower() == "null":
        yield f"“{clause}” compares with the word null. Without quotes, it tests whether {clause.key} is present."
    elif clause.key == "event_type" and wanted not in EVENT_TYPES:
        yield f"“{wanted}” is not a known event type. Known types: {', '.join(EVENT_TYPES)}."


def _about_network(clause: Clause) -> Iterator[str]:
    types = CIDR_KEYS.get(clause.key)
    if types is None:
        always = f"CIDR blocks are not evaluated on {clause.key}: “{clause}” is always false."
        yield " ".join(filter(None, [always, cidr_advice(clause.key)]))
    elif types:
        names = " and ".join(sorted(types))
        other = f"CIDR blocks on {clause.key} are evaluated only in {names} events: in others, “{clause}” is false."
        yield " ".join(filter(None, [other, cidr_advice(clause.key)]))
