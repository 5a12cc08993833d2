"""Samples of panels: where one is, checks, errors, what a call did."""

from __future__ import annotations

from labkit.lab.links import chapters_on_map
from labkit.model.check import require
from labkit.model.detection.criteria import CRITERIA_LABELS
from labkit.model.errors import ConsentNeeded, FilterError, InvalidInput, LabError, QuotaReached
from labkit.model.rule_filter import parse
from labkit.views.copying import LOOK
from labkit.views.panels.basic import ActionResult, CheckPanel, ErrorPanel, InternalError, Note
from labkit.views.panels.clean_up import CleanUpQuestion, CleanUpView
from labkit.views.panels.progress import Progress, StatusLine, Working
from labkit.views.tables.network import VpcTable
from tests.gallery.component import Component, State
from tests.gallery.values import (
    ACCOUNT,
    ACL_ID,
    CRITERIA_WRONG,
    LINKS,
    REGION,
    RESULTS,
    TIER_WORDS,
    TITLES,
    USER,
    VPC_ID,
    VPCS,
    steps,
)

_BY_STEP = {one.step: one for one in RESULTS}


def _status() -> tuple[State, ...]:
    return (
        State("a newcomer", StatusLine(None, "sandbox", "sandbox", REGION, "")),
        State(
            "half way",
            StatusLine(
                7,
                "sandbox",
                "sandbox",
                REGION,
                ACCOUNT,
                steps(5, "rule"),
                LINKS,
                TIER_WORDS,
                chapters=chapters_on_map(steps(5, "rule"), "2"),
            ),
        ),
        State(
            "live, all done",
            StatusLine(
                7, "live", "live", "eu-central-1", ACCOUNT, steps(12), LINKS, chapters=chapters_on_map(steps(12), "3")
            ),
        ),
    )


def _progress() -> tuple[State, ...]:
    return (
        State("nothing done", Progress(steps(0)[1:9], LINKS)),
        State("every outcome", Progress(RESULTS, LINKS)),
        State("all done, without links", Progress(steps(12)[9:])),
    )


def _working() -> tuple[State, ...]:
    return (
        State("begun", Working("Doing the steps", 0, 8)),
        State("under way", Working("Doing the steps", 3, 8)),
    )


def _checks() -> tuple[State, ...]:
    parts = tuple(zip(CRITERIA_LABELS.values(), (True, True, True, False, False), strict=True))
    return (
        *(State(result.outcome.value, CheckPanel(result, LINKS[result.step])) for result in RESULTS),
        State("with parts", CheckPanel(CRITERIA_WRONG, LINKS[CRITERIA_WRONG.step], parts)),
        State("without a link", CheckPanel(RESULTS[0])),
    )


def _stops() -> tuple[State, ...]:
    return (
        State("an earlier step comes first", ErrorPanel(_raised(lambda: require(_BY_STEP["network_acl_id"])), "#x")),
        State("the student number comes first", ErrorPanel(_raised(lambda: require(steps(1)[1])))),
    )


def _errors() -> tuple[State, ...]:
    field = InvalidInput(
        "Rule number 40000 was refused.",
        "AWS accepts 1 to 32766.",
        "Choose a free number; the next one here is 110.",
        field="rule_number",
    )
    service = QuotaReached(
        f"No VPC was created: all 5 of {REGION} are in use.",
        f"The quota counts the default VPC too: {VPC_ID} is one of yours.",
        "Delete one, then run this cell again.",
        code="VpcLimitExceeded",
    )
    account = f"The next change would be in account {ACCOUNT}, region {REGION}."
    consent = ConsentNeeded("A real AWS account is waiting for your yes.", account, "Run lab.agree(), then this again.")
    return (
        State("one field is at fault", ErrorPanel(field)),
        State("a filter, with the place", ErrorPanel(filter_error('event_type == "audit" and syscall = "connect"'))),
        State("a service refused", ErrorPanel(service, LINKS["vpc"])),
        State("a real account waits for a yes", ErrorPanel(consent)),
        State("in one sentence", ErrorPanel(LabError("It was refused."))),
    )


def _faults() -> tuple[State, ...]:
    return (State("a button has failed", InternalError("KeyError", "Enable the rule")),)


def _happened() -> tuple[State, ...]:
    facts = (("VpcId", VPC_ID), ("CIDR block", "10.0.0.0/16"), ("Name", "Self Protect Student7"), ("Region", REGION))
    who = (("Account", ACCOUNT), ("Identity", USER), ("Region", REGION))
    cli = f"aws ec2 describe-network-acls --network-acl-ids {ACL_ID} --region {REGION}"
    found = (("NetworkAclId", ACL_ID), ("VpcId", VPC_ID), ("Region", REGION))
    return (
        State("in one sentence", ActionResult("There was no rule of yours to delete.")),
        State("with facts", ActionResult("The AWS account in use", who)),
        State("the end of a chapter", ActionResult("Part 2 is done: 8 of 8 steps.", who, onward=("Part 3", "#x"))),
        State(
            "with the AWS CLI’s words", ActionResult("The NetworkAclId is in your notes.", found, cli, cli_caption=LOOK)
        ),
        State(
            "with a remark and a table",
            ActionResult(
                "Your VPC was created.",
                facts,
                "aws ec2 create-vpc --cidr-block 10.0.0.0/16 --tag-specifications "
                "'ResourceType=vpc,Tags=[{Key=labkit:student,Value=7},{Key=Name,Value=Self Protect Student7}]' "
                f"--region {REGION}",
                f"3 of 5 VPCs used in {REGION}.",
                VpcTable(VPCS, REGION, 7),
            ),
        ),
    )


def _notes() -> tuple[State, ...]:
    return (
        State("a title", Note("The responder is already running.")),
        State("with words", Note("The responder was stopped.", "Its entries stay.")),
        State("coming back", Note("The lab is open", "Student 7.", onward=("Your VPC", "#AWS-CLI-Config-VPC-Network"))),
    )


def _clean_up() -> tuple[State, ...]:
    removed = (
        (TITLES["rule"], "Rule 3e4c2a58-9a0d-11ee-8c90-0242ac120002 was deleted."),
        (TITLES["vpc"], f"Deleted: {VPC_ID}."),
    )
    failed = ((TITLES["network_acl_id"], "AWS did not answer."),)
    others = ("VPC vpc-0dd9571e9140835e0 (10.0.0.0/16, of student 12)", "rule “Self Protect: Student12: Network”")
    none, there = ("VPC in us-east-1", "none with the tag labkit:student=7"), ("VPC in us-east-1", f"{VPC_ID}")
    unseen = ("VPC in eu-west-1", "? There are no AWS keys to ask with.")
    untagged = f"Without a tag: {VPC_ID}. If you made it, tick it in the form of `lab.clean_up()`."
    return (
        State("all is gone", CleanUpView(7, removed, (), (none,), left_alone=others)),
        State("something is left", CleanUpView(7, removed[:1], failed, (there,), (VPC_ID,))),
        State("not everything could be looked at", CleanUpView(7, (), (), (none, unseen), unseen=(unseen[0],))),
        State("one may be the student's", CleanUpView(7, (), (), (none,), untagged=untagged)),
    )


def _clean_up_question() -> tuple[State, ...]:
    rows = (("VPC in us-east-1", VPC_ID), ("Notes", "student 7"))
    return (
        State("before anything is removed", CleanUpQuestion(7, rows, ("VPC vpc-0dd9571e9140835e0",))),
        State("after the button was pressed", CleanUpQuestion(7, rows, asked=False)),
    )


def _raised(call: object) -> LabError:
    try:
        call()  # type: ignore[operator]
    except LabError as error:
        return error
    raise AssertionError("nothing was raised")


def filter_error(text: str) -> FilterError:
    """The error of a filter that cannot be read."""
    error = _raised(lambda: parse(text))
    assert isinstance(error, FilterError)
    return error


COMPONENTS = (
    Component("Status line", "The top of a chapter: who, where, and how far.", "status_line.html.j2", _status),
    Component("Step progress", "How many steps are done, and which; also after the lab did them for you.",
              "progress.html.j2", _progress),
    Component("Working bar", "While something takes longer than a moment.", "working.html.j2", _working),
    Component("Check", "After each step: what was looked at, what was found, what to do now.",
              "check_panel.html.j2", _checks),
    Component("Stop", "A cell was run before the step that it needs.", "error_panel.html.j2", _stops),
    Component("Error", "Something was refused: what happened, why, what to do.", "error_panel.html.j2", _errors),
    Component("Internal error", "The lab itself has failed behind a button.", "fault.html.j2", _faults),
    Component("What a call did", "After a change, and where facts are told; with the command that does the same.",
              "happened.html.j2", _happened),
    Component("Remark", "A note that is not a result.", "note.html.j2", _notes),
    Component("Clean-up", "The end of the lab: what was removed, and what was left alone.",
              "clean_up.html.j2", _clean_up),
    Component("Clean-up, asked", "What would be removed, before the button is pressed.",
              "clean_up_question.html.j2", _clean_up_question),
)  # fmt: skip
