"""The form for a rule's five criteria, with what differs from the lab's text below them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

from labkit.model.detection.criteria import CRITERIA_LABELS, Criteria, compare, parse_aggregate_fields
from labkit.model.errors import FilterError
from labkit.model.rule_filter import parse, straighten
from labkit.views.forms.parts import LABEL_STYLE, Form, LinkTo, field_layout, no_link, words
from labkit.views.panels.basic import ErrorPanel
from labkit.views.tables.criteria import FieldComparison
from labkit.views.tables.rules import RuleTable
from labkit.views.view import View

TALL = ("alert_description", "filter")
"""The criteria that need several lines, and whose typographic quotes are straightened."""


@dataclass(frozen=True, repr=False)
class FieldState(View):
    """The remarks about a field: the quotes that were straightened, the filter's error, the comparison."""

    comparison: FieldComparison
    straightened: str = ""
    error: ErrorPanel | None = None

    template: ClassVar[str] = "field_state.html.j2"

    def text(self) -> str:
        parts = [self.straightened, self.error.text() if self.error else "", self.comparison.text()]
        return "\n".join(part for part in parts if part)


@dataclass(frozen=True, repr=False)
class CriteriaToCopy(View):
    """The top of the form, which never changes: what the form is for, and each wanted value with a copy button.

    Not below the fields, where a changing remark could move a button away while it is pressed.
    """

    wanted: Criteria
    title: ClassVar[str] = "The five criteria of your rule"
    words: ClassVar[str] = "The comparison of each is below the button."

    template: ClassVar[str] = "criteria_to_copy.html.j2"

    def values(self) -> list[tuple[str, str]]:
        """Each criterion's label and its wanted value."""
        return [(label, _as_text(getattr(self.wanted, name))) for name, label in CRITERIA_LABELS.items()]

    def text(self) -> str:
        return f"{self.title}: {self.words}"


def rule_form(
    there: Criteria, wanted: Criteria, submit: Callable[[Criteria], View], *, link_to: LinkTo = no_link
) -> Form:
    """Five fields filled with what is there; below them, at every change, what differs from what is wanted."""
    form = Form(CriteriaToCopy(wanted), link_to)
    for name, label in CRITERIA_LABELS.items():
        field = _field(name, label, _as_text(getattr(there, name)))
        form.fields[name.replace("_", " ")] = field
        form.watch(name.replace("_", " "), partial(_look, name, field, wanted))
    save = form.add_button("Save the rule", "Saving…", lambda: submit(_criteria(form)))
    form.put(*form.fields.values(), save)
    return form


def rule_switch(
    table: Callable[[], RuleTable], enable: Callable[[], View], disable: Callable[[], View], *, link_to: LinkTo
) -> Form:
    """The table of rules, with a switch at the end of its last row, which is the student's own rule.

    Two buttons, so that a second press changes nothing. table: called again after each press.
    """
    from ipywidgets import HBox, Layout

    form = Form(shown := table(), link_to, head=False)
    place = words(shown)
    place.layout = Layout(flex="1 1 30em", max_width="62em", min_width="0")  # a fixed size, so that nothing moves

    def then_look(call: Callable[[], View]) -> View:
        result, now = call(), table()
        place.value, on.button_style = now._repr_html_(), _style(now)
        return result

    on = form.add_button("Enable", "Enabling…", partial(then_look, enable))
    off = form.add_button("Disable", "Disabling…", partial(then_look, disable))
    on.button_style, off.button_style = _style(shown), ""
    switch = HBox([on, off], layout=Layout(margin="0 0 1.3em"))  # the space that a table has below it
    form.put(HBox([place, switch], layout=Layout(flex_flow="row wrap", align_items="flex-end", width="100%")))
    return form


def _style(shown: RuleTable) -> str:
    """The style of “Enable”: highlighted if it would change something."""
    return "" if shown.yours_enabled else "primary"


def _as_text(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else ", ".join(value)


def _field(name: str, label: str, value: str) -> Any:
    from ipywidgets import Text, Textarea

    kind = Textarea if name in TALL else Text
    layout = field_layout("56em", "7em" if name in TALL else None)
    return kind(value=value, description=label, style=LABEL_STYLE, layout=layout, continuous_update=False)


def _criteria(form: Form) -> Criteria:
    """The five criteria as typed."""
    values = {name: form.fields[name.replace("_", " ")].value for name in CRITERIA_LABELS}
    return Criteria(**{**values, "aggregate_fields": parse_aggregate_fields(values["aggregate_fields"])})


def _look(name: str, field: Any, wanted: Criteria, typed: str) -> View:
    """The remarks about a field; its typographic quotes are straightened in place."""
    remark = ""
    if name in TALL:
        plain = straighten(typed)
        typed, remark = plain.text, plain.sentence
        field.value = plain.text
    there = Criteria(**{**vars(wanted), name: parse_aggregate_fields(typed) if name == "aggregate_fields" else typed})
    comparison = next(one for one in compare(there, wanted) if one.field == name)
    error = _filter_error(typed) if name == "filter" else None
    if error is not None:
        comparison = replace(comparison, remark="")  # the panel says it, with the caret
    return FieldState(FieldComparison(comparison, with_there=False), remark, error)


def _filter_error(text: str) -> ErrorPanel | None:
    try:
        parse(text)
    except FilterError as error:
        return ErrorPanel(error)
    return None
