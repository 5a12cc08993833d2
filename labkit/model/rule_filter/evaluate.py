"""A rule filter as one fast callable.

A closure a node. Neighbouring clauses on the same key become one: the key is read once and, for addresses, the answer
is remembered by address, so that a block list costs one look-up an event. What each clause means is in `compare`;
`explain` uses the same parts one by one, and a test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Any

from labkit.model.rule_filter.compare import Test, element_test, integer_of, network_of
from labkit.model.rule_filter.keys import ADDRESS_KEYS, CIDR_KEYS, is_plain, takes_cidr_block
from labkit.model.rule_filter.reading import Event, Reader, elements, reader
from labkit.model.rule_filter.tree import EQUALITY, NEGATIVE, And, Clause, Filter, Node

Predicate = Callable[[Mapping[str, Any]], bool]

REMEMBERED_ADDRESSES = 8192
"""Addresses a group of clauses remembers its answer for; when full it forgets all and goes on."""


def compile(rule_filter: Filter) -> Predicate:
    """A function from an event, as decoded from JSON, to whether the filter is true of it.

    >>> from labkit.model.rule_filter import parse
    >>> compile(parse('user = "root"'))({"user": "root"})
    True
    """
    return _node(rule_filter.tree)


def judge(clause: Clause, value: Any) -> bool:
    """Whether a clause holds for the value its key was read as; CIDR support is the caller's question."""
    return _value_test(clause)(value)


def is_never_true(clause: Clause) -> bool:
    """True for a clause that no event can satisfy: a CIDR block on a key that never takes one, or `like null`."""
    if clause.operator not in EQUALITY:
        return clause.value is None
    return network_of(clause.value) is not None and clause.key not in CIDR_KEYS


def _node(node: Node) -> Predicate:
    if isinstance(node, Clause):
        return _run([node], all)
    every = isinstance(node, And)
    groups = [list(group) for _, group in groupby(node.terms, key=_merge_key)]
    parts = []
    for group in groups:
        if isinstance(group[0], Clause):
            parts.append(_run([term for term in group if isinstance(term, Clause)], all if every else any))
        else:
            parts.extend(_node(term) for term in group)
    return _all_of(parts) if every else _any_of(parts)


def _merge_key(term: Node) -> object:
    """Equal for neighbours that may share one reading of their key: those that need nothing else of the event."""
    return id(term) if not isinstance(term, Clause) or _depends_on_type(term) else term.key


def _depends_on_type(clause: Clause) -> bool:
    asks_network = clause.operator in EQUALITY and network_of(clause.value) is not None
    return asks_network and bool(CIDR_KEYS.get(clause.key))


def _run(clauses: list[Clause], combine: Callable[[list[bool]], bool]) -> Predicate:
    key = clauses[0].key
    read = reader(key)
    if len(clauses) == 1:
        if _depends_on_type(clauses[0]):
            return _of_some_types(clauses[0], read)
        if (quick := _quick(clauses[0])) is not None:
            return quick
    tests = [_value_test(clause) for clause in clauses]
    test = tests[0] if len(tests) == 1 else _combined(tests, every=combine is all)
    if key in ADDRESS_KEYS:
        return _remembering(read, test)
    return lambda event: test(read(event))


def _of_some_types(clause: Clause, read: Reader) -> Predicate:
    remembered = _remembering(read, _value_test(clause))
    key = clause.key
    return lambda event: takes_cidr_block(key, event) and remembered(event)


def _remembering(read: Reader, test: Test) -> Predicate:
    """The test of what is read, remembered where that is text: an address, or the two ends of a connection."""
    memory: dict[Any, bool] = {}

    def remembering(event: Event) -> bool:
        value = read(event)
        if value.__class__ is not str and value.__class__ is not tuple:
            return test(value)
        try:
            return memory[value]
        except KeyError:
            if len(memory) >= REMEMBERED_ADDRESSES:
                memory.clear()
            answer = memory[value] = test(value)
            return answer

    return remembering


def _quick(clause: Clause) -> Predicate | None:
    """A one-call closure for the commonest clause, `plain_key = "text"`, and its `!=`; None for any other."""
    wanted, key = clause.value, clause.key
    if not is_plain(key) or not isinstance(wanted, str) or clause.operator not in EQUALITY or key in ADDRESS_KEYS:
        return None
    if integer_of(wanted) is not None or network_of(wanted) is not None:
        return None
    slow = _value_test(clause)
    if clause.operator == NEGATIVE:

        def differs(event: Event) -> bool:
            value = event.get(key)
            return value != wanted if value.__class__ is str else slow(value)

        return differs

    def equals(event: Event) -> bool:
        value = event.get(key)
        return value == wanted or (value.__class__ is not str and slow(value))

    return equals


def _value_test(clause: Clause) -> Test:
    """The test of a value as read: absent, one scalar, or several of which any may satisfy it, or for `!=` none."""
    if is_never_true(clause):
        return lambda value: False
    if clause.value is None and clause.operator in EQUALITY:
        return (lambda value: value is None) if clause.operator != NEGATIVE else (lambda value: value is not None)
    positive = element_test(clause)
    wanted_verdict = clause.operator != NEGATIVE

    def test(value: Any) -> bool:
        if value is None:
            return False
        if value.__class__ is str:
            return positive(value) is wanted_verdict
        return any(map(positive, elements(value))) is wanted_verdict

    return test


def _combined(tests: list[Test], *, every: bool) -> Test:
    def test(value: Any) -> bool:
        for one in tests:
            if one(value) is not every:
                return not every
        return every

    return test


def _all_of(parts: list[Predicate]) -> Predicate:
    if len(parts) == 1:
        return parts[0]
    if len(parts) == 2:
        first, second = parts
        return lambda event: first(event) and second(event)
    if len(parts) == 3:
        first, second, third = parts
        return lambda event: first(event) and second(event) and third(event)
    half = len(parts) // 2
    return _all_of([_all_of(parts[:half]), _all_of(parts[half:])])


def _any_of(parts: list[Predicate]) -> Predicate:
    if len(parts) == 1:
        return parts[0]
    if len(parts) == 2:
        first, second = parts
        return lambda event: first(event) or second(event)
    if len(parts) == 3:
        first, second, third = parts
        return lambda event: first(event) or second(event) or third(event)
    half = len(parts) // 2
    return _any_of([_any_of(parts[:half]), _any_of(parts[half:])])
