"""Every filter of the grammar prints, parses back to the same, and agrees with a naive interpreter."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from labkit.model import rule_filter
from labkit.model.errors import FilterError
from labkit.model.rule_filter import And, Clause, Explanation, Filter, Or, evaluate, parse, straighten
from tests.unit.rule_filter.naive_evaluator import holds
from tests.unit.rule_filter.strategies import ANY_TREE, EVENTS, MEETINGS, TELLING_TREE, spellings

TREES_WITH_SPELLINGS = ANY_TREE.flatmap(lambda tree: st.tuples(st.just(tree), spellings(tree)))
NEAR_FILTERS = st.lists(
    st.sampled_from(
        ["user", "=", "!=", " ", "and", "or", "(", ")", '"', "'", "“", "’", "null", "7", "like", "\x00", "."]
    )
).map("".join)


@given(ANY_TREE)
def test_a_filter_prints_as_text_that_is_read_as_the_same_filter(tree: And | Or | Clause) -> None:
    assert parse(str(tree)).tree == tree
    assert str(parse(str(tree))) == str(tree)


@given(TREES_WITH_SPELLINGS)
def test_spaces_case_quotes_and_redundant_parentheses_change_nothing(case: tuple[And | Or | Clause, str]) -> None:
    tree, text = case
    assert parse(text).tree == tree


@given(TELLING_TREE, st.lists(EVENTS, min_size=1, max_size=4))
def test_compiled_and_explained_filters_agree_with_the_naive_interpreter(
    tree: And | Or | Clause, events: list[dict[str, Any]]
) -> None:
    read = Filter(tree)
    predicate = rule_filter.compile(read)
    for event in [*events, *events]:  # the second time from memory
        expected = holds(tree, event)
        assert predicate(event) is expected
        assert rule_filter.explain(read, event).verdict is expected


@given(MEETINGS)
def test_clauses_on_present_keys_agree_with_the_naive_interpreter(
    meeting: tuple[And | Or | Clause, dict[str, Any]],
) -> None:
    tree, event = meeting
    predicate = rule_filter.compile(Filter(tree))
    expected = holds(tree, event)
    assert [predicate(event), predicate(event)] == [expected, expected]
    assert rule_filter.explain(Filter(tree), event).verdict is expected


@given(TELLING_TREE, EVENTS)
def test_an_explanation_agrees_with_itself_and_names_every_clause(
    tree: And | Or | Clause, event: dict[str, Any]
) -> None:
    explanation = rule_filter.explain(Filter(tree), event)
    leaves = check(explanation)
    assert [leaf.label for leaf in leaves] == [str(clause) for clause in rule_filter.tree.clauses(tree)]
    assert all(leaf.reason and leaf.found and leaf.wanted for leaf in leaves)
    assert len(str(explanation).splitlines()) >= len(leaves)


def check(node: Explanation) -> list[Explanation]:
    """The leaves below a node, each group's verdict being that of its children."""
    if not node.children:
        return [node]
    combine = all if node.label == "all of" else any
    assert node.verdict is combine(child.verdict for child in node.children)
    return [leaf for child in node.children for leaf in check(child)]


@given(st.text(max_size=40) | NEAR_FILTERS)
@example('user = "' + "9" * 5000 + '"')
@example("(" * 500 + "a=1" + ")" * 500)
@example("a=" + "9" * 5000)
def test_parsing_any_text_gives_a_filter_or_a_filter_error(text: str) -> None:
    refused = refusal(text)
    if refused is None:
        read = parse(text)
        assert parse(str(read)).tree == read.tree
        assert rule_filter.compile(read)({"user": "9" * 5000, "a": 9}) in (True, False)
        return
    assert 0 <= refused.position <= len(text)
    line, mark = refused.caret.split("\n")
    assert mark.strip() == "^" and len(mark) <= len(line) + 1
    assert refused.what and refused.why and refused.next_step


def refusal(text: str) -> FilterError | None:
    try:
        parse(text)
    except FilterError as refused:
        return refused
    return None


@given(st.text(max_size=60) | NEAR_FILTERS)
@example("user = 'it’s' and “x” = ‘y’")
def test_straightening_changes_what_it_says_and_nothing_the_second_time(text: str) -> None:
    once = straighten(text)
    assert straighten(once.text).text == once.text and len(once.text) == len(text)
    assert bool(once.sentence) is (once.text != text)


def test_the_cache_of_addresses_is_bounded_and_clearing_it_changes_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "CACHED_ADDRESSES", 4)
    read = parse('connection.dst_addr != "10.0.0.0/9" and connection.dst_addr != "10.200.0.0/16"')
    predicate = rule_filter.compile(read)
    for address in [f"10.{number}.0.1" for number in range(256)] * 2:
        event = {"connection": {"dst_addr": address}}
        assert predicate(event) is holds(read.tree, event)
    assert remembered(predicate) == {"10.252.0.1", "10.253.0.1", "10.254.0.1", "10.255.0.1"}


def remembered(function: Any) -> set[str]:
    """The keys of the dictionaries a closure holds."""
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    return {key for cell in cells if isinstance(cell, dict) for key in cell}


@pytest.mark.parametrize("word", ["and", "or"])
def test_a_filter_of_two_thousand_clauses_is_read_compiled_and_explained(word: str) -> None:
    text = f" {word} ".join(f'user{number % 7} = "x{number}"' for number in range(2000))
    read = parse(text)
    event = {"user0": "x0"}
    assert rule_filter.compile(read)(event) is rule_filter.explain(read, event).verdict is (word == "or")
