"""Steps of who the student is: the student number, and the AWS account that the keys open."""

from __future__ import annotations

from typing import NamedTuple

from labkit.model.access_keys import AccessKeys
from labkit.model.check import CheckResult, Outcome
from labkit.model.errors import CredentialsRefused, InvalidInput, LabError
from labkit.model.settings import PROFILE
from labkit.model.student import STUDENT_NUMBERS, parse_student_number, rule_name, vpc_name
from labkit.services import aws
from labkit.services.aws.profile import SavedProfile, check_region, remove_profile, save_profile, verify
from labkit.steps import commands
from labkit.steps.network import found_elsewhere, noted_regions
from labkit.steps.rule import all_rules
from labkit.steps.session import LabSession
from labkit.steps.step import Step
from labkit.views.copying import LOOK
from labkit.views.panels.basic import ActionResult


def check_student(session: LabSession) -> CheckResult:
    noted, asked = session.notes.get("student"), session.backend.student
    expected = STUDENT_NUMBERS
    if not noted:
        next_step = "Enter the number that your instructor gave you (1 if you work alone): lab.enter_student_number()"
        return STUDENT.result(Outcome.NOT_YET, expected, "no number yet", next_step)
    number = parse_student_number(noted)
    if number < session.first_number:
        expected = f"{session.first_number} or higher: below it are the students of your class"
        next_step = "Choose another: lab.enter_student_number()"
        return STUDENT.result(Outcome.WRONG, expected, f"{number} in your notes", next_step)
    if asked and parse_student_number(asked) != number:
        next_step = "Enter the number again: lab.enter_student_number()"
        return STUDENT.result(Outcome.WRONG, f"{asked}, as LABKIT_STUDENT says", f"{number} in your notes", next_step)
    return STUDENT.result(Outcome.PASSED, expected, f"{number}; the name of your rule: “{rule_name(number)}”")


def allowed_number(session: LabSession, typed: str | int) -> int:
    """The number that was typed. Raises InvalidInput for no student number, or another one than the class gave;
    StepNotReady for that of a student in the class served from here."""
    number = parse_student_number(typed)
    assigned = session.backend.aws.assigned
    if assigned not in (None, number):
        raise InvalidInput(
            f"Student number {number} was refused.",
            f"You joined the class as student {assigned}, whose keys open only that account and rule.",
            f"Use {assigned}. If you have a block of student {number}, run `labkit join` first.",
            field="student number",
        )
    return session.require_own_number(number)


def already_there(session: LabSession, typed: str | int) -> str:
    """The warning before a number is taken: what is there of it already; "" for nothing, and for the number in use.

    Raises InvalidInput as `allowed_number` does.
    """
    number = allowed_number(session, typed)
    if str(number) == session.notes.get("student") or session.backend.aws.assigned is not None:
        return ""
    there = things_there(session, number).there
    if not there:
        return ""
    return f"Already there of student {number}: {'; '.join(there)}. {WHOSE} Your number has not been changed yet."


WHOSE = (
    "If this is your own earlier work, continue: nothing is made twice. If not, somebody else is using this number: "
    "ask your instructor for another one."
)


def save_student(session: LabSession, typed: str | int) -> ActionResult:
    """Note the student number; say which names follow from it, what is there of it already, and what stays behind of
    the number before. What was chosen under that one is forgotten."""
    number, before = allowed_number(session, typed), session.notes.get("student")
    found, remarks = things_there(session, number), []
    if found.there:
        remarks.append(f"Already there: {'; '.join(found.there)}. {WHOSE}")
    if before and before != str(number):
        remarks += _stays_behind(session, parse_student_number(before))
        session.notes.forget("vpc_id", "network_acl_id", "rule_id")
    session.notes.save(student=number)
    session.notes.forget("last_student", "last_region")
    facts = [("Your VPC will be named", vpc_name(number)), ("Your rule will be named", rule_name(number))]
    facts += [("Earlier work", f"? {words}") for words in found.unseen]
    return ActionResult(f"You are student {number}.", facts, remark=" ".join(remarks))


def _stays_behind(session: LabSession, before: int) -> list[str]:
    """What an earlier number leaves behind, and how to remove it; nothing of a student in the class."""
    if before < session.first_number:
        return []
    found = things_there(session, before)
    left = "; ".join([*found.there, *(f"? {words}" for words in found.unseen)])
    if not left:
        return [f"Nothing is left of student {before}, your previous number."]
    return [
        f"Student {before}, your previous number, still has: {left}. "
        f"To remove it, in a terminal: `labkit reset --student {before}`"
    ]


class EarlierWork(NamedTuple):
    """there: what the services hold of a student. unseen: what could not be looked at, and why."""

    there: list[str]
    unseen: list[str]


def things_there(session: LabSession, number: int) -> EarlierWork:
    """What the services hold of the student with this number already, as far as they can be asked now."""
    found = EarlierWork([], [])
    keys = session.keys or session.backend.aws.cloud_account()
    try:
        found.there.extend(f"rule {rule.id}" for rule in all_rules(session.detection) if rule.name == rule_name(number))
    except LabError as error:
        found.unseen.append(f"rules could not be looked at: {error.what}")
    if keys is None:
        found.unseen.append("VPCs cannot be looked at before the AWS keys are entered")
        return found
    try:
        account = session.account(keys, session.region)
        vpcs = [f"{vpc} in {session.region}" for vpc in aws.find_student_vpcs(account.ec2, number)]
        elsewhere = "" if vpcs else found_elsewhere(session, account, number)
        found.there.extend([*vpcs, *([f"a VPC, {elsewhere}"] if elsewhere else [])])
    except LabError as error:
        found.unseen.append(f"VPCs could not be looked at: {error.what}")
    return found


def given_number(session: LabSession) -> int:
    """The student number that somebody chose: LABKIT_STUDENT, that of the class joined, or the noted one; 0 for none.

    A noted number that has since become one of the class served from here is none.
    """
    if given := session.backend.student or session.backend.aws.assigned:
        return parse_student_number(given)
    noted = session.notes.get("student")
    number = parse_student_number(noted) if noted else 0
    return number if number >= session.first_number else 0


def number_to_take(session: LabSession) -> int:
    """The number that is taken where nobody types one: the given one, else the first that nobody in a class has."""
    return given_number(session) or session.first_number


def do_student(session: LabSession) -> ActionResult:
    """Take that number. Raises LabError if nobody gave it and things of that number are there already."""
    number = number_to_take(session)
    if not given_number(session) and (words := already_there(session, number)):
        raise LabError(
            f"Student number {number} was not taken.", words, f"If it is yours: lab.enter_student_number({number})"
        )
    return save_student(session, number)


def undo_student(session: LabSession) -> ActionResult:
    if number := session.notes.get("student"):
        session.notes.save(last_student=number)  # so that whoever looks whether all is gone knows what to look for
    session.notes.forget("student")
    return ActionResult("The student number is no longer in your notes.")


def check_account(session: LabSession) -> CheckResult:
    expected = "keys of an AWS account that may use EC2"
    if session.keys is None:
        next_step = "Enter both keys: lab.enter_aws_keys(). Or run `aws configure` in a terminal."
        return ACCOUNT.result(Outcome.NOT_YET, expected, "no AWS account is active", next_step)
    try:
        who = verify(session.aws)
    except CredentialsRefused as error:
        return ACCOUNT.result(Outcome.WRONG, expected, f"{error.what} {error.why}", error.next_step)
    return ACCOUNT.result(Outcome.PASSED, expected, f"account {who.account}, region {session.region}, as {who.arn}")


def use_keys(session: LabSession, keys: AccessKeys, region: str, keep: bool, overwrite: bool = False) -> ActionResult:
    """Try the keys against AWS, then use them; kept in the lab's profile, or in memory only.

    Raises LabError, and changes nothing, when AWS refuses them or another profile of that name is there.
    """
    region = check_region(region or session.region)
    owner = verify(session.account(keys, region))
    if keep:
        profile = SavedProfile(keys, region, session.backend.aws.endpoint() or "")
        backend = session.backend.aws
        save_profile(profile, backend.config_file, backend.credentials_file, overwrite=overwrite)
    session.use_keys(None if keep else keys)
    session.notes.save(region=region)
    where = f"saved in the profile {PROFILE}" if keep else "in this notebook's memory only"
    return ActionResult(
        f"AWS answers: account {owner.account}, region {region}.",
        (("Identity", owner.arn), ("Keys", where)),
        cli=commands.caller_command(session),
        cli_caption=LOOK,
        remark=_vpc_elsewhere(session),
    )


def _vpc_elsewhere(session: LabSession) -> str:
    """A sentence, if the student's VPC is in another region than the keys' own; "" else."""
    if not session.notes.get("student") or not noted_regions(session):
        return ""
    if aws.find_student_vpcs(session.aws.ec2, session.student):
        return ""
    elsewhere = found_elsewhere(session, session.aws, session.student)
    return f"Your VPC is {elsewhere}." if elsewhere else ""


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
