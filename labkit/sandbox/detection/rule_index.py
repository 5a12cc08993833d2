"""The rules that an event could fire, without trying them all.

Nearly every filter demands that some key has one of a few texts (`command = "sudo"`, `syscall = "connect"`). A rule is
filed under such a demand, and an event meets only the rules filed under what it says, and those that demand nothing. So
a few hundred rules cost an event little more than the few it could fire. The filter itself still decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from labkit.model.detection.alerting import CompiledRule
from labkit.model.rule_filter import And, Clause, Or
from labkit.model.rule_filter.keys import ADDRESS_KEYS
from labkit.model.rule_filter.reading import Event, Reader, reader
from labkit.model.rule_filter.tree import Node

_SAYS_LITTLE = ("event_type", "type", "syscall")
"""Keys with few values, the worst first: a rule is filed under another demand if it has one."""


class Demand(NamedTuple):
    """A key that must have one of some texts for a filter to be true."""

    key: str
    texts: frozenset[str]


Filed = tuple[int, CompiledRule]
"""A rule with its place in the order of the rules."""


class RuleIndex:
    """Rules of one kind, in order."""

    def __init__(self, rules: Iterable[CompiledRule]) -> None:
        self._always: list[Filed] = []
        by_demand: dict[str, dict[str, list[Filed]]] = {}
        by_key: dict[str, list[Filed]] = {}
        for filed in enumerate(rules):
            demand = demand_of(filed[1])
            if demand is None:
                self._always.append(filed)
                continue
            by_key.setdefault(demand.key, []).append(filed)
            for text in demand.texts:
                by_demand.setdefault(demand.key, {}).setdefault(text, []).append(filed)
        self._keys: list[tuple[Reader, Mapping[str, list[Filed]], list[Filed]]] = [
            (reader(key), by_demand[key], by_key[key]) for key in by_demand
        ]

    def fired(self, event: Event) -> list[CompiledRule]:
        """The rules whose filter is true of an event, in order; suppressions are not looked at."""
        fired = [filed for filed in self._always if filed[1].fires(event)]
        for read, by_text, all_of_key in self._keys:
            value = read(event)
            if value is None:
                continue
            # A list, number or boolean has its own ways to equal a text; the filter knows them.
            tried = by_text.get(value, ()) if value.__class__ is str else all_of_key
            fired += [filed for filed in tried if filed[1].fires(event)]
        if len(fired) > 1:
            fired.sort(key=lambda filed: filed[0])
        return [rule for _, rule in fired]


def demand_of(armed: CompiledRule) -> Demand | None:
    """The demand that says most of those that a rule's filter makes; None if it makes none."""
    demands = [] if armed.read_filter is None else _demands(armed.read_filter.tree)
    return max(demands, key=_worth, default=None)


def _worth(demand: Demand) -> tuple[int, int]:
    says = _SAYS_LITTLE.index(demand.key) if demand.key in _SAYS_LITTLE else len(_SAYS_LITTLE)
    return says, -len(demand.texts)


def _demands(node: Node) -> list[Demand]:
    if isinstance(node, And):
        return [demand for term in node.terms for demand in _demands(term)]
    if isinstance(node, Or):
        return _shared([_demands(term) for term in node.terms])
    return [Demand(node.key, frozenset({node.value}))] if _is_demand(node) and isinstance(node.value, str) else []


def _shared(of_terms: list[list[Demand]]) -> list[Demand]:
    """What every term of an `or` demands of the same key."""
    by_key = [{demand.key: demand.texts for demand in demands} for demands in of_terms]
    shared = [key for key in by_key[0] if all(key in one for one in by_key)]
    return [Demand(key, frozenset().union(*(one[key] for one in by_key))) for key in shared]


def _is_demand(clause: Clause) -> bool:
    """True where a text in the event satisfies the clause only by being the same text."""
    return clause.operator == "=" and clause.key not in ADDRESS_KEYS
