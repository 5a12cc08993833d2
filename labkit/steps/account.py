"""Steps of who the student is: the student number, and the AWS account that the keys open."""

from __future__ import annotations

from labkit.model.access_keys import AccessKeys
from labkit.model.check import CheckResult, Outcome
from labkit.model.errors import CredentialsRefused, InvalidInput, LabError
from labkit.model.settings import PROFILE
from labkit.model.student import STUDENT_NUMBERS, parse_student_number, rule_name, vpc_name
from labkit.services import aws
from labkit.services.aws.profile import SavedProfile, check_region, remove_profile, save_profile, verify
from labkit.steps import commands
from labkit.steps.network import found_elsewhere, noted_regions
from labkit.steps.rule import students_rules
from labkit.steps.session import LabSession
from labkit.steps.step import Step
from labkit.views.copying import LOOK
from labkit.views.panels.basic import ActionResult

SINGLE_STUDENT = "1"
"""The number of somebody who works alone and was given none."""


def check_student(session: LabSession) -> CheckResult:
    noted, asked = session.notes.get("student"), session.backend.student
    expected = STUDENT_NUMBERS
    if not noted:
        next_step = "Type the number that your instructor gave you into the form. If you work alone, use 1."
        return STUDENT.result(Outcome.NOT_YET, expected, "no number yet", next_step)
    number = parse_student_number(noted)
    if asked and parse_student_number(asked) != number:
        next_step = "Enter the number again: lab.enter_student_number(), or labkit solve student_number"
        return STUDENT.result(Outcome.WRONG, f"{asked}, as LABKIT_STUDENT says", f"{number} in your notes", next_step)
    return STUDENT.result(Outcome.PASSED, expected, f"{number}; your rule will be “{rule_name(number)}”")


def save_student(session: LabSession, typed: str | int) -> ActionResult:
    """Note the student number and say which names follow from it, and what of that student is there already."""
    number = parse_student_number(typed)
    assigned = session.backend.aws.assigned
    if assigned not in (None, number):
        raise InvalidInput(
            f"Student number {number} was refused.",
            f"You joined the class as student {assigned}, whose keys open only that account and rule.",
            f"Use {assigned}. If you have a block of student {number}, run `labkit join` first.",
            field="student number",
        )
    session.notes.save(student=number)
    there = things_there(session)
    remark = (
        f"Already there: {'; '.join(there)}. If this is your own earlier work, continue: nothing is made twice. "
        "If not, somebody else is using this number: ask your instructor for another one."
        if there
        else ""
    )
    facts = (("Your VPC will be named", vpc_name(number)), ("Your rule will be named", rule_name(number)))
    return ActionResult(f"You are student {number}.", facts, remark=remark)


def things_there(session: LabSession) -> list[str]:
    """What the services hold of this student already, as far as they can be asked now."""
    there = [f"rule {rule.id}" for rule in students_rules(session)]
    if session.keys is not None:
        try:
            vpcs = aws.find_student_vpcs(session.aws.ec2, session.student)
            there += [f"{vpc} in {session.region}" for vpc in vpcs] or _elsewhere(session)
        except LabError as error:
            there.append(f"perhaps a VPC, but AWS could not be asked: {error.what}")
    return there


def _elsewhere(session: LabSession) -> list[str]:
    found = found_elsewhere(session)
    return [f"your VPC is {found}"] if found else []


def do_student(session: LabSession) -> ActionResult:
    given = session.backend.student or session.backend.aws.assigned or session.notes.get("student")
    return save_student(session, given or SINGLE_STUDENT)


def undo_student(session: LabSession) -> ActionResult:
    if number := session.notes.get("student"):
        session.notes.save(last_student=number)  # so that whoever looks whether all is gone knows what to look for
    session.notes.forget("student")
    return ActionResult("The student number is no longer in your notes.")


def check_account(session: LabSession) -> CheckResult:
    expected = "keys of an AWS account that may use EC2"
    if session.keys is None:
        next_step = "Enter both keys in the form, or run `aws configure` in a terminal."
        return ACCOUNT.result(Outcome.NOT_YET, expected, "no AWS account is active", next_step)
    try:
        who = verify(session.aws).caller
    except CredentialsRefused as error:
        return ACCOUNT.result(Outcome.WRONG, expected, f"{error.what} {error.why}", error.next_step)
    return ACCOUNT.result(Outcome.PASSED, expected, f"account {who.account}, region {session.region}, as {who.arn}")


def use_keys(session: LabSession, keys: AccessKeys, region: str, keep: bool, overwrite: bool = False) -> ActionResult:
    """Try the keys against AWS, then use them; kept in the lab's profile, or in memory only.

    Raises LabError, and changes nothing, when AWS refuses them or another profile of that name is there.
    """
    region = check_region(region or session.region)
    verified = verify(session.account(keys, region))
    if keep:
        profile = SavedProfile(keys, region, session.backend.aws.endpoint() or "")
        backend = session.backend.aws
        save_profile(profile, backend.config_file, backend.credentials_file, overwrite=overwrite)
    session.use_keys(None if keep else keys)
    session.notes.save(region=region)
    where = f"saved in the profile {PROFILE}" if keep else "in this notebook's memory only"
    return ActionResult(
        f"AWS answers: account {verified.caller.account}, region {region}.",
        (("Identity", verified.caller.arn), ("Keys", where)),
        cli=commands.caller_command(session),
        cli_caption=LOOK,
        remark=_vpc_elsewhere(session),
    )


def _vpc_elsewhere(session: LabSession) -> str:
    """A sentence, if the student's VPC is in another region than the keys' own; "" else."""
    if not session.notes.get("student") or not noted_regions(session):
        return ""
    here = aws.find_student_vpcs(session.aws.ec2, session.student)
    return "" if here else "".join(f"{words[0].upper()}{words[1:]}." for words in _elsewhere(session))


def do_account(session: LabSession) -> ActionResult:
    keys = session.backend.aws.cloud_account() or session.backend.aws.given_keys() or session.keys
    if keys is None:
        raise LabError(
            "No AWS keys were given.",
            "Only you know the keys of a live account.",
            "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run `aws configure`; then try again.",
        )
    # Other keys in the lab's own files open no more than this sandbox; in the student's files they stay.
    return use_keys(session, keys, session.region, keep=True, overwrite=not session.backend.aws.asks_first)


def undo_account(session: LabSession) -> ActionResult:
    session.notes.save(last_region=session.region)
    session.use_keys(None)
    removed = remove_profile(session.backend.aws.config_file, session.backend.aws.credentials_file)
    session.backend.aws.point_aws_cli()
    session.notes.forget("region", "agreed")
    return ActionResult(
        f"The keys of the profile {PROFILE} were removed." if removed else f"There was no profile {PROFILE} to remove."
    )


STUDENT = Step(
    "student_number",
    "2",
    "Your student number",
    "Your student number",
    (),
    check_student,
    do_student,
    undo_student,
    ("your notes",),
)
ACCOUNT = Step(
    "aws_account",
    "2",
    "Your AWS account",
    "AWS CLI Configuration",
    ("student_number",),
    check_account,
    do_account,
    undo_account,
    ("aws sts get-caller-identity", "aws ec2 describe-vpcs"),
)
