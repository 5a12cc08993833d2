"""The cost of an event, counted in steps of sqlite's virtual machine and in calls of filters, never in seconds."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from labkit.model.detection.alerting import CompiledRule
from labkit.model.detection.criteria import FILTER
from labkit.model.detection.rule import Rule
from labkit.sandbox.detection import seed_data
from labkit.sandbox.detection.engine import Engine
from labkit.sandbox.detection.rulebook import RuleIndex
from labkit.sandbox.detection.store.store import DetectionStore
from tests.sandbox.detection.engine_fixtures import DAY, Clock, addresses


class Bench:
    """An engine on a file of its own, without HTTP. `event` makes events in order; ids come from a counter."""

    def __init__(self, folder: Path, clock: Clock, **rule: Any) -> None:
        self.clock, self.store = clock, DetectionStore(folder / "detection.sqlite")
        self.engine, self._number = Engine(self.store, clock), 0
        self.change_rule(enabled=True, **rule)

    def change_rule(self, **changes: Any) -> None:
        place = (seed_data.ORGANIZATION_ID, seed_data.BASE_RULE_SET_ID, seed_data.PRECREATED_RULE_ID)
        stored = self.store.rules.rule(*place)
        body = {key: stored[key] for key in stored if key not in ("id", "rulesetId", "createdAt", "updatedAt")}
        self.store.rules.update_rule(*place, body | changes, self.clock())

    def event(self, address: str, **changes: Any) -> dict[str, Any]:
        self._number += 1
        event = {"_id": f"{self._number:08x}", "timestamp": self.clock(), "agent_id": seed_data.LAB_AGENT_ID}
        event |= {"event_type": "audit", "syscall": "connect", "user": "ubuntu", "exe": "/usr/bin/curl"}
        return event | {"connection": {"dst_addr": address}} | changes

    def history(self, alerts: int, start: int = 0) -> None:
        """Raise so many alerts, each of one event."""
        done = self.engine.ingest(self.event(address) for address in addresses(alerts, start))
        assert done.raised == alerts

    def steps(self, work: Callable[[], object]) -> int:
        """How many steps sqlite's machine makes meanwhile."""
        counted = 0

        def count() -> int:
            nonlocal counted
            counted += 1
            return 0

        connection = self.store.database._connection()
        connection.set_progress_handler(count, 1)
        work()
        connection.set_progress_handler(None, 1)
        return counted


@pytest.fixture
def benches(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(**rule: Any) -> Bench:
        made.append(Bench(tmp_path / str(len(made)), Clock(), **rule))
        return made[-1]

    yield make
    for one in made:
        one.store.close()


WORK: Mapping[str, Callable[[Bench], list[dict[str, Any]]]] = {
    "a new alert": lambda bench: [bench.event("198.51.100.1")],
    "an event more for an open alert": lambda bench: [bench.event("203.0.0.1")],
    "an event that came before": lambda bench: [bench.event("203.0.0.1", _id="00000001")],
    "an event that meets no rule": lambda bench: [bench.event("127.0.0.1")],
}


def test_an_event_costs_the_same_with_10_000_alerts_in_history_as_with_10(benches: Callable[..., Bench]) -> None:
    few, many = benches(), benches()
    few.history(10)
    many.history(10_000)
    for what, events in WORK.items():
        costs = [
            bench.steps(lambda bench=bench, events=events: bench.engine.ingest(events(bench))) for bench in (few, many)
        ]
        assert costs[1] <= costs[0] * 1.1, what
    costs = [bench.steps(lambda bench=bench: _newest_change(bench)) for bench in (few, many)]
    assert costs[1] <= costs[0] * 1.1, "the feed"


def _newest_change(bench: Bench) -> None:
    after = bench.store.engine.sequence() - 1
    assert len(bench.engine.changes(seed_data.ORGANIZATION_ID, after, seed_data.PRECREATED_RULE_ID).alerts) == 1


def test_an_event_costs_the_same_however_many_alerts_of_its_identity_were_dismissed(
    benches: Callable[..., Bench],
) -> None:
    bench = benches()

    def again() -> int:
        bench.clock.now += 7_200_000 // 100
        bench.store.database.write("UPDATE alert SET is_dismissed = 1")
        return bench.steps(lambda: bench.engine.ingest([bench.event("203.0.0.1")]))

    costs = [again() for _ in range(40)]
    assert costs[-1] <= costs[1] * 1.1


def test_an_event_towards_a_threshold_costs_the_same_however_many_are_kept(benches: Callable[..., Bench]) -> None:
    bench = benches(threshold=100_000)

    def keep() -> int:
        return bench.steps(lambda: bench.engine.ingest([bench.event("203.0.0.1")]))

    first = keep()
    bench.engine.ingest(bench.event("203.0.0.1") for _ in range(2000))
    assert keep() <= first * 1.1


def test_old_events_are_removed_a_few_at_a_time(benches: Callable[..., Bench]) -> None:
    costs = []
    for history in (10, 3000):
        bench = benches()
        bench.history(history)
        bench.clock.now += 3 * DAY + 1
        costs.append(bench.steps(lambda bench=bench: bench.engine.ingest([bench.event("198.51.100.1")])))
        assert _kept(bench) == history + 1 - 2
    assert costs[1] <= costs[0] * 1.1
    bench.history(1500, start=5000)
    assert _kept(bench) == 1501


def _kept(bench: Bench) -> int:
    return int(bench.store.database.rows("SELECT count(*) AS number FROM event")[0]["number"])


def test_memory_does_not_grow_with_the_number_of_events(benches: Callable[..., Bench]) -> None:
    bench, told = benches(), itertools.count()

    def run(number: int) -> None:
        """Every event is of another agent, so it raises an alert of its own; the filter knows the addresses."""
        agents = (f"agent {next(told)}" for _ in range(number))
        bench.engine.ingest(bench.event(f"203.0.113.{n % 200}", agent_id=agent) for n, agent in enumerate(agents))

    tracemalloc.start()
    run(300)
    before, _ = tracemalloc.get_traced_memory()
    run(4000)
    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 50_000 and peak - before < 300_000


def test_an_event_is_tested_only_against_rules_that_it_could_fire() -> None:
    tried = []

    def rule(number: int) -> CompiledRule:
        text = FILTER if number == 0 else f'command = "program-{number}" and type = "start"'
        one = CompiledRule.of(Rule(str(number), "", "", (), text, id=str(number)))
        return CompiledRule(one.rule, one.read_filter, lambda event: tried.append(number) or one.fires(event))

    index = RuleIndex([rule(number) for number in range(300)])
    event = {"event_type": "audit", "syscall": "connect", "command": "program-7", "type": "connect"}
    assert [one.rule.id for one in index.fired(event | {"connection": {"dst_addr": "203.0.113.1"}})] == ["0"]
    assert sorted(tried) == [0, 7]


def test_an_unchanged_rule_is_compiled_once(benches: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch) -> None:
    bench, compiled = benches(), []
    arm = CompiledRule.of
    monkeypatch.setattr(CompiledRule, "of", lambda rule: compiled.append(rule.name) or arm(rule))
    for turn in range(3):
        bench.engine.ingest([bench.event("203.0.0.1")])
        bench.change_rule(title=f"title {turn}")
    bench.engine.ingest([bench.event("203.0.0.1")] * 2)
    bench.engine.ingest([bench.event("203.0.0.1")])
    assert compiled.count("Self Protect: Network: Outbound Connection (Connects) to WAN") == 4
    assert len(compiled) == 4 + len([one for one in seed_data.OTHER_RULES if one["enabled"]])
