"""When an event raises an alert, joins one, or is kept: against a reading of the rules that remembers everything."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.model import rule_filter
from labkit.model.detection.alert_text import LONGEST_IN_TITLE, fill_title, text_reader
from labkit.model.detection.alerting import KIND_OF_EVENT, AlertWindow, CompiledRule, identity, place, window_start
from labkit.model.detection.criteria import AGGREGATE_FIELDS, FILTER, TITLE_ENDING
from labkit.model.detection.rule import Rule
from labkit.model.errors import FilterError
from labkit.model.rule_filter import And, Clause, Filter, Or
from labkit.sandbox.detection.rulebook import RuleIndex, demand_of
from tests.unit.rule_filter.events import CONNECT, LOCAL_LOG, connect
from tests.unit.rule_filter.published_filters import PUBLISHED
from tests.unit.rule_filter.strategies import EVENTS, TELLING_TREE

WINDOW_SECONDS = 10


def rule(text: str = FILTER, **more: Any) -> Rule:
    given = {"aggregate_fields": (), "window_seconds": WINDOW_SECONDS} | more
    return Rule(name="a rule", title="a title", alert_description="", filter=text, id="r1", **given)


def armed(text: str = FILTER, **more: Any) -> CompiledRule:
    return CompiledRule.of(rule(text, **more))


# --- threshold and window ---


def walk(armed: CompiledRule, times: list[int]) -> list[tuple[int, list[int]]]:
    """The alerts that events of one identity raise, by the decisions of `place`: expiry, and the times behind each."""
    alerts: list[tuple[int, list[int]]] = []
    kept: list[int] = []
    for at in times:
        last = AlertWindow(str(len(alerts)), alerts[-1][0]) if alerts else AlertWindow()
        standing = replace(last, kept=len(kept), newest=max(kept, default=0))
        if not standing.takes(at):
            start = window_start(armed, standing, at)
            kept = [one for one in kept if one > start]
            standing = replace(standing, kept=len(kept))
        match place(armed, standing, at):
            case "joins":
                alerts[-1][1].append(at)
            case "raises":
                alerts.append((at + armed.window_ms, [*kept, at]))
                kept = []
            case "kept":
                kept.append(at)
    return alerts


def naive(times: list[int], threshold: int, window_ms: int) -> list[tuple[int, list[int]]]:
    """The same for times in order, from the definition: each event looks back over all that were before it."""
    alerts: list[tuple[int, list[int]]] = []
    used = 0
    for position, at in enumerate(times):
        if alerts and at < alerts[-1][0]:
            alerts[-1][1].append(at)
            used = position + 1
            continue
        waiting = [one for one in times[used : position + 1] if one > at - window_ms]
        if len(waiting) >= threshold:
            alerts.append((at + window_ms, waiting))
            used = position + 1
    return alerts


GAPS = st.lists(st.sampled_from([0, 1, 2500, 4999, 5000, 9999, 10_000, 10_001, 25_000]), min_size=1, max_size=30)


@given(GAPS, st.integers(1, 6))
def test_alerts_follow_from_threshold_and_a_window_that_slides(gaps: list[int], threshold: int) -> None:
    times = [1_000_000 + sum(gaps[: n + 1]) for n in range(len(gaps))]
    assert walk(armed(threshold=threshold), times) == naive(times, threshold, WINDOW_SECONDS * 1000)


@given(st.lists(st.integers(0, 60_000), max_size=30), st.integers(1, 5))
def test_in_whatever_order_events_come_an_alert_has_its_threshold_within_a_window(
    times: list[int], threshold: int
) -> None:
    alerts = walk(armed(threshold=threshold), times)
    behind = [at for _, events in alerts for at in events]
    assert len(behind) <= len(times) and all(behind.count(at) <= times.count(at) for at in behind)
    for _, events in alerts:
        first = events[:threshold]
        assert len(first) == threshold and max(first) - min(first) < WINDOW_SECONDS * 1000


def test_the_open_alert_takes_events_until_a_window_after_it_was_raised_and_not_a_moment_longer() -> None:
    assert walk(armed(), [0, 1, 9999, 10_000]) == [(10_000, [0, 1, 9999]), (20_000, [10_000])]


def test_given_a_late_event_then_it_joins_the_open_alert_or_is_left_out_of_a_window_it_is_too_old_for() -> None:
    assert walk(armed(), [50_000, 20_000]) == [(60_000, [50_000, 20_000])]
    assert walk(armed(threshold=2), [50_000, 40_000]) == []
    assert walk(armed(threshold=2), [50_000, 40_001]) == [(50_001, [50_000, 40_001])]
    assert walk(armed(threshold=2), [50_000, 20_000, 45_000]) == [(55_000, [50_000, 45_000])]


# --- identity ---

USERS, PROGRAMS, ENDS, AGENTS = ("root", None), ("/bin/a", "/bin/b"), ("203.0.113.1", "203.0.113.2"), ("a1", "a2")


def test_the_same_alert_is_the_same_rule_agent_and_values_and_nothing_else() -> None:
    wanted = rule(aggregate_fields=AGGREGATE_FIELDS)
    rules = [CompiledRule.of(wanted), CompiledRule.of(replace(wanted, id="r2"))]
    seen: dict[str, tuple[Any, ...]] = {}
    for one, user, exe, end, agent in product(rules, USERS, PROGRAMS, ENDS, AGENTS):
        for pid in (1, 2):
            event = connect(end, user=user, exe=exe, agent_id=agent, pid=pid)
            what = (one.rule.id, user, exe, end, agent)
            assert seen.setdefault(identity(one, event), what) == what
    assert len(seen) == 2 * 2 * 2 * 2 * 2


def test_fields_in_another_order_are_the_same_alert_and_an_absent_value_is_not_text() -> None:
    forth, back = armed(aggregate_fields=("user", "exe")), armed(aggregate_fields=("exe", "user"))
    assert identity(forth, CONNECT) == identity(back, CONNECT)
    assert list(back.aggregates(CONNECT)) == ["exe", "user"]
    for text in ("undefined", "None", "null", ""):
        assert identity(forth, connect(user=text)) != identity(forth, connect(user=None))


@given(st.lists(st.text(max_size=4), min_size=2, max_size=2), st.lists(st.text(max_size=4), min_size=2, max_size=2))
def test_values_never_run_into_each_other(some: list[str], others: list[str]) -> None:
    one = armed(aggregate_fields=("user", "exe"))
    events = [connect(user=user, exe=exe) for user, exe in (some, others)]
    assert (identity(one, events[0]) == identity(one, events[1])) == (some == others)


def test_without_aggregate_fields_there_is_one_alert_an_agent() -> None:
    one = armed()
    assert identity(one, connect("203.0.113.1")) == identity(one, connect("203.0.113.2", user="root"))
    assert identity(one, connect(agent_id="a2")) != identity(one, CONNECT)


# --- which rules an event fires ---


@given(st.lists(TELLING_TREE, min_size=1, max_size=8), st.lists(EVENTS, min_size=1, max_size=4))
def test_the_index_finds_what_trying_every_rule_finds(
    trees: list[And | Or | Clause], events: list[dict[str, Any]]
) -> None:
    filters = [Filter(tree) for tree in trees]
    rules = [CompiledRule(rule(str(one)), one, rule_filter.compile(one)) for one in filters]
    index = RuleIndex(rules)
    for event in events:
        assert index.fired(event) == [one for one in rules if one.fires(event)]


def test_rules_are_listed_in_their_order() -> None:
    rules = [armed(text) for text in ('user = "ubuntu"', 'syscall = "connect"', "tty != null", 'user = "ubuntu"')]
    assert RuleIndex(rules).fired(CONNECT) == rules


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda one: one.number)
def test_every_published_filter_arms_a_rule_and_is_found_by_what_it_demands(published: Any) -> None:
    event_types = ("audit", "file", "host", "threatintel")
    events = [CONNECT, LOCAL_LOG, *(connect(event_type=one, command=None, filename="/etc/x") for one in event_types)]
    events += [connect(command=one, exe=f"/x/{one}", type="start", syscall="execve") for one in ("sudo", "rmmod", "ps")]
    one = armed(published.text, suppressions=(published.text,))
    for event in events:
        fired = RuleIndex([one]).fired(event)
        assert fired == ([one] if rule_filter.compile(rule_filter.parse(published.text))(event) else [])
        assert [each.suppresses(event) for each in fired] == [True] * len(fired)


@pytest.mark.parametrize(
    ("text", "key", "texts"),
    [
        (FILTER, "syscall", {"connect"}),
        ('(command = "sudo" or command = "su") and type = "start"', "command", {"sudo", "su"}),
        ('event_type = "audit"', "event_type", {"audit"}),
        ('command = "a" or (command = "b" and user = "c")', "command", {"a", "b"}),
    ],
)
def test_a_rule_is_filed_under_the_demand_that_says_most(text: str, key: str, texts: set[str]) -> None:
    assert demand_of(armed(text)) == (key, texts)


@pytest.mark.parametrize(
    "text",
    ['user != "a"', 'user like "a"', "port = 80", 'ip = "10.0.0.1"', 'user = "a" or command = "b"', "tty = null"],
)
def test_a_filter_that_demands_no_text_is_always_tried(text: str) -> None:
    assert demand_of(armed(text)) is None


def test_any_suppression_silences_and_a_rule_without_one_is_never_silent() -> None:
    one = armed(suppressions=('user = "root"', 'connection.dst_addr = "203.0.113.0/24"'))
    assert [one.suppresses(connect(end)) for end in ("203.0.113.9", "198.51.100.1")] == [True, False]
    assert one.suppresses(connect("198.51.100.1", user="root"))
    assert not armed().suppresses(CONNECT)


def test_given_a_suppression_that_cannot_be_read_then_the_rule_is_refused() -> None:
    with pytest.raises(FilterError):
        armed(suppressions=("user ==",))


def test_kinds_of_rules_and_event_types_fit() -> None:
    assert KIND_OF_EVENT["audit"] == KIND_OF_EVENT["login"] == "Host"
    assert set(KIND_OF_EVENT.values()) >= {"Host", "File", "CloudTrail", "ThreatIntel", "Winsec"}
    assert set(KIND_OF_EVENT) == set(rule_filter.keys.EVENT_TYPES)


@pytest.mark.parametrize(
    ("changes", "fires"),
    [
        ({"filename": "/etc/passwd"}, True),
        ({"filename": "/etc/ssh/sshd_config"}, True),
        ({"filename": "/etc"}, True),
        ({"filename": "/etcetera"}, False),
        ({"filename": "/opt/one"}, True),
        ({"filename": "/opt/deep/one"}, False),
        ({"filename": "/etc/.passwd.swp"}, False),
        ({"filename": "/etc/passwd", "type": "open"}, False),
        ({"filename": "/etc/passwd", "type": "modify"}, True),
        ({"filename": "/etc/passwd", "user": "chef"}, False),
        ({}, False),
    ],
)
def test_a_file_rule_looks_at_paths_globs_and_deeds(changes: dict[str, Any], fires: bool) -> None:
    raw = {
        "fileIntegrityPaths": [{"path": "/etc/", "recursive": True}, {"path": "/opt", "recursive": False}],
        "ignoreFiles": ["*swp"],
        "eventsToMonitor": ["modify"],
    }
    event = {"event_type": "file", **changes}
    assert armed('user != "chef" or user = null', type="File", raw=raw).fires(event) is fires
    assert armed("", type="File", raw=raw).fires(event) is (fires or "user" in changes)


# --- what an alert says ---


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (f"WAN{TITLE_ENDING}", "WAN: /usr/bin/curl ran by user ubuntu connected to 203.0.113.10"),
        ("{{ip}}:{{port}} from {{src_ip}}:{{src_port}}", "203.0.113.10:80 from 10.0.0.10:43512"),
        ("{{command}} {{arguments}} {{ uid }} {{success}}", "curl curl dadismad.com 1000 true"),
        ("{{hostname}} {{accountId}} {{availabilityZone}}", "ip-10-0-0-10.ec2.internal 123456789012 us-east-1a"),
        ("User {{auser}} from {{eventName}}", "User undefined from undefined"),
        ("{{}} {{ }} {{a b}} {{{user}}} {user}", "{{}} {{ }} {{a b}} {ubuntu} {user}"),
        ("{{path}} {{network_metadata.public_ip_address}}", "undefined 198.51.100.7"),
    ],
)
def test_a_title_is_filled_from_the_event(template: str, said: str) -> None:
    assert fill_title(template, CONNECT) == said


def test_what_an_event_says_is_never_a_template_and_never_endless() -> None:
    event = connect(user="{{exe}}\\1", exe="x" * 5000)
    assert fill_title("{{user}}", event) == "{{exe}}\\1"
    assert len(fill_title("{{exe}}", event)) == LONGEST_IN_TITLE


def test_an_alert_names_the_other_end_of_a_connection() -> None:
    accepted = {"connection": {"src_addr": "198.51.100.9", "src_port": 4242}}
    assert [text_reader(key)(accepted) for key in ("ip", "port")] == ["198.51.100.9", "4242"]
    assert text_reader("group")({"group": ["a", None, "b"]}) == "a, b"
    assert text_reader("target")({"target": {"b": 1, "a": "é"}}) == '{"a": "é", "b": 1}'
