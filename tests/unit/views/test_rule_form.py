"""The form for the five criteria: what differs is said below it as it changes."""

from __future__ import annotations

from dataclasses import replace

from labkit.model.detection.criteria import CRITERIA_LABELS, FILTER, Criteria, compare
from labkit.model.errors import InvalidInput
from labkit.views.forms.parts import Form
from labkit.views.forms.rule import rule_form
from labkit.views.panels.basic import Note
from labkit.views.tables.criteria import CriteriaTable
from tests.gallery.values import THERE, WANTED
from tests.unit.views.form_driver import everything, press, visible_words

SAVE = "Save the rule"


def form_for(there: Criteria = THERE, submit=lambda criteria: CriteriaTable(compare(criteria, WANTED))) -> Form:
    return rule_form(there, WANTED, submit)


def remark(form: Form, name: str) -> str:
    """What the form says of a field."""
    return visible_words(form.remarks[name].value)


def test_the_fields_bear_the_words_of_the_labs_text_and_hold_what_is_there():
    form = form_for()

    assert [field.description for field in form.fields.values()] == list(CRITERIA_LABELS.values())
    assert form.fields["name"].value == THERE.name
    assert form.fields["aggregate fields"].value == "exe, user"


def test_each_field_says_at_once_whether_it_is_as_wanted():
    form = form_for()

    assert remark(form, "name").startswith("Rule Name ✕ differs Expected Self Protect: Student7:")
    assert "[+:␣Student7]" in remark(form, "name")
    assert remark(form, "filter") == "Rule Filter ✓ correct"
    assert remark(form, "alert description") == "Alert Description ✓ correct"


def test_a_change_is_judged_when_it_is_made():
    form = form_for()
    form.fields["aggregate fields"].value = "dst_ip,exe, user"

    assert (
        remark(form, "aggregate fields") == "Aggregate Fields ✓ correct The order of aggregate fields does not matter."
    )


def test_typographic_quotes_are_straightened_in_the_field_and_that_is_said():
    form = form_for()
    form.fields["filter"].value = FILTER.replace('"', "“", 1).replace('"', "”", 1)

    assert form.fields["filter"].value == FILTER
    assert remark(form, "filter") == "Rule Filter ✓ correct Read with straight quotes for “ and ”."


def test_a_filter_that_cannot_be_read_is_reported_under_its_field_with_a_caret():
    form = form_for()
    form.fields["filter"].value = 'event_type == "audit"'

    words = remark(form, "filter")
    assert "== is not an operator" in words
    assert "^" in words
    assert "Next Write = instead of ==." in words
    assert words.count("== is not an operator") == 1


def test_what_is_saved_is_what_the_fields_hold():
    saved = []
    form = form_for(submit=lambda criteria: saved.append(criteria) or Note("Saved"))
    form.fields["name"].value = WANTED.name
    form.fields["aggregate fields"].value = "user, exe,dst_ip"

    assert press(form, SAVE) == "Saved"
    assert saved == [replace(THERE, name=WANTED.name, aggregate_fields=("user", "exe", "dst_ip"))]


def test_a_refused_name_brings_the_focus_to_its_field(monkeypatch):
    def refuse(criteria: Criteria) -> Note:
        raise InvalidInput("Not this name.", field="name")

    form, focused = form_for(submit=refuse), []
    monkeypatch.setattr(form.fields["name"], "focus", lambda: focused.append("name"))

    assert "✕ Not this name." in press(form, SAVE)
    assert focused == ["name"]


def test_what_an_attacker_wrote_into_a_rule_is_shown_as_text():
    form = form_for(replace(THERE, title="<script>alert(1)</script>"))

    assert "<script>" not in "".join(part.value for part in everything(form.box) if type(part).__name__ == "HTML")
