"""What the steps' own checks say of each student in a reading.

A check that looks at what only the student has is decided by what the world shows of it:

- *Your student number*: done once something bears it, a VPC's tag or a rule's name, or in a class once their keys were
  used; a note that contradicts LABKIT_STUDENT is not seen.
- *Your AWS account*: done once something shows that their keys work: their VPC, or in a class a call that they made.
- *The NetworkAclId*, *The RuleID*: looked up, as the student's own check does where nothing is noted; a note of a wrong
  id is seen by the student alone.
- *The host is ready*: the agent and its services; which programs a student's machine has is seen there alone.
"""

from __future__ import annotations

from dataclasses import replace

from labkit import steps
from labkit.backends.backend import Backend
from labkit.classroom.board.reading import ClassSnapshot, Detection, Student, number_of
from labkit.classroom.board.snapshot_clients import StudentsWorld
from labkit.model.check import CheckResult, Outcome
from labkit.model.detection.records import Alert
from labkit.model.detection.rule import Rule
from labkit.model.errors import LabError
from labkit.steps import account, host
from labkit.steps.session import LabSession

Results = tuple[CheckResult, ...]


class Judge:
    """Judges reading after reading; a student whose part of the world is as it was is not judged again."""

    def __init__(self, opened: Backend) -> None:
        self._opened = opened
        self._shared: tuple[object, ...] = ()
        self._judged: dict[int, tuple[object, Results]] = {}

    def results(self, reading: ClassSnapshot) -> list[Results]:
        """Each student's results, in the reading's order."""
        parts = Parts(reading.detection)
        if parts.shared != self._shared:
            self._shared = parts.shared
            self._judged.clear()
        return [self._results_of(student, parts) for student in reading.students]

    def _results_of(self, student: Student, parts: Parts) -> Results:
        looked_at = replace(student, last_seen=None), parts.of(student.number)
        before, results = self._judged.get(student.number, (None, ()))
        if before != looked_at:
            results = results_of(self._opened, student, parts.detection)
            self._judged[student.number] = looked_at, results
        return results


class Parts:
    """What the detection service holds, as far as checks look at it: what each student's do, and what everybody's do.

    Rules of others are counted, and no more: the check of a missing rule tells how many there are.
    """

    def __init__(self, detection: Detection) -> None:
        self.detection = detection
        agents = [agent.raw for agent in detection.agents]
        self.shared = (len(detection.rules), detection.rulesets, agents, detection.fault)
        self._rules: dict[int, list[Rule]] = {}
        self._alerts: dict[str, list[Alert]] = {}
        for rule in detection.rules:
            self._rules.setdefault(number_of(rule) or 0, []).append(rule)
        for alert in detection.alerts:
            self._alerts.setdefault(alert.rule_id, []).append(alert)

    def of(self, number: int) -> list[tuple[Rule, list[Alert]]]:
        """A student's rules, each with its alerts."""
        return [(rule, self._alerts.get(rule.id, [])) for rule in self._rules.get(number, ())]


def results_of(opened: Backend, student: Student, detection: Detection) -> Results:
    """Each step's check for one student, in the steps' order; no call is made."""
    session = StudentsWorld(opened, student, detection)
    own = {host.READY.key: check_host(session)}
    if student.numbered and session.keys is None:
        own[account.ACCOUNT.key] = keys_not_seen()
    return tuple(own.get(result.step, result) for result in steps.status(session))


def check_host(session: LabSession) -> CheckResult:
    """The host as the detection service sees it."""
    expected = f"an agent with {host.AGENT_SERVICES} healthy services"
    try:
        line = host.agent_line(session)
    except LabError as error:
        return host.READY.result(Outcome.COULD_NOT_LOOK, expected, error.what, f"{error.why} {error.next_step}".strip())
    outcome = Outcome.PASSED if line.state == "ready" else Outcome.WRONG
    return host.READY.result(outcome, expected, line.found, line.next_step)


def keys_not_seen() -> CheckResult:
    """That nothing shows yet whether a student's keys work; the student's own check may know more."""
    return account.ACCOUNT.result(
        Outcome.NOT_YET, "AWS keys seen in use", "nothing that only working keys leave", "The keys show with the VPC."
    )
