"""Rule filters over a realistic mix of events, against other rule engines, generated code and decoding alone.

Run from the repository's folder: `python -m tests.bench.bench_rule_filter`. Every peer decides the same as ours on the
events it is timed on, else there is no row.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any

import business_rules.engine
import orjson
import rule_engine
from business_rules.variables import BaseVariables, string_rule_variable

from labkit.model import rule_filter
from labkit.model.rule_filter import And, Clause, Predicate
from tests.bench.measure import Row, at_least, best_seconds, per_second, table
from tests.bench.realistic_events import Event, events

MILLION = 1_000_000
DISTINCT_EVENTS = 2_000  # few enough to stay in the processor's cache, as events just decoded are
LAB_FILTER = (
    'event_type = "audit" and syscall = "connect" and (connection.dst_addr != "127.0.0.0/8"'
    ' and connection.dst_addr != "::1/128" and connection.dst_addr != "::" and connection.dst_addr != "0.0.0.0"'
    ' and connection.dst_addr != "169.254.0.0/16")'
)
_TO_OUTSIDE = r"^(?!127\.|169\.254\.|::1$|::$|0\.0\.0\.0$).+"


def run(scale: float = 1.0) -> list[Row]:
    """The rows; scale 1 asks for a million events, smaller for that part of it."""
    mix = events(DISTINCT_EVENTS)
    passes = max(1, round(scale * MILLION / DISTINCT_EVENTS))
    ours = rule_filter.compile(rule_filter.parse(LAB_FILTER))
    return [*_against_generated_code(ours, mix, passes), *_against_engines(ours, mix), _against_decoding(ours, mix)]


def _against_generated_code(ours: Predicate, mix: list[Event], passes: int) -> list[Row]:
    generated = generated_predicate(rule_filter.parse(LAB_FILTER))
    _same_decisions(ours, generated, mix)
    mine, peer, floor = best_seconds(_over(ours, mix), _over(generated, mix), lambda: _bare_loop(mix), rounds=passes)
    name = f"filter over {passes * len(mix):,} events"
    rates = [per_second(len(mix), seconds) for seconds in (mine, peer, floor)]
    return [
        at_least(f"{name}, against generated code", rates[0], rates[1], peer / mine, 0.6),
        Row(f"{name}, against a bare loop", rates[0], rates[2], floor / mine, "–", True),
    ]


def _against_engines(ours: Predicate, mix: list[Event]) -> list[Row]:
    """Ours over many more events than the peer, so that a round of each takes about as long."""
    passes = 50
    others: dict[str, Predicate] = {
        "rule-engine": rule_engine_predicate(),
        "business-rules": business_rules_predicate(),
    }
    rows = []
    for (name, other), goal in zip(others.items(), (100, 10), strict=True):
        _same_decisions(ours, other, mix)
        mine, peer = best_seconds(_over(ours, mix * passes), _over(other, mix), rounds=10)
        rates = per_second(passes * len(mix), mine), per_second(len(mix), peer)
        rows.append(at_least(f"filter, against {name}", *rates, passes * peer / mine, goal))
    return rows


def _against_decoding(ours: Predicate, mix: list[Event]) -> Row:
    lines = [orjson.dumps(event) for event in mix]
    loads = orjson.loads

    def decide() -> None:
        for line in lines:
            ours(loads(line))

    def decode() -> None:
        for line in lines:
            loads(line)

    mine, floor = best_seconds(decide, decode, rounds=100)
    rates = per_second(len(lines), mine), per_second(len(lines), floor)
    return at_least("NDJSON to decisions, against orjson.loads alone", *rates, floor / mine, 0.85)


def _over(predicate: Predicate, mix: list[Event]) -> Callable[[], None]:
    def decide() -> None:
        for event in mix:
            predicate(event)

    return decide


def _bare_loop(mix: list[Event]) -> None:
    for _ in mix:
        pass


def _same_decisions(ours: Predicate, other: Predicate, mix: list[Event]) -> None:
    assert [ours(event) for event in mix] == [bool(other(event)) for event in mix]
    assert 0.05 < sum(map(ours, mix)) / len(mix) < 0.5


def generated_predicate(read: rule_filter.Filter) -> Predicate:
    """The lab's kind of filter as one generated function, as fast as Python gets: strings only, no lists or numbers."""
    assert isinstance(read.tree, And)
    lines, names = ["def predicate(event):"], {}
    for number, term in enumerate(read.tree.terms):
        if isinstance(term, Clause):
            lines.append(f"    if event.get({term.key!r}) != {term.value!r}: return False")
            continue
        holder, member = term.terms[0].key.split(".")
        names[f"excluded{number}"] = _Excluded([clause.value for clause in term.terms])
        lines.append(f"    holder = event.get({holder!r})")
        lines.append("    if holder is None: return False")
        lines.append(f"    value = holder.get({member!r})")
        lines.append(f"    if value is None or excluded{number}[value]: return False")
    exec("\n".join([*lines, "    return True"]), names)
    return names["predicate"]


class _Excluded(dict[str, bool]):
    """Whether an address is in any of some networks, found out once an address."""

    def __init__(self, networks: list[Any]) -> None:
        self.networks = [ip_network(network, strict=False) for network in networks]

    def __missing__(self, text: str) -> bool:
        address = ip_address(text)
        answer = self[text] = any(address in network for network in self.networks)
        return answer


def rule_engine_predicate() -> Predicate:
    """The lab's filter for rule-engine, clause by clause; it knows no networks, so these are regular expressions."""
    address = 'connection["dst_addr"]'
    expression = " and ".join(
        [
            'event_type == "audit" and syscall == "connect" and connection != null',
            f'connection&["dst_addr"] != null and {address} !~ "127[.]" and {address} != "::1" and {address} != "::"',
            f'{address} != "0.0.0.0" and {address} !~ "169[.]254[.]"',
        ]
    )
    rule = rule_engine.Rule(expression, context=rule_engine.Context(default_value=None))
    return lambda event: rule.matches(event)


class _Variables(BaseVariables):
    def __init__(self, event: Event) -> None:
        self.event = event

    @string_rule_variable()
    def event_type(self) -> str:
        return self.event.get("event_type", "")

    @string_rule_variable()
    def syscall(self) -> str:
        return self.event.get("syscall", "")

    @string_rule_variable()
    def dst_addr(self) -> str:
        return self.event.get("connection", {}).get("dst_addr", "")


def business_rules_predicate() -> Predicate:
    """The lab's filter for business-rules, the networks as one regular expression."""
    conditions = {
        "all": [
            {"name": "event_type", "operator": "equal_to", "value": "audit"},
            {"name": "syscall", "operator": "equal_to", "value": "connect"},
            {"name": "dst_addr", "operator": "matches_regex", "value": _TO_OUTSIDE},
        ]
    }
    check = business_rules.engine.check_conditions_recursively
    return lambda event: check(conditions, _Variables(event))


if __name__ == "__main__":
    print(table(run()))
