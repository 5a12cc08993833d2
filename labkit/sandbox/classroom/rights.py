"""What a student of a class may change in the detection service, which all of the class share.

Everybody reads everything. A student changes rules whose names bear their number and no other student's, their tags,
and alerts of such rules. Rule sets, members and the rest are the instructor's.
"""

from __future__ import annotations

from collections.abc import Iterable

from flask import request

from labkit.model.detection.rule import student_name, students_in
from labkit.sandbox.detection.errors import ApiError
from labkit.sandbox.detection.request import Caller, caller, store

_WITH_A_LOOK = {
    "rules.create_rule", "rules.update_rule", "rules.delete_rule", "rules.set_tags", "alerts.dismiss",
    "student_events.ingest",
}  # fmt: skip
"""The changing calls that look, each by itself, whose the thing is."""


def refuse_students(who: Caller) -> None:
    """Raise ApiError (403) when a student asks for a change that no student may make."""
    if who.student is not None and request.endpoint is not None and request.endpoint not in _WITH_A_LOOK:
        raise ApiError(403, f"student {who.student} may change only rules whose name bears {_mark(who.student)}")


def require_own_rule(*names: str) -> None:
    """Raise ApiError (403) unless a rule is the caller's by each of these names, which are its old and its new one."""
    student = caller().student
    for name in names:
        if student is not None and students_in(name) != {student}:
            mark = _mark(student)
            raise ApiError(403, f"rule {name!r} is not one of student {student}, whose rules' names bear {mark}")


def require_own_alerts(alert_ids: Iterable[str]) -> None:
    """Raise ApiError (403) unless these alerts are of rules of the caller, or of their host where the rule is gone."""
    who = caller()
    if who.student is None:
        return
    agent_id = store().students.agent_id(who.student)
    for alert_id, rule_name, agent in store().alerts.origins(who.organization_id, alert_ids):
        own = agent == agent_id if rule_name is None else students_in(rule_name) == {who.student}
        if not own:
            raise ApiError(403, f"alert {alert_id} is not one of student {who.student}: nothing was dismissed")


def _mark(student: int) -> str:
    return f"'{student_name(student)}:'"
