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

from labkit import steps
from labkit.board.reading import Reading, Student
from labkit.board.stand_ins import StudentsWorld
from labkit.model.check import CheckResult, Outcome
from labkit.model.errors import LabError
from labkit.steps import account, host
from labkit.steps.world import Opened, World


def results_of(opened: Opened, student: Student, reading: Reading) -> tuple[CheckResult, ...]:
    """Each step's check for one student, in the steps' order; no call is made."""
    world = StudentsWorld(opened, student, reading.detection)
    own = {host.READY.key: check_host(world)}
    if student.numbered and world.keys is None:
        own[account.ACCOUNT.key] = keys_not_seen()
    return tuple(own.get(result.step, result) for result in steps.status(world))


def check_host(world: World) -> CheckResult:
    """The host as the detection service sees it."""
    expected = f"an agent with {host.AGENT_SERVICES} healthy services"
    try:
        line = host.agent_line(world)
    except LabError as error:
        return host.READY.result(Outcome.COULD_NOT_LOOK, expected, error.what, f"{error.why} {error.next_step}".strip())
    outcome = Outcome.PASSED if line.state == "ready" else Outcome.WRONG
    return host.READY.result(outcome, expected, line.found, line.next_step)


def keys_not_seen() -> CheckResult:
    """That nothing shows yet whether a student's keys work; the student's own check may know more."""
    return account.ACCOUNT.result(
        Outcome.NOT_YET, "AWS keys seen in use", "nothing that only working keys leave", "The keys show with the VPC."
    )
