"""Steps of the detection rule: the student's own, its five criteria, enabled, and its RuleID."""

from __future__ import annotations

from dataclasses import replace

from labkit.model.check import CheckResult, Outcome
from labkit.model.detection.criteria import Criteria, compare, wanted_criteria
from labkit.model.detection.rule import BASE_RULE_SET, PRECREATED_RULE, Rule
from labkit.model.errors import LabError, StepNotReady
from labkit.model.student import rule_name
from labkit.services.detection.api import DetectionApi
from labkit.steps.session import LabSession
from labkit.steps.step import Step
from labkit.views.panels.basic import ActionResult

CRITERIA_EXPECTED = "the five criteria of the lab's text"
LOOKED_AT = ("GET /v2/rulesets", "GET /v2/rulesets/{id}/rules")


def base_rule_set(api: DetectionApi) -> str:
    """The id of the rule set that the lab works in. Raises LabError when the organization does not have it."""
    for rule_set in api.rulesets():
        if rule_set.name == BASE_RULE_SET:
            return rule_set.id
    raise LabError(
        f"The rule set “{BASE_RULE_SET}” was not found.",
        "The organization of this API key does not have it.",
        "Ask your instructor which organization the lab uses.",
    )


def all_rules(api: DetectionApi) -> tuple[Rule, ...]:
    """The rules of that rule set; two calls."""
    return tuple(api.rules(base_rule_set(api)))


def students_rules(session: LabSession) -> tuple[Rule, ...]:
    """The rules that bear the student's name: one when all is well; two calls."""
    name = rule_name(session.student)
    return tuple(rule for rule in all_rules(session.detection) if rule.name == name)


def students_rule(session: LabSession) -> Rule:
    """The student's one rule; two calls. Raises StepNotReady when there is none."""
    rules = students_rules(session)
    if rules:
        return rules[0]
    raise StepNotReady(
        f"The rule “{rule_name(session.student)}” was not found.",
        f"The rule set “{BASE_RULE_SET}” has no rule of that name.",
        "Clone the precreated rule with lab.clone_rule(), or create one with lab.create_rule(). "
        "Or do all of it: lab.solve('2')",
        step="rule",
    )


def clone_rule(session: LabSession) -> Rule:
    """The student's rule, cloned from the precreated one with the student's name, disabled; found if it is there."""
    with session.creation_lock():
        rules = {rule.name: rule for rule in reversed(all_rules(session.detection))}
        name, original = rule_name(session.student), rules.get(PRECREATED_RULE)
        if name in rules:
            return rules[name]
        if original is None:
            raise LabError(
                f"The precreated rule “{PRECREATED_RULE}” was not found.",
                f"The rule set “{BASE_RULE_SET}” no longer has it.",
                "Create your rule from scratch: lab.create_rule()",
            )
        return session.detection.create_rule(original.ruleset_id, replace(original, name=name, enabled=False))


def create_rule(session: LabSession) -> Rule:
    """The student's rule, created anew with nothing but its name and a first guess of the rest; found if there."""
    name = rule_name(session.student)
    blank = Rule(
        name=name,
        title=name,
        alert_description="A rule of my own.",
        aggregate_fields=(),
        filter='event_type = "audit" and syscall = "connect"',
    )
    with session.creation_lock():
        mine = students_rules(session)
        return mine[0] if mine else session.detection.create_rule(base_rule_set(session.detection), blank)


def check_rule(session: LabSession) -> CheckResult:
    name = rule_name(session.student)
    rules = all_rules(session.detection)
    mine = [rule for rule in rules if rule.name == name]
    expected = f"one rule named “{name}” in “{BASE_RULE_SET}”"
    if len(mine) == 1:
        return RULE.result(Outcome.PASSED, expected, f"rule {mine[0].id} in “{BASE_RULE_SET}”")
    if mine:
        ids = ", ".join(rule.id for rule in mine)
        next_step = 'Delete them with lab.reset("rule"); then clone once.'
        return RULE.result(Outcome.WRONG, expected, f"{len(mine)} of that name: {ids}", next_step)
    if nearly := [rule for rule in rules if _squeezed(rule.name) == _squeezed(name)]:
        return RULE.result(
            Outcome.WRONG,
            expected,
            f"“{nearly[0].name}”",
            "The name must match exactly: correct it, or clone the rule again.",
        )
    return RULE.result(
        Outcome.NOT_YET,
        expected,
        f"{len(rules)} other rules",
        "Clone the precreated rule with lab.clone_rule(), or create one with lab.create_rule().",
    )


def _squeezed(name: str) -> str:
    return "".join(name.split()).casefold()


def check_criteria(session: LabSession) -> CheckResult:
    rule = students_rule(session)
    comparisons = compare(Criteria.of(rule), wanted_criteria(session.student))
    wrong = [one.label for one in comparisons if not one.equal]
    found = f"{len(comparisons) - len(wrong)} of {len(comparisons)} correct"
    if not wrong:
        return CRITERIA.result(Outcome.PASSED, CRITERIA_EXPECTED, found)
    unchanged = rule.updated_at in ("", rule.created_at)  # nobody has edited it yet, which is no mistake
    return CRITERIA.result(
        Outcome.NOT_YET if unchanged else Outcome.WRONG,
        CRITERIA_EXPECTED,
        f"{found}; different: {', '.join(wrong)}",
        "Look at the difference with lab.compare_criteria() and fix it in the form: lab.set_criteria()",
    )


def check_enabled(session: LabSession) -> CheckResult:
    rule = students_rule(session)
    outcome = Outcome.PASSED if rule.enabled else Outcome.NOT_YET
    found = f"rule {rule.id} is {'enabled' if rule.enabled else 'disabled'}"
    return ENABLED.result(outcome, "your rule enabled", found, "" if rule.enabled else "Enable it: lab.enable_rule()")


def check_rule_id(session: LabSession) -> CheckResult:
    rule, noted = students_rule(session), session.notes.get("rule_id")
    if noted and noted != rule.id:
        return RULE_ID.result(
            Outcome.WRONG,
            f"the RuleID of your rule, {rule.id}",
            f"{noted} in your notes",
            "Save the correct one: lab.retrieve_rule_id()",
        )
    if noted:
        return RULE_ID.result(Outcome.PASSED, "the RuleID of your rule", f"{rule.id}, in your notes")
    return RULE_ID.not_noted(session, "the RuleID of your rule", rule.id, "Save it: lab.retrieve_rule_id()")


def show_rule(title: str, rule: Rule) -> ActionResult:
    """What happened to a rule."""
    return ActionResult(
        title,
        (("RuleID", rule.id), ("Name", rule.name), ("Status", "enabled" if rule.enabled else "disabled")),
    )


def do_rule(session: LabSession) -> ActionResult:
    return show_rule("Your rule is in the rule set, cloned from the precreated one.", clone_rule(session))


def undo_rule(session: LabSession) -> ActionResult:
    rules = students_rules(session)
    for rule in rules:
        session.detection.delete_rule(rule.ruleset_id, rule.id)
    ids = ", ".join(rule.id for rule in rules)
    return ActionResult(f"Rule {ids} was deleted." if ids else "There was no rule of yours to delete.", ())


def do_criteria(session: LabSession) -> ActionResult:
    rule = session.detection.update_rule(wanted_criteria(session.student).apply_to(students_rule(session)))
    return show_rule("Your rule has the five criteria of the lab's text.", rule)


def undo_criteria(session: LabSession) -> ActionResult:
    rules = all_rules(session.detection)
    mine = next((rule for rule in rules if rule.name == rule_name(session.student)), None)
    original = next((rule for rule in rules if rule.name == PRECREATED_RULE), None)
    if mine is None or original is None:
        return ActionResult("There was no rule of yours to restore.", ())
    as_cloned = replace(Criteria.of(original), name=mine.name)
    return show_rule(
        "Your rule is back to what it was when it was cloned.", session.detection.update_rule(as_cloned.apply_to(mine))
    )


def do_enabled(session: LabSession) -> ActionResult:
    rule = session.detection.update_rule(replace(students_rule(session), enabled=True))
    return show_rule("Your rule is enabled.", rule)


def undo_enabled(session: LabSession) -> ActionResult:
    rules = students_rules(session)
    for rule in rules:
        session.detection.update_rule(replace(rule, enabled=False))
    return ActionResult("Your rule is disabled." if rules else "There was no rule of yours to disable.", ())


def do_rule_id(session: LabSession) -> ActionResult:
    rule = students_rule(session)
    session.notes.save(rule_id=rule.id)
    return show_rule("Your RuleID is in your notes.", rule)


def undo_rule_id(session: LabSession) -> ActionResult:
    session.notes.forget("rule_id")
    return ActionResult("The RuleID is no longer in your notes.", ())


RULE = Step(
    "rule",
    "2",
    "Your detection rule",
    "Threat Stack - Create Rule",
    ("student_number",),
    check_rule,
    do_rule,
    undo_rule,
    LOOKED_AT,
)
CRITERIA = Step(
    "rule_criteria",
    "2",
    "The five criteria",
    "Update the rule",
    ("rule",),
    check_criteria,
    do_criteria,
    undo_criteria,
    LOOKED_AT,
)
ENABLED = Step(
    "rule_enabled",
    "2",
    "The rule enabled",
    "Threat Stack - Enable Rule",
    ("rule_criteria",),
    check_enabled,
    do_enabled,
    undo_enabled,
    LOOKED_AT,
)
RULE_ID = Step(
    "rule_id",
    "2",
    "The RuleID",
    "Retrieve Rule ID",
    ("rule_enabled",),
    check_rule_id,
    do_rule_id,
    undo_rule_id,
    LOOKED_AT,
    note="rule_id",
)
