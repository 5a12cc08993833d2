"""The detection engine: an event against a few hundred rules, the weight of history, event to alert on the feed.

Run from the repository's folder: `python -m tests.bench engine`. Every peer decides the same as ours on the events it
is timed on, else there is no row.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import psutil
import requests
import rule_engine

from labkit.model.detection.alerting import CompiledRule
from labkit.model.detection.event import connect_event
from labkit.model.detection.rule import Rule
from labkit.sandbox.detection import seed_data
from labkit.sandbox.detection.api.app import create_detection_app
from labkit.sandbox.detection.engine import Engine
from labkit.sandbox.detection.rulebook import RuleIndex
from labkit.sandbox.detection.store.engine import DAY_MS
from labkit.sandbox.detection.store.store import DetectionStore
from labkit.sandbox.ids import new_id
from labkit.services.detection.alert_feed import AlertFeed
from labkit.services.detection.api import DetectionApi
from tests.bench.measure import Row, at_least, at_most, best_seconds, milliseconds, table
from tests.bench.realistic_events import Event, events
from tests.serving import serving

RULES = 300
MILLION = 1_000_000
START_MS = 1_795_560_000_000


def run(scale: float = 1.0) -> list[Row]:
    """The rows; scale 1 sends a million events through an engine, smaller that part of it."""
    return [*_against_engines(), _history(), _feed(), *_bounded(round(scale * MILLION))]


# --- one event, many rules ---


def rule_texts(number: int) -> tuple[str, str]:
    """A filter, and the same for rule-engine; one in five demands nothing that an index could use."""
    match number % 5:
        case 0 | 1:
            other = "ps" if number % 25 == 0 else f"helper-{number}"
            return (
                f'(command = "tool-{number}" or command = "{other}") and user != "root" and type = "start"',
                f'(command == "tool-{number}" or command == "{other}") and user != null and user != "root"'
                ' and type == "start"',
            )
        case 2:
            return (
                f'event_type = "audit" and syscall = "connect" and connection.dst_port = {79 + number % 7}',
                f'event_type == "audit" and syscall == "connect" and connection != null'
                f' and connection&["dst_port"] != null and connection&["dst_port"] == {79 + number % 7}',
            )
        case 3:
            return (
                f'exe = "/opt/tool-{number}" and type = "start" and arguments like "--{number}"',
                f'exe == "/opt/tool-{number}" and type == "start" and arguments != null and arguments =~~ "--{number}"',
            )
    return f'arguments like "secret-{number}"', f'arguments != null and arguments =~~ "secret-{number}"'


def _against_engines() -> list[Row]:
    mix = [event for event in events(400) if event["event_type"] == "audit"]
    texts = [rule_texts(number) for number in range(RULES)]
    rules = [CompiledRule.of(Rule(str(n), "", "", (), ours, id=str(n))) for n, (ours, _) in enumerate(texts)]
    context = rule_engine.Context(default_value=None)
    others = [rule_engine.Rule(theirs, context=context) for _, theirs in texts]
    index, few = RuleIndex(rules), mix[:40]
    for event in few:
        fired = [number for number, other in enumerate(others) if other.matches(event)]
        assert [int(one.rule.id) for one in index.fired(event)] == fired
    assert any(index.fired(event) for event in few)

    def each(work: Callable[[Event], object], some: list[Event]) -> Callable[[], None]:
        return lambda: [work(event) for event in some] and None

    mine, plain, peer = best_seconds(
        each(index.fired, mix),
        each(lambda event: [one for one in rules if one.fires(event)], mix),
        each(lambda event: [other for other in others if other.matches(event)], few),
        rounds=10,
    )
    mine, plain, peer = mine / len(mix), plain / len(mix), peer / len(few)
    name = f"one event against {RULES} rules"
    return [
        at_least(f"{name}, against rule-engine", milliseconds(mine), milliseconds(peer), peer / mine, 50),
        at_least(f"{name}, against trying every filter", milliseconds(mine), milliseconds(plain), plain / mine, 2),
    ]


# --- an engine ---


class Clock:
    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


@contextmanager
def an_engine(clock: Callable[[], int] | None = None) -> Iterator[tuple[DetectionStore, Engine, Path]]:
    """An engine on a new file, the lab's rule enabled."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "detection.sqlite"
        store = DetectionStore(path)
        place = (seed_data.ORGANIZATION_ID, seed_data.BASE_RULE_SET_ID, seed_data.PRECREATED_RULE_ID)
        store.rules.update_rule(*place, seed_data.PRECREATED | {"enabled": True}, START_MS)
        try:
            yield store, Engine(store) if clock is None else Engine(store, clock), path
        finally:
            store.close()


def a_connect(number: int, identifier: str, at_ms: int) -> Event:
    """A connect of the lab's host to one of many addresses."""
    address = f"203.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    common = {"_id": identifier, "timestamp": at_ms, "agent_id": seed_data.LAB_AGENT_ID}
    return {**connect_event(address), **common}


def _history() -> Row:
    """Batches that raise one alert in five, and add events to open ones, with few and with many alerts before."""
    ids, fresh = itertools.count(), itertools.count(500_000)
    clock = Clock(START_MS)

    def batch() -> list[Event]:
        raising = [a_connect(next(fresh), str(next(ids)), clock.now) for _ in range(20)]
        return raising + [a_connect(number % 10, str(next(ids)), clock.now) for number in range(80)]

    with an_engine(clock) as (_, few, _), an_engine(clock) as (_, many, _):
        for engine, alerts in ((few, 10), (many, 10_000)):
            engine.ingest(a_connect(number, str(next(ids)), clock.now) for number in range(alerts))
        mine, peer = best_seconds(lambda: many.ingest(batch()), lambda: few.ingest(batch()), rounds=40)
    texts = milliseconds(mine / 100), milliseconds(peer / 100)
    return at_most("an event with 10,000 alerts in history, against 10", *texts, mine / peer, 1.25)


# --- event to alert on the feed ---


def _feed(rounds: int = 60) -> Row:
    """From handing over an event to having the alert, by the signed long poll. The floor: a long poll that answers
    without looking, and one signed call that asks for nothing."""
    with an_engine() as (store, engine, _), serving(create_detection_app(store, engine=engine)) as url:
        api = DetectionApi(url, **store.credentials())
        feed = AlertFeed(api)
        feed()

        def wait() -> None:
            assert len(feed()) == 1

        def hand_over(number: int) -> None:
            engine.ingest([a_connect(number, new_id(), time.time_ns() // 1_000_000)])

        mine = _latencies(wait, lambda: bool(engine._news._waiters), hand_over, rounds)
        engine.close()
        (signed,) = best_seconds(api.self_test, rounds=rounds)
    bare = BareLongPoll()
    with serving(bare) as url, requests.Session() as session:
        peer = _latencies(lambda: session.get(url, timeout=20), lambda: bare.waits, bare.hand_over, rounds)
    floor = median(peer) + signed
    name = "event to alert on the feed, p50, against a bare long poll and a signed call"
    return at_most(name, milliseconds(median(mine)), milliseconds(floor), median(mine) / floor, 1.5)


def _latencies(
    wait: Callable[[], object], is_waiting: Callable[[], bool], hand_over: Callable[[int], None], rounds: int
) -> list[float]:
    seconds = []
    for number in range(rounds):
        ended: list[float] = []
        thread = threading.Thread(target=lambda ended=ended: (wait(), ended.append(time.perf_counter())))
        thread.start()
        while not is_waiting():
            time.sleep(0.001)
        start = time.perf_counter()
        hand_over(number)
        thread.join()
        seconds.append(ended[0] - start)
    return seconds[5:]


class BareLongPoll:
    """The least that a long poll can be: answers `[]` when something is handed over."""

    def __init__(self) -> None:
        self._condition, self._number, self.waits = threading.Condition(), 0, False

    def hand_over(self, number: int) -> None:
        with self._condition:
            self._number += 1
            self._condition.notify_all()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        with self._condition:
            before, self.waits = self._number, True
            self._condition.wait_for(lambda: self._number > before, 20)
            self.waits = False
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", "2")])
        return [b"[]"]


# --- six days of events ---


def _bounded(number: int) -> list[Row]:
    """A million connects over six days: memory of the process and size of the file, at the end against the middle.

    One in five meets the rule, for twenty addresses in turn: an alert an hour for each.
    """
    clock, process = Clock(START_MS), psutil.Process()
    chunk, seconds = max(1, number // 200), 0.0
    seen: list[tuple[int, int]] = []
    with an_engine(clock) as (_, engine, path):
        for first in range(0, number, chunk):
            clock.now = START_MS + 6 * DAY_MS * first // number
            body = b"\n".join(orjson.dumps(_numbered(n, clock.now)) for n in range(first, min(first + chunk, number)))
            start = time.perf_counter()
            engine.ingest(orjson.loads(line) for line in body.splitlines())
            seconds += time.perf_counter() - start
            seen.append((process.memory_info().rss, path.stat().st_size))
    middle, end = seen[len(seen) * 6 // 10], seen[-1]
    name = f"{number:,} events over six days"
    rate = f"{number / seconds:,.0f} /s"
    sizes = [f"{one >> 20} MB" for one in (end[0], middle[0], end[1], middle[1])]
    return [
        at_most(f"{name}, memory at the end against the middle", *sizes[:2], end[0] / middle[0], 1.1),
        at_most(f"{name}, file at the end against the middle", *sizes[2:], end[1] / middle[1], 1.25),
        Row(f"{name}, taken in from NDJSON", rate, "–", 1.0, "–", True),
    ]


def _numbered(number: int, at_ms: int) -> Event:
    event = a_connect(number % 100, f"{number:032x}", at_ms)
    return event if number % 5 == 0 else event | {"syscall": "openat", "type": "openat"}


if __name__ == "__main__":
    print(table(run()))
