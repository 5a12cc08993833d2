"""A student's host follows the class's sandbox: each reply counts once, and the last one outlives an outage."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from labkit.classroom.host.following import LocationFollower
from labkit.model.errors import LabError, ServiceUnreachable
from labkit.model.host.location import HostLocation
from labkit.model.network_acl import Entry, NetworkAcl

ALLOW = Entry(100, True, "allow", "-1", "0.0.0.0/0")
TOLD = {
    "region": "us-east-1",
    "subnet_id": "subnet-1",
    "network_acl": {"NetworkAclId": "acl-1", "VpcId": "vpc-1", "IsDefault": True, "Entries": [ALLOW.to_aws()]},
}


def place(*entries: Entry) -> HostLocation:
    return HostLocation("us-east-1", "subnet-1", NetworkAcl("acl-1", "vpc-1", True, entries))


class Answers:
    """The class's sandbox as a host's client of it: each answer is given, or raised, in its turn; then none comes."""

    def __init__(self, *answers: Mapping[str, Any] | LabError) -> None:
        self._answers, self.asked, self.refused = list(answers), list[int | None](), list[str]()

    def host_location(self, after: int | None, wait_seconds: float, refused: str = "") -> Mapping[str, Any]:
        self.asked.append(after)
        self.refused.append(refused)
        if not self._answers:
            raise EndOfAnswersError
        answer = self._answers.pop(0)
        if isinstance(answer, LabError):
            raise answer
        return answer


class EndOfAnswersError(Exception):
    """There is no more to be told."""


AWAY = ServiceUnreachable("No answer.", "", "")


def followed(
    kept: Path, *answers: Mapping[str, Any] | LabError
) -> tuple[LocationFollower, list[HostLocation | None], list[int | None]]:
    """What became of these answers: where the host lived each time something changed, and what was asked."""
    sandbox, places = Answers(*answers), list[HostLocation | None]()
    following = LocationFollower(sandbox, kept)  # type: ignore[arg-type]
    with pytest.raises(EndOfAnswersError):
        following.follow(lambda: places.append(following.location()))
    return following, places, sandbox.asked


def test_a_repeated_reply_changes_nothing_and_the_next_request_continues_from_the_last_reply(tmp_path: Path) -> None:
    told = {"after": 5, "location": TOLD}
    _, places, asked = followed(tmp_path / "location.json", told, told, {"after": 6, "location": None})
    assert places == [place(ALLOW), None]
    assert asked == [None, 5, 5, 6]


def test_the_last_reply_stays_in_force_through_an_outage_and_a_restart(tmp_path: Path) -> None:
    followed(tmp_path / "location.json", {"after": 5, "location": TOLD})
    following, places, asked = followed(tmp_path / "location.json", AWAY)
    assert (following.location(), places, asked) == (place(ALLOW), [], [None, None])
    assert "The last known entries filter the host." in following.trouble


@pytest.mark.parametrize(
    "wrong",
    [
        {"CidrBlock": "0.0.0.0/0; flush ruleset"},
        {"Protocol": "6", "PortRange": {"From": "1; flush ruleset", "To": 2}},
        {"Protocol": "1", "IcmpTypeCode": {"Type": "1; flush ruleset", "Code": 1}},
        {"Protocol": "6; flush ruleset"},
        {"RuleAction": "allow; flush ruleset"},
        {"RuleNumber": -1},
        {"CidrBlock": None},
        {"RuleNumber": []},
    ],
)
def test_a_reply_with_an_entry_that_aws_could_not_have_is_none_and_the_next_one_counts(
    tmp_path: Path, wrong: dict[str, Any]
) -> None:
    acl = {**TOLD["network_acl"], "Entries": [ALLOW.to_aws() | wrong]}  # type: ignore[dict-item]
    answers = {"after": 5, "location": {**TOLD, "network_acl": acl}}, {"after": 6, "location": TOLD}
    _, places, asked = followed(tmp_path / "location.json", *answers)
    assert places == [place(ALLOW)]
    assert asked == [None, None, 6]


def test_a_reply_that_cannot_be_saved_is_in_force_and_the_next_one_counts(tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    answers = {"after": 5, "location": TOLD}, {"after": 6, "location": None}
    _, places, asked = followed(tmp_path / "a file" / "location.json", *answers)
    assert places == [place(ALLOW), None]
    assert asked == [None, 5, 6]


def test_a_host_without_any_reply_yet_reports_that(tmp_path: Path) -> None:
    (tmp_path / "damaged.json").write_text("{")
    for name in ("none.json", "damaged.json"):
        following, _, _ = followed(tmp_path / name, AWAY)
        assert following.location() is None
        assert "Nothing filters the host yet." in following.trouble


def test_a_reply_that_the_range_refuses_is_answered_with_the_reason_and_not_kept(tmp_path: Path) -> None:
    sandbox = Answers({"after": 5, "location": TOLD}, {"after": 6, "location": None})
    following = LocationFollower(sandbox, tmp_path / "location.json")  # type: ignore[arg-type]

    def put_in_force() -> None:
        if following.location() is not None:
            raise LabError("The range refused it.")

    with pytest.raises(EndOfAnswersError):
        following.follow(put_in_force)
    assert list(zip(sandbox.asked, sandbox.refused, strict=True)) == [
        (None, ""),
        (5, "The range refused it."),
        (6, ""),
    ]
    assert (tmp_path / "location.json").read_text() == "null"
