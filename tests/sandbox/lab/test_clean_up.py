"""Cleaning up asks, removes, looks before it forgets, and says only what it has looked at."""

from __future__ import annotations

import pytest

from labkit import steps
from labkit.classroom.as_student import open_as_student
from labkit.lab.lab import Lab, open_lab
from labkit.model.errors import LabError
from labkit.services import aws
from labkit.steps import clean_up
from labkit.steps.network import students_vpc
from labkit.views.forms.clean_up import REMOVE
from labkit.views.forms.parts import Form
from labkit.views.panels.clean_up import CleanUpView
from tests.sandbox.lab.fixtures import account, vpc_ids


@pytest.fixture
def done(lab: Lab) -> Lab:
    """Everything is done."""
    assert all(result.passed for _, result in steps.solve(lab._session, steps.STEPS))
    return lab


def pressed(form: Form) -> CleanUpView:
    """What the form shows after its button was pressed."""
    assert isinstance(form, Form)
    form.buttons[REMOVE].click()
    assert isinstance(form.shown, CleanUpView), form.message.value
    return form.shown


def vpc_without_a_tag(region: str = "us-east-1") -> str:
    ec2 = account().client("ec2", region)
    return str(ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"])


def test_nothing_is_removed_before_the_button_is_pressed(done: Lab) -> None:
    before, session = vpc_ids(), done._session
    form = done.clean_up()
    words = repr(form)
    assert "Nothing has been removed yet" in words and students_vpc(session).id in words
    assert "entry 1 (deny " in words and vpc_ids() == before
    view = pressed(form)
    assert view.title == "Nothing of yours is left."
    assert not session.notes.get("student") and session.keys is None
    assert ("VPC in us-east-1", "none with the tag labkit:student=1") in view.looked


def test_unattended_it_does_not_ask(done: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_STUDENT", "1")
    lab = open_lab()
    assert lab.clean_up().title == "Nothing of yours is left."
    again = lab.clean_up()
    assert again.title == "Nothing of yours is left." and not again.still_there


def test_a_second_run_looks_and_says_that_nothing_is_left(done: Lab) -> None:
    pressed(done.clean_up())
    for lab in (done, open_lab()):
        again = lab.clean_up()
        assert isinstance(again, CleanUpView) and again.title == "Nothing of yours is left." and not again.removed
        assert any(place.startswith("Deny entries") and "none" in words for place, words in again.looked)


def test_after_cleaning_up_the_last_checks_look_again_and_name_what_came_back(done: Lab) -> None:
    pressed(done.clean_up())
    assert "found none" in str(done.check("vpc").result) and not done.check("vpc").result.passed
    assert "Nothing of yours is left." in done.finish("5").text()
    list(steps.solve(open_as_student("1"), steps.named("vpc")))
    result = done.check("vpc").result
    assert result.outcome.value == "not right" and "vpc-" in result.found
    for lab in (done, open_lab()):
        with pytest.raises(LabError, match="Still there: VPC in us-east-1: vpc-"):
            lab.finish("5")
    assert pressed(done.clean_up()).title == "Nothing of yours is left."
    assert "Nothing of yours is left." in done.finish("5").text()


def test_deny_entries_that_stay_in_a_vpc_without_a_tag_are_found_by_the_last_cell(done: Lab) -> None:
    vpc, ec2 = students_vpc(done._session), account().ec2
    ec2.delete_tags(Resources=[vpc.id])
    pressed(done.clean_up())
    with pytest.raises(LabError, match=r"Still there: Deny entries in us-east-1: entry 1 \(deny "):
        done.finish("5")
    form = done.clean_up()
    form.fields[vpc.id].value = True
    assert pressed(form).title == "Nothing of yours is left." and vpc.id not in vpc_ids()


def test_a_vpc_without_a_tag_is_asked_about_and_deleted_only_on_a_yes(lab: Lab) -> None:
    list(steps.solve(lab._session, steps.named("aws_account")))
    other = vpc_without_a_tag()
    form = lab.clean_up()
    assert other in form.fields[other].description and not form.fields[other].value
    view = pressed(form)
    assert other in vpc_ids() and other in view.untagged and view.title != "Nothing of yours is left."
    assert not [thing for thing in view.left_alone if other in thing]
    assert other in lab.finish("5").text()
    form = lab.clean_up()
    form.fields[other].value = True
    assert pressed(form).title == "Nothing of yours is left." and other not in vpc_ids()


def test_with_a_vpc_taken_on_a_yes_the_entries_and_the_host_of_the_other_are_still_removed_and_said(done: Lab) -> None:
    other = vpc_without_a_tag()
    form = done.clean_up()
    form.fields[other].value = True
    words = pressed(form).text()
    assert "Deleted: entry 1 (" in words and "Deleted: subnet subnet-" in words and f"Deleted: VPC {other}" in words


def test_of_two_vpcs_with_the_students_tag_both_are_undone(done: Lab) -> None:
    session = done._session
    for _ in range(2):  # one of them may come first, by its random id
        aws.create_vpc(session.aws.ec2, session.student)
    words = done.reset("host_subnet").text()
    assert "Deleted: entry 1 (" in words and "Deleted: subnet subnet-" in words


def test_what_cannot_be_looked_at_is_a_question_mark(done: Lab) -> None:
    pressed(done.clean_up())
    done._last_keys = None
    with pytest.MonkeyPatch.context() as without:  # until the lab is reset
        without.setattr(type(done._session.backend.aws), "cloud_account", lambda self: None)
        view = done.clean_up()
        assert view.symbol == "?" and "VPC in us-east-1" in view.unseen and "? There are no AWS keys" in view.text()
        with pytest.raises(LabError, match="could not look everywhere"):
            done.finish("5")


def test_a_vpc_in_a_region_that_was_in_use_before_is_neither_forgotten_nor_overlooked(done: Lab) -> None:
    session = done._session
    mine = students_vpc(session)
    session.notes.save(region="eu-west-1")
    done.reset("vpc")
    assert session.notes.get("vpc_region") == "us-east-1" and mine.id in vpc_ids()
    assert "found in us-east-1" in done.check("vpc").result.found
    made = aws.create_vpc(session.aws.ec2, session.student)
    view = pressed(done.clean_up())
    assert view.symbol == "✕" and session.notes.get("student")
    with pytest.raises(LabError, match=f"Still there: VPC in us-east-1: {mine.id}"):
        done.finish("5")
    assert made.id not in {vpc.id for vpc in aws.describe_vpcs(session.aws.ec2)}
    session.notes.save(region="us-east-1")
    assert pressed(done.clean_up()).title == "Nothing of yours is left." and mine.id not in vpc_ids()


def test_a_vpc_without_a_tag_in_a_region_that_was_in_use_before_is_reported(lab: Lab) -> None:
    list(steps.solve(lab._session, steps.named("aws_account")))
    other = vpc_without_a_tag()
    lab._session.notes.save(region="eu-west-1", vpc_region="us-east-1")
    told = clean_up.what_is_left(lab._session).untagged
    assert "Without a tag in us-east-1" in told and other in told and "lab.enter_aws_keys(region='us-east-1')" in told


def test_a_vpc_made_in_a_second_region_leaves_the_first_in_the_notes(lab: Lab) -> None:
    list(steps.solve(lab._session, steps.named("vpc")))
    lab._session.notes.save(region="eu-west-1")
    lab.create_vpc()
    lab.reset("vpc")
    assert "found in us-east-1" in lab.check("vpc").result.found
    lab._session.notes.save(region="us-east-1")
    lab.reset("vpc")
    assert lab._session.notes.get("vpc_region") == ""


def test_afterwards_no_step_counts_as_done(done: Lab) -> None:
    assert done.status().progress.done == len(steps.STEPS)
    pressed(done.clean_up())
    assert done.status().progress.done == 0
    assert not {"open_step", "started_1", "started_2", "started_3"} & done._session.notes.all().keys()
