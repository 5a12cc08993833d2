"""Part 2, the detection rule: clone or create, the five criteria, enable, RuleID."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from labkit import steps
from labkit.lab.base import Cells
from labkit.lab.links import link_to
from labkit.model.detection.criteria import CRITERIA_LABELS, Criteria, compare, parse_aggregate_fields, wanted_criteria
from labkit.model.detection.event import connect_event
from labkit.model.detection.rule import BASE_RULE_SET
from labkit.model.errors import InvalidInput
from labkit.model.network_acl import Packet
from labkit.model.rule_filter import explain, parse, straighten
from labkit.model.student import rule_name
from labkit.steps import rule
from labkit.views import panels
from labkit.views.forms import rule as rule_form
from labkit.views.forms.parts import Form
from labkit.views.tables import rules as rule_views
from labkit.views.tables.criteria import CriteriaTable
from labkit.views.view import View


class RuleCells(Cells):
    """The detection rule of the student."""

    def rules(self) -> Form | View:
        """The rules of the rule set that the lab works in; yours is the last one, with a switch."""
        table = self._rule_table()
        if self._unattended or table.yours_enabled is None:
            return table
        return rule_form.rule_switch(
            self._rule_table, self._enable, lambda: rule.undo_enabled(self._session), link_to=link_to
        )

    def _rule_table(self) -> rule_views.RuleTable:
        rules, yours = rule.all_rules(self._session.detection), rule_name(self._session.student)
        return rule_views.RuleTable(sorted(rules, key=lambda one: one.name == yours), BASE_RULE_SET, yours)

    def clone_rule(self) -> View:
        """Clone your rule from the precreated one, under your name and disabled; or find it."""
        return rule_views.RuleCard(rule.clone_rule(self._session), BASE_RULE_SET)

    def create_rule(self) -> View:
        """Create your rule from scratch, with everything but its name still to be set; or find it."""
        return rule_views.RuleCard(rule.create_rule(self._session), BASE_RULE_SET)

    def compare_criteria(self) -> View:
        """The five criteria: what your rule has, what is wanted, and where the two differ."""
        there = Criteria.of(rule.students_rule(self._session))
        return CriteriaTable(compare(there, wanted_criteria(self._session.student)))

    def set_criteria(self, **criteria: str | tuple[str, ...]) -> Form | View:
        """Save criteria of your rule; without an argument, a form asks for them.

        name, title, alert_description, aggregate_fields, filter: those given are changed. Typographic quotes are
        straightened. Raises FilterError for a filter that cannot be read, InvalidInput for another keyword.
        """
        there, wanted = Criteria.of(rule.students_rule(self._session)), wanted_criteria(self._session.student)
        if criteria:
            return self._save_criteria(_changed(there, criteria))
        if self._unattended:
            return self._save_criteria(wanted)
        return rule_form.rule_form(there, wanted, self._save_criteria, link_to=link_to)

    def _save_criteria(self, criteria: Criteria) -> View:
        if criteria.name != rule_name(self._session.student):
            raise InvalidInput(
                f"The rule was not saved: its name would be “{criteria.name}”.",
                "The lab tells your rule from other students' rules by its name.",
                f"Name it {rule_name(self._session.student)}",
                field="name",
            )
        parse(criteria.filter)
        saved = self._session.detection.update_rule(criteria.apply_to(rule.students_rule(self._session)))
        table = CriteriaTable(compare(Criteria.of(saved), wanted_criteria(self._session.student)))
        different = [one.label for one in table.comparisons if not one.equal]
        if not different:
            return panels.ActionResult("The rule was saved.", remark=f"{table.caption}.")
        remark = f"All five were saved as entered. Still to correct: {', '.join(different)}."
        return panels.ActionResult("The rule was saved.", remark=remark, table=table)

    def explain(
        self, event: Mapping[str, Any] | None = None, destination: str = "203.0.113.10", port: int | str = 80
    ) -> View:
        """Your rule's filter, clause by clause, for an event; without one, for a curl to this destination and port."""
        own = parse(rule.students_rule(self._session).filter)
        met = _connect(destination, port) if event is None else event
        if not isinstance(met, Mapping):
            raise InvalidInput("This is not an event.", "An event is a dict of fields.", 'Give {"user": "root"}.')
        title = f"curl connects to {destination}, port {port}" if event is None else "The event you gave"
        return rule_views.ExplanationTree(explain(own, met), title)

    def enable_rule(self) -> Form | View:
        """The table of rules, with the switch that enables your rule; an unattended run enables it at once."""
        if self._unattended:
            return replace(rule.do_enabled(self._session), table=self._rule_table())
        return self.rules()

    def _enable(self) -> View:
        steps.require(self._session, steps.with_needs((rule.CRITERIA,)))
        return rule.do_enabled(self._session)

    def retrieve_rule_id(self) -> View:
        """Note your RuleID for later."""
        return rule.do_rule_id(self._session)


def _connect(destination: str, port: int | str) -> Mapping[str, Any]:
    """The event of a curl. Raises InvalidInput for a malformed address or port."""
    packet = Packet.outbound(destination, "tcp", port)
    return connect_event(packet.destination, packet.port or 0)


def _changed(there: Criteria, criteria: Mapping[str, str | tuple[str, ...]]) -> Criteria:
    unknown = criteria.keys() - CRITERIA_LABELS.keys()
    if unknown:
        raise InvalidInput(
            f"“{', '.join(sorted(unknown))}” is not one of the five criteria.",
            f"They are {', '.join(CRITERIA_LABELS)}.",
            "Use these names.",
        )
    values: dict[str, Any] = {**vars(there), **criteria}
    fields = values["aggregate_fields"]
    values["aggregate_fields"] = parse_aggregate_fields(fields) if isinstance(fields, str) else tuple(fields)
    for name in ("alert_description", "filter"):
        values[name] = straighten(values[name]).text
    return Criteria(**values)
