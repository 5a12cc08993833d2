"""What the services and this machine hold of a student, looked up now: before cleaning up, and after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from labkit.model.errors import LabError
from labkit.model.network_acl import NetworkAcl
from labkit.model.response.response import own_entries
from labkit.model.settings import PROFILE
from labkit.model.student import STUDENT_TAG, is_a_students_rule, rule_name
from labkit.model.vpc import Vpc, untagged_sentence
from labkit.services import aws
from labkit.services.aws.profile import load_profile
from labkit.services.notes import Notes
from labkit.steps.network import noted_regions
from labkit.steps.rule import all_rules
from labkit.steps.session import LabSession

Found = TypeVar("Found")

LOOK = "aws ec2 describe-vpcs"

NOTED = ("student", "vpc_id", "network_acl_id", "rule_id")
"""The notes that cleaning up takes away."""


@dataclass(frozen=True)
class Place:
    """One place where something of a student's may be.

    where: what was looked for there, for "none …". things: what was found. unseen: why it could not be looked at.
    """

    title: str
    where: str
    things: tuple[str, ...] = ()
    unseen: str = ""

    @property
    def words(self) -> str:
        if self.unseen:
            return f"? {self.unseen}"
        return ", ".join(self.things) or f"none {self.where}"


@dataclass(frozen=True)
class Belongings:
    """places: each place, and what is there of the student's. untagged: VPCs in the region in use that may be theirs,
    since the AWS CLI makes them so; untagged_sentence: they and those of other regions. others: what is there of other
    people."""

    student: int
    places: tuple[Place, ...]
    untagged: tuple[Vpc, ...]
    untagged_sentence: str
    others: tuple[str, ...]

    @property
    def things(self) -> list[str]:
        """Everything of the student's that was found."""
        return [f"{place.title}: {thing}" for place in self.places for thing in place.things]

    @property
    def unseen(self) -> list[Place]:
        return [place for place in self.places if place.unseen]


def belongings(session: LabSession) -> Belongings:
    """What is there of the session's student, wherever it can be looked at.

    Raises StepNotReady while there is no student number, since nothing can be told apart then.
    """
    student = session.student
    here, *elsewhere = (_region(session, region) for region in (session.region, *noted_regions(session)))
    rules = _looked(lambda: [rule.name for rule in all_rules(session.detection) if is_a_students_rule(rule.name)])
    own = rule_name(student)
    alerts = _looked(lambda: [alert.id for alert in session.detection.alerts() if alert.title.startswith(own)])
    places = (
        *(place for region in (here, *elsewhere) for place in region.places(student)),
        Place("Rule", f"named “{own}”", tuple(name for name in rules.found if name == own), rules.unseen),
        Place("Active alerts", "of your rule", tuple(alerts.found), alerts.unseen),
        *_places_on_this_machine(session),
    )
    others = [f"rule “{name}”" for name in rules.found if name != own]
    others += [f"VPC {vpc}" for vpc in here.vpcs if vpc.student != student and not vpc.is_untagged]
    sentences = [untagged_sentence(here.untagged), *(untagged_sentence(one.untagged, one.name) for one in elsewhere)]
    return Belongings(student, places, here.untagged, " ".join(filter(None, sentences)), tuple(others))


@dataclass(frozen=True)
class _Looked(Generic[Found]):
    """What a service answered, or why it did not."""

    found: Sequence[Found] = ()
    unseen: str = ""


def _looked(look: Callable[[], Sequence[Found]]) -> _Looked[Found]:
    try:
        return _Looked(look())
    except LabError as error:
        return _Looked(unseen=f"{error.what} {error.why}".strip())


@dataclass(frozen=True)
class _Region:
    """The VPCs and network ACLs of one region, or why they could not be looked at."""

    name: str
    vpcs: Sequence[Vpc] = ()
    network_acls: Sequence[NetworkAcl] = ()
    unseen: str = ""

    @property
    def untagged(self) -> tuple[Vpc, ...]:
        return tuple(vpc for vpc in self.vpcs if vpc.is_untagged)

    def places(self, student: int) -> tuple[Place, Place]:
        vpcs = tuple(str(vpc) for vpc in self.vpcs if vpc.student == student)
        may_be_theirs = {vpc.id for vpc in self.vpcs if vpc.student == student or vpc.is_untagged}
        entries = tuple(
            f"entry {entry.rule_number} (deny {entry.cidr_block}) of {network_acl.id}"
            for network_acl in self.network_acls
            if network_acl.vpc_id in may_be_theirs
            for entry in own_entries(network_acl.entries)
        )
        return (
            Place(f"VPC in {self.name}", f"with the tag {STUDENT_TAG}={student}", vpcs, self.unseen),
            Place(f"Deny entries in {self.name}", "that the responder wrote for you", entries, self.unseen),
        )


def _region(session: LabSession, region: str) -> _Region:
    keys = session.keys or session.backend.aws.cloud_account()
    if keys is None:
        again = f"Enter them again, lab.enter_aws_keys(region={region!r}), or see: {LOOK} --region {region}"
        return _Region(region, unseen=f"There are no AWS keys to ask with. {again}")
    ec2 = session.account(keys, region).ec2
    vpcs = _looked(lambda: aws.describe_vpcs(ec2))
    network_acls = _looked(lambda: aws.describe_network_acls(ec2))
    return _Region(region, vpcs.found, network_acls.found, vpcs.unseen or network_acls.unseen)


def _places_on_this_machine(session: LabSession) -> tuple[Place, Place]:
    notes, files = Notes(session.backend.home / "notes.json").all(), session.backend.aws
    noted = tuple(f"{name.replace('_', ' ')} {notes[name]}" for name in NOTED if name in notes)
    kept = load_profile(files.config_file, files.credentials_file) is not None
    profile = (f"the profile {PROFILE}",) if kept else ()
    where = f"in a profile {PROFILE}"
    if session.keys_in_memory:
        where += "; to look once more, this notebook has them in its memory until you close it"
    return Place("Notes", "of your work", noted), Place("AWS keys", where, profile)
