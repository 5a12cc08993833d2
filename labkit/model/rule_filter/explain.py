"""Why a filter is true or false of an event, clause by clause, in words."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from labkit.model.rule_filter.compare import address_of, element_test, integer_of, network_of, plain_text
from labkit.model.rule_filter.evaluate import is_never_true, judge
from labkit.model.rule_filter.keys import ADDRESS_KEYS, takes_cidr_block
from labkit.model.rule_filter.reading import Event, elements, read
from labkit.model.rule_filter.remarks import cidr_advice
from labkit.model.rule_filter.tree import EQUALITY, And, Clause, Filter, Node, value_text

_LONGEST_FOUND = 120
_IN_WORDS = {"like": "contain", "starts_with": "start with", "ends_with": "end with"}


@dataclass(frozen=True, slots=True)
class Explanation:
    """One node of an explained filter.

    label: the clause as text, or "all of" / "any of". reason: a sentence. children: a group's terms.
    key, operator, wanted, found: a clause's; `found` is the event's value as JSON text, or "absent"; "" for a group.
    All text may contain an attacker's text from the event: escape it for display.
    """

    verdict: bool
    label: str
    reason: str
    children: tuple[Explanation, ...] = ()
    key: str = ""
    operator: str = ""
    wanted: str = ""
    found: str = ""

    def __str__(self) -> str:
        line = f"{'true ' if self.verdict else 'false'}  {self.label}: {self.reason}"
        below = [f"  {row}" for child in self.children for row in str(child).splitlines()]
        return "\n".join([line, *below])


def explain(rule_filter: Filter, event: Event) -> Explanation:
    """The filter as a tree of verdicts on one event; the root's verdict is the compiled filter's result.

    >>> from labkit.model.rule_filter import parse
    >>> print(explain(parse('tty != null'), {}))
    false  tty != null: the event has no tty.
    """
    return _node(rule_filter.tree, event)


def _node(node: Node, event: Event) -> Explanation:
    if isinstance(node, Clause):
        return _clause(node, event)
    children = tuple(_node(term, event) for term in node.terms)
    held = sum(child.verdict for child in children)
    every = isinstance(node, And)
    verdict = held == len(children) if every else held > 0
    count = "all" if held == len(children) else "none" if not held else str(held)
    return Explanation(verdict, "all of" if every else "any of", f"{count} of {len(children)} are true.", children)


def _clause(clause: Clause, event: Event) -> Explanation:
    found = read(clause.key, event)
    refused = _refusal(clause, event)
    verdict = not refused and judge(clause, found.value)
    reason = refused or _reason(clause, found.value, verdict)
    note = f" ({found.note})" if found.note else ""
    return Explanation(
        verdict=verdict,
        label=str(clause),
        reason=f"{reason}{note}.",
        key=clause.key,
        operator=clause.operator,
        wanted=value_text(clause.value),
        found="absent" if found.value is None else _shown(found.value),
    )


def _refusal(clause: Clause, event: Event) -> str:
    """Why the clause is false for any value; "" if it is not."""
    if clause.operator in EQUALITY and network_of(clause.value) is not None:
        if takes_cidr_block(clause.key, event):
            return ""
        place = "" if is_never_true(clause) else f" in {event.get('event_type')} events"
        return f"CIDR blocks are not evaluated on {clause.key}{place}. {cidr_advice(clause.key)}".strip(". ")
    return f"null works only with = and !=, so {clause.operator} is never true" if is_never_true(clause) else ""


def _reason(clause: Clause, value: Any, verdict: bool) -> str:
    if value is None:
        return f"the event has no {clause.key}" + ("" if clause.value is None else ", so only = null would be true")
    if clause.value is None:
        return f"the event has {clause.key}, {_shown(value)}"
    values = elements(value)
    if not isinstance(value, (list, tuple)):
        return f"{_shown(value)} {_relation(clause, value)}"
    if not values:
        return "the list is empty, so no element equals it" if verdict else "the list is empty"
    matching = [element for element in values if element_test(clause)(element)]
    if matching:
        return f"of {len(values)} values, {_shown(matching[0])} {_relation(clause, matching[0])}"
    return f"none of {len(values)} values does: the first, {_shown(values[0])}, {_relation(clause, values[0])}"


def _relation(clause: Clause, value: Any) -> str:
    """The predicate of a sentence that compares one value with the clause's."""
    wanted, holds = value_text(clause.value), element_test(clause)(value)
    if clause.operator not in EQUALITY:
        verb = _IN_WORDS[clause.operator]
        return f"{verb}s {wanted}" if holds else f"does not {verb} {wanted}"
    network = network_of(clause.value)
    if network is not None:
        if address_of(value) is None:
            return f"is not an address, so it is not in {network}"
        return f"{_mapped(value)}is {'' if holds else 'not '}in {network}"
    how = _coercion(clause, value)
    return f"{how}is {'equal to' if holds else 'not'} {wanted}"


def _mapped(value: Any) -> str:
    address = address_of(value)
    return f"counts as {address} and " if address is not None and ":" in value and ":" not in str(address) else ""


def _coercion(clause: Clause, value: Any) -> str:
    wanted = str(clause.value)
    if clause.key in ADDRESS_KEYS and address_of(wanted) is not None:
        return _mapped(value) or ("compared as an address " if isinstance(value, str) else "")
    if isinstance(value, bool):
        return f"compared as the text {plain_text(value)} "
    numeric = isinstance(value, int) and isinstance(clause.value, str)
    numeric |= isinstance(value, str) and not isinstance(clause.value, str) and integer_of(value) is not None
    return "compared as a number " if numeric and integer_of(wanted) is not None else ""


def _shown(value: Any) -> str:
    text = json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_FOUND else f"{text[:_LONGEST_FOUND]}…"
