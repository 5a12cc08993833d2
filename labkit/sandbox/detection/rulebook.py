"""The enabled rules, compiled, and which of them an event fires, without testing them all.

Sandbox: in a class a rule whose name has a student's number is tested against the events of that student's host alone,
so that one student's work raises no alert for another. A rule without a number is tested against every event.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from labkit.model.detection.alerting import CompiledRule
from labkit.model.detection.rule import Rule
from labkit.model.errors import FilterError
from labkit.model.rule_filter import And, Clause, Or
from labkit.model.rule_filter.keys import ADDRESS_KEYS
from labkit.model.rule_filter.reading import Event, Reader, reader
from labkit.model.rule_filter.tree import Node
from labkit.model.student import students_in
from labkit.sandbox.detection.store.store import DetectionStore

log = logging.getLogger(__name__)

Kind = tuple[str, str]
"""An organization and a kind of rule."""


_COMMON_KEYS = ("event_type", "type", "syscall")
"""Keys with few values, the least selective first: a rule is filed under another demand if it has one."""


class Demand(NamedTuple):
    """A key that must have one of some texts for a filter to be true."""

    key: str
    texts: frozenset[str]


Filed = tuple[int, CompiledRule]
"""A rule with its place in the order of the rules."""


class RuleIndex:
    """Rules of one kind, in order.

    Nearly every filter demands that some key has one of a few texts (`command = "sudo"`, `syscall = "connect"`). A rule
    is filed under such a demand, so an event is tested against the rules filed under its values and those that demand
    nothing: a few hundred rules cost little more than the few that could fire. The filter itself still decides.
    """

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
        """The rules whose filter is true of an event, in order, whatever their suppressions."""
        fired = [filed for filed in self._always if filed[1].fires(event)]
        for read, by_text, all_of_key in self._keys:
            value = read(event)
            if value is None:
                continue
            # A list, number or boolean equals a text in its own way, which the filter knows.
            tried = by_text.get(value, ()) if value.__class__ is str else all_of_key
            fired += [filed for filed in tried if filed[1].fires(event)]
        if len(fired) > 1:
            fired.sort(key=lambda filed: filed[0])
        return [rule for _, rule in fired]


def demand_of(compiled: CompiledRule) -> Demand | None:
    """The most selective demand of a rule's filter; None if it makes none."""
    demands = [] if compiled.read_filter is None else _demands(compiled.read_filter.tree)
    return max(demands, key=_selectivity, default=None)


def _selectivity(demand: Demand) -> tuple[int, int]:
    rank = _COMMON_KEYS.index(demand.key) if demand.key in _COMMON_KEYS else len(_COMMON_KEYS)
    return rank, -len(demand.texts)


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


class Rulebook:
    """The rules at one moment. students: the numbers of the class; empty without one."""

    def __init__(self, rules: Mapping[Kind, list[CompiledRule]], students: frozenset[int]) -> None:
        self._rules, self._students = rules, students
        self._indexes: dict[tuple[Kind, int | None], RuleIndex] = {}

    def rules_for(self, kind: Kind, student: int | None) -> RuleIndex | None:
        """The rules that events of a kind can fire. student: whose host the events are from; None for another."""
        index = self._indexes.get((kind, student))
        if index is None and kind in self._rules:
            index = self._indexes[kind, student] = RuleIndex(
                rule for rule in self._rules[kind] if self._is_tested(rule, student)
            )
        return index

    def _is_tested(self, compiled: CompiledRule, student: int | None) -> bool:
        """Whether events of the student's host reach a rule.

        In a class, a rule with student numbers sees only those students' hosts; the instructor's rule, whose number is
        outside the class, sees only hosts of nobody in it.
        """
        numbers = students_in(compiled.rule.name)
        if not self._students or not numbers:
            return True
        return student in numbers if student is not None else not numbers & self._students


class Rulebooks:
    """The current rulebook. A rule is compiled again only when it changes."""

    def __init__(self, store: DetectionStore, students: frozenset[int]) -> None:
        self._store, self._students = store, students
        self._version = -1
        self._book = Rulebook({}, students)
        self._compiled: dict[str, CompiledRule] = {}

    def current(self) -> Rulebook:
        """The rules as they are now; call it inside a transaction."""
        version = self._store.engine.rules_version()
        if version != self._version:
            self._load()
            self._version = version
        return self._book

    def _load(self) -> None:
        by_kind: dict[Kind, list[CompiledRule]] = {}
        before, self._compiled = self._compiled, {}
        for organization_id, body in self._store.engine.rules():
            if not body.get("enabled"):
                continue
            rule = Rule.from_api(body)
            known = before.get(rule.id)
            compiled = known if known and known.rule.raw == rule.raw else _compile(rule)
            if compiled is not None:
                self._compiled[rule.id] = compiled
                by_kind.setdefault((organization_id, rule.type), []).append(compiled)
        self._book = Rulebook(by_kind, self._students)


def _compile(rule: Rule) -> CompiledRule | None:
    try:
        return CompiledRule.of(rule)
    except FilterError as error:  # the API refuses such a filter, but a file of another version may hold one
        log.warning("rule %s is left out: %s", rule.id, error)
        return None
