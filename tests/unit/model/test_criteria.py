"""The five criteria: what counts as equal, and where two texts differ."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.model.detection.criteria import FILTER, Criteria, compare, difference, wanted_criteria
from labkit.model.detection.rule import Rule
from labkit.model.student import rule_name

WANTED = wanted_criteria(7)


def comparison(field: str, there: object):
    changed = replace(WANTED, **{field: there})
    return next(one for one in compare(changed, WANTED) if one.field == field)


def test_what_is_wanted_equals_itself_in_all_five() -> None:
    assert [one.equal for one in compare(WANTED, WANTED)] == [True] * 5


@pytest.mark.parametrize(
    ("field", "there"),
    [
        ("aggregate_fields", ("dst_ip", "user", "exe")),
        ("alert_description", WANTED.alert_description.replace(". ", ".  ").replace("'", "’")),
        ("filter", FILTER.replace(" and ", "  AND ").replace('"audit"', "'audit'")),
        ("filter", FILTER.replace('"', "”")),
    ],
)
def test_a_difference_that_means_nothing_is_equal_and_said(field: str, there: object) -> None:
    found = comparison(field, there)
    assert found.equal
    assert found.remark


@pytest.mark.parametrize(
    ("field", "there"),
    [
        ("name", rule_name(8)),
        ("title", WANTED.title.replace("{{exe}}", "{exe}")),
        ("alert_description", "A rule of my own."),
        ("aggregate_fields", ("user", "exe")),
        ("filter", 'event_type = "audit"'),
    ],
)
def test_a_real_difference_is_spelled_out(field: str, there: object) -> None:
    found = comparison(field, there)
    assert not found.equal
    assert {kind for kind, _ in found.pieces} & {"missing", "extra"}


def test_a_key_that_no_event_has_is_named() -> None:
    found = comparison("filter", FILTER.replace("syscall", "sysCal"))
    assert not found.equal
    assert "sysCal is not a known key of events. Did you mean syscall?" in found.remark


def test_a_filter_that_cannot_be_read_is_different_and_says_why() -> None:
    found = comparison("filter", 'event_type == "audit"')
    assert not found.equal
    assert "=" in found.remark


@given(st.text(max_size=60), st.text(max_size=60))
def test_the_pieces_spell_both_texts(there: str, wanted: str) -> None:
    pieces = difference(there, wanted)
    assert "".join(text for kind, text in pieces if kind != "missing") == there
    assert "".join(text for kind, text in pieces if kind != "extra") == wanted


def test_putting_the_criteria_on_a_rule_leaves_everything_else() -> None:
    rule = Rule("a", "b", "c", (), "d", id="1", ruleset_id="2", severity=1, window_seconds=60, suppressions=("x = 1",))
    changed = WANTED.apply_to(rule)
    assert Criteria.of(changed) == WANTED
    assert replace(changed, **vars(Criteria.of(rule))) == rule


def test_a_rule_keeps_fields_of_the_api_that_it_does_not_model() -> None:
    reply = {"id": "1", "rulesetId": "2", "name": "n", "title": "t", "createdAt": "x", "somethingNew": [1]}
    body = Rule.from_api(reply).to_api()
    assert body["somethingNew"] == [1]
    assert not {"id", "rulesetId", "createdAt", "updatedAt"} & body.keys()
