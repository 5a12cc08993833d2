"""A rule filter as one fast callable.

Each node becomes a closure. Adjacent clauses on the same key become one: the key is read once, and results for
addresses are cached, so that a block list costs one lookup per event. `compare` defines what each clause means;
`explain` uses the same functions one by one, and a test checks that both agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from typing import Any, TypeGuard

from labkit.model.rule_filter.compare import Test, element_test, integer_of, network_of
from labkit.model.rule_filter.keys import ADDRESS_KEYS, CIDR_KEYS, EITHER_END, is_plain, takes_cidr_block
from labkit.model.rule_filter.reading import Event, elements, reader
from labkit.model.rule_filter.tree import EQUALITY, NEGATIVE, Clause, Filter, Node, Or

Predicate = Callable[[Mapping[str, Any]], bool]

CACHED_ADDRESSES = 8192
"""The number of addresses in the cache of a group of clauses; a full cache is cleared."""


def compile(rule_filter: Filter) -> Predicate:
    """A function that returns whether the filter is true of an event, given as decoded JSON.

    >>> from labkit.model.rule_filter import parse
    >>> compile(parse('user = "root"'))({"user": "root"})
    True
    """
    return _node(rule_filter.tree)


def judge(clause: Clause, value: Any) -> bool:
    """Whether a clause is true of the value of its key; the caller checks whether the key accepts CIDR blocks."""
    return _value_test(clause)(value)


def is_never_true(clause: Clause) -> bool:
    """True for a clause that no event can satisfy: a CIDR block on a key that never accepts one, or `like null`."""
    if clause.operator not in EQUALITY:
        return clause.value is None
    return network_of(clause.value) is not None and clause.key not in CIDR_KEYS


def _node(node: Node) -> Predicate:
    if isinstance(node, Clause):
        return _run([node], every=True)
    if isinstance(node, Or):
        return _balanced(_parts(node.terms, every=False), _either)
    # Clauses have no side effects, so the two cheapest can go first.
    cheap = [term for term in node.terms if _is_quick(term, "=")][:2]
    if len(cheap) < 2 or len(node.terms) == 2:
        return _balanced(_parts(node.terms, every=True), _both)
    others = [term for term in node.terms if term is not cheap[0] and term is not cheap[1]]
    return _two_equal_then(cheap[0], cheap[1], _balanced(_parts(others, every=True), _both))


def _parts(terms: Iterable[Node], *, every: bool) -> list[Predicate]:
    parts: list[Predicate] = []
    for _, adjacent in groupby(terms, key=_merge_key):
        group = list(adjacent)
        run = [term for term in group if isinstance(term, Clause)]
        parts.append(_run(run, every=every) if run else _node(group[0]))
    return parts


def _merge_key(term: Node) -> object:
    """Equal for adjacent clauses that can share one read of their key: those that depend on nothing else."""
    return id(term) if not isinstance(term, Clause) or _depends_on_type(term) else term.key


def _depends_on_type(clause: Clause) -> bool:
    asks_network = clause.operator in EQUALITY and network_of(clause.value) is not None
    return asks_network and bool(CIDR_KEYS.get(clause.key))


def _run(clauses: list[Clause], *, every: bool) -> Predicate:
    first = clauses[0]
    if len(clauses) == 1 and _depends_on_type(first):
        return _with_type_check(first)
    if len(clauses) == 1 and _is_quick(first, *EQUALITY):
        return _quick(first)
    tests = [_value_test(clause) for clause in clauses]
    test = tests[0] if len(tests) == 1 else _combined(tests, every=every)
    if first.key in ADDRESS_KEYS:
        return _caching(first.key, test)
    read = reader(first.key)
    return lambda event: test(read(event))


def _with_type_check(clause: Clause) -> Predicate:
    cached = _caching(clause.key, _value_test(clause))
    key = clause.key
    return lambda event: takes_cidr_block(key, event) and cached(event)


def _caching(key: str, test: Test) -> Predicate:
    """The test of the key's value, with results cached for text: an address, or both ends of a connection."""
    read = reader(key)
    cache: dict[Any, bool] = {}

    def compute(value: Any) -> bool:
        answer = test(value)
        if value.__class__ is str or value.__class__ is tuple:
            if len(cache) >= CACHED_ADDRESSES:
                cache.clear()
            cache[value] = answer
        return answer

    def cached(event: Event) -> bool:
        value = read(event)
        known = cache.get(value) if value.__class__ is str or value.__class__ is tuple else None
        return compute(value) if known is None else known

    holder_key, _, member = key.partition(".")
    return cached if key in EITHER_END or not member else _caching_member(holder_key, member, cache, compute)


def _caching_member(holder_key: str, member: str, cache: Mapping[Any, bool], compute: Test) -> Predicate:
    """The same for keys such as `connection.dst_addr`, as in the lab's filter, with the read inlined."""
    read = reader(f"{holder_key}.{member}")

    def cached(event: Event) -> bool:
        holder = event.get(holder_key)
        value = holder.get(member) if holder.__class__ is dict else read(event)
        known = cache.get(value) if value.__class__ is str else None
        return compute(value) if known is None else known

    return cached


def _is_quick(term: Node, *operators: str) -> TypeGuard[Clause]:
    """True for the most common kind of clause: text that is not a number, on a top-level key."""
    if not isinstance(term, Clause) or term.operator not in operators or not is_plain(term.key):
        return False
    wanted = term.value
    is_text = isinstance(wanted, str) and integer_of(wanted) is None and network_of(wanted) is None
    return is_text and term.key not in ADDRESS_KEYS


def _quick(clause: Clause) -> Predicate:
    """A closure that compares text directly, and calls the full test for other values."""
    wanted, key, slow = clause.value, clause.key, _value_test(clause)
    if clause.operator == NEGATIVE:

        def differs(event: Event) -> bool:
            value = event.get(key)
            return value != wanted if value.__class__ is str else slow(value)

        return differs

    def equals(event: Event) -> bool:
        value = event.get(key)
        return value == wanted if value.__class__ is str else slow(value)

    return equals


def _two_equal_then(one: Clause, other: Clause, then: Predicate) -> Predicate:
    """Two quick `=` clauses in one closure, then the rest: most events fail one of the two."""
    key, wanted, slow = one.key, one.value, _value_test(one)
    other_key, other_wanted, other_slow = other.key, other.value, _value_test(other)

    def two_equal_then(event: Event) -> bool:
        value = event.get(key)
        if value != wanted and (value.__class__ is str or not slow(value)):
            return False
        value = event.get(other_key)
        if value != other_wanted and (value.__class__ is str or not other_slow(value)):
            return False
        return then(event)

    return two_equal_then


def _value_test(clause: Clause) -> Test:
    """The test of a key's value: absent, one scalar, or a list, of which one element (for `!=`: none) must match."""
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


def _both(first: Predicate, second: Predicate) -> Predicate:
    return lambda event: first(event) and second(event)


def _either(first: Predicate, second: Predicate) -> Predicate:
    return lambda event: first(event) or second(event)


def _balanced(parts: list[Predicate], join: Callable[[Predicate, Predicate], Predicate]) -> Predicate:
    """The parts joined as a balanced tree, so that a long filter does not nest deeply."""
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    return join(_balanced(parts[:half], join), _balanced(parts[half:], join))
