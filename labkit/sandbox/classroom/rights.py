"""What a student of a class may change in the detection service, which the whole class shares.

Everybody reads everything. A student changes rules whose names have their number and no other student's, the tags of
those rules, and the alerts that they raise. Rule sets, members and the rest are the instructor's.
"""

from __future__ import annotations

from collections.abc import Iterable

from flask import request

from labkit.model.student import student_name, students_in
from labkit.sandbox.classroom.host_feed import BLUEPRINT as HOST_FEED
from labkit.sandbox.classroom.roster import Roster
from labkit.sandbox.classroom.students import StudentStore
from labkit.sandbox.detection.api.errors import ApiError
from labkit.sandbox.detection.api.permissions import Caller, Permissions
from labkit.sandbox.detection.api.request import store

_CHECKED_THEMSELVES = {
    "rules.create_rule", "rules.update_rule", "rules.delete_rule", "rules.set_tags", "alerts.dismiss",
    "student_events.ingest",
}  # fmt: skip
"""The changing calls that check, each by itself, whose thing it is."""


MOST_RULES = 100
"""Rules that one student may have."""


class ClassPermissions(Permissions):
    """The limits of each student. Whoever is no student, as the instructor, has none."""

    def __init__(self, students: StudentStore, roster: Roster) -> None:
        self._students, self._roster = students, roster

    def note_authenticated(self, caller: Caller) -> None:
        """Note when a student was last seen. Their host asks whether they are there or not, so that does not count."""
        student = self._student(caller)
        if student is not None and request.blueprint != HOST_FEED:
            self._roster.note(student)

    def rate_limit_key(self, caller: Caller) -> str:
        """Each student counts alone, so that no runaway stops the others."""
        student = self._student(caller)
        return caller.organization_id if student is None else f"{caller.organization_id} student {student}"

    def check_change(self, caller: Caller, endpoint: str) -> None:
        """Refuse students everything but the calls that check by themselves."""
        student = self._student(caller)
        if student is not None and endpoint not in _CHECKED_THEMSELVES:
            raise ApiError(403, f"student {student} may change only rules whose name contains {_mark(student)}")

    def check_rule(self, caller: Caller, *names: str) -> None:
        """Refuse a student a rule unless each of these names is of theirs."""
        student = self._student(caller)
        for name in names:
            if student is not None and students_in(name) != {student}:
                mark = _mark(student)
                raise ApiError(403, f"rule {name!r} is not one of student {student}'s, whose names contain {mark}")

    def check_number_of_rules(self, caller: Caller) -> None:
        """Refuse a student more rules than anybody needs: each event is tested against them while others wait."""
        student = self._student(caller)
        if student is None:
            return
        names = store().rules.names(caller.organization_id)
        if sum(students_in(name) == {student} for name in names) >= MOST_RULES:
            raise ApiError(400, f"student {student} has {MOST_RULES} rules already: delete one first")

    def check_alerts(self, caller: Caller, alert_ids: Iterable[str]) -> None:
        """Refuse a student alerts unless their rule raised each, or, where the rule was deleted, their host did."""
        student = self._student(caller)
        if student is None:
            return
        agent_id = self._students.agent_id(student)
        for alert_id, rule_name, agent in store().alerts.origins(caller.organization_id, alert_ids):
            own = agent == agent_id if rule_name is None else students_in(rule_name) == {student}
            if not own:
                raise ApiError(403, f"alert {alert_id} is not one of student {student}'s: nothing was dismissed")

    def _student(self, caller: Caller) -> int | None:
        return self._students.by_user.get(caller.user.id)


def _mark(student: int) -> str:
    return f"'{student_name(student)}:'"
