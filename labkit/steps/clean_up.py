"""Chapter 4: removes everything that the lab made for the student, and checks what is left."""

from __future__ import annotations

from labkit import steps
from labkit.model.errors import LabError
from labkit.model.student import is_a_students_rule, rule_name
from labkit.services import aws
from labkit.steps.host import READY
from labkit.steps.rule import all_rules
from labkit.steps.session import LabSession
from labkit.views.panels.clean_up import CleanUpView


def clean_up(session: LabSession) -> CleanUpView:
    """Remove the student's rule, alerts, deny entries, subnet, VPC, profile and notes, and list what is left.

    Raises StepNotReady without a student number, which is what marks the student's things.
    """
    student, keys = session.student, session.keys or session.backend.aws.cloud_account()
    ended = list(steps.reset(session, tuple(step for step in steps.STEPS if step.key != READY.key)))
    students = [rule.name for rule in all_rules(session.detection) if is_a_students_rule(rule.name)]
    rules = {f"rule “{name}”": name == rule_name(student) for name in students}
    vpcs: dict[str, bool] = {}
    if keys is not None:
        found = aws.describe_vpcs(session.account(keys, session.region).ec2)
        vpcs = {f"VPC {vpc}": vpc.student == student for vpc in found}
    things = {**rules, **vpcs}
    return CleanUpView(
        removed=[(step.title, steps.undone(one)) for step, one in ended if not isinstance(one, LabError)],
        failed=[(step.title, str(words)) for step, words in ended if isinstance(words, LabError)],
        still_there=[thing for thing, own in things.items() if own],
        left_alone=[thing for thing, own in things.items() if not own],
    )
