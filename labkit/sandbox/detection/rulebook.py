"""The enabled rules, compiled, and which of them an event meets.

Sandbox: in a class a rule that bears a student's number meets the events of that student's host alone, so that one
student's doings raise no alert for another. A rule that bears none meets every event.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from labkit.model.detection.alerting import CompiledRule
from labkit.model.detection.rule import Rule
from labkit.model.errors import FilterError
from labkit.model.student import students_in
from labkit.sandbox.detection.rule_index import RuleIndex
from labkit.sandbox.detection.store.store import DetectionStore

log = logging.getLogger(__name__)

Kind = tuple[str, str]
"""An organization and a kind of rule."""


class Rulebook:
    """The rules as they were when it was made. students: the numbers of the class; none without one."""

    def __init__(self, rules: Mapping[Kind, list[CompiledRule]], students: frozenset[int]) -> None:
        self._rules, self._students = rules, students
        self._indexes: dict[tuple[Kind, int | None], RuleIndex] = {}

    def met_by(self, kind: Kind, student: int | None) -> RuleIndex | None:
        """The rules that events of a kind can fire; student: whose host they are from, None for any other's."""
        index = self._indexes.get((kind, student))
        if index is None and kind in self._rules:
            index = self._indexes[kind, student] = RuleIndex(
                armed for armed in self._rules[kind] if self._meets(armed, student)
            )
        return index

    def _meets(self, armed: CompiledRule, student: int | None) -> bool:
        """A number that nobody in the class has, as an instructor's, makes no difference."""
        borne = students_in(armed.rule.name) & self._students
        return not borne or student in borne


class Rulebooks:
    """The rulebook that holds now; each rule is compiled once for as long as it stays the same."""

    def __init__(self, store: DetectionStore, students: frozenset[int]) -> None:
        self._store, self._students = store, students
        self._version = -1
        self._book = Rulebook({}, students)
        self._armed: dict[str, CompiledRule] = {}

    def current(self) -> Rulebook:
        """The rules as they are now; call it inside a transaction."""
        version = self._store.engine.rules_version()
        if version != self._version:
            self._load()
            self._version = version
        return self._book

    def _load(self) -> None:
        by_kind: dict[Kind, list[CompiledRule]] = {}
        armed_before, self._armed = self._armed, {}
        for organization_id, body in self._store.engine.rules():
            if not body.get("enabled"):
                continue
            rule = Rule.from_api(body)
            known = armed_before.get(rule.id)
            armed = known if known and known.rule.raw == rule.raw else _arm(rule)
            if armed is not None:
                self._armed[rule.id] = armed
                by_kind.setdefault((organization_id, rule.type), []).append(armed)
        self._book = Rulebook(by_kind, self._students)


def _arm(rule: Rule) -> CompiledRule | None:
    try:
        return CompiledRule.of(rule)
    except FilterError as error:  # the API takes no such filter; a file of another version might hold one
        log.warning("rule %s is left out: %s", rule.id, error)
        return None
