"""What is meant to be copied has a button for it; what is commonly pasted is taken."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from labkit import steps
from labkit.model.detection.criteria import wanted_criteria
from labkit.steps.session import LabSession
from tests.browser.notebook_page import NotebookPage


@pytest.fixture(autouse=True)
def allowed_to_read_the_clipboard(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])


def clipboard(page: Page) -> str:
    return str(page.evaluate("navigator.clipboard.readText()"))


def copied(notebook: NotebookPage, button: Locator) -> str:
    """What the clipboard holds after a press."""
    notebook.page.evaluate("navigator.clipboard.writeText('nothing was copied')")
    notebook.press(button)
    expect(button).to_have_class(re.compile("copied"))
    return clipboard(notebook.page)


def test_ids_commands_and_wanted_values_are_copied_whole(chapter_2: NotebookPage, session: LabSession) -> None:
    session.notes.save(student="7")
    list(steps.solve(session, steps.named("network_acl_id")))
    list(steps.solve(session, steps.named("rule")))
    vpc_id, network_acl_id = session.notes.get("vpc_id"), session.notes.get("network_acl_id")
    chapter_2.run("from labkit import open_lab")

    made = chapter_2.run("lab.create_vpc(")
    assert copied(chapter_2, made.get_by_role("button", name="Copy this VpcId").first) == vpc_id
    command = made.get_by_role("button", name="Copy this command").first
    assert copied(chapter_2, command).startswith("aws ec2 describe-vpcs ")
    mine = chapter_2.run("lab.network_acls()").get_by_role("row", name=vpc_id)
    assert copied(chapter_2, mine.get_by_role("button", name="Copy this NetworkAclId")) == network_acl_id
    command = chapter_2.output("lab.network_acls()").get_by_role("button", name="Copy this command").first
    assert copied(chapter_2, command).startswith("aws ec2 describe-network-acls --query")
    command = chapter_2.run("lab.entries()").get_by_role("button", name="Copy this command").first
    assert (
        copied(chapter_2, command)
        == f"aws ec2 describe-network-acls --network-acl-ids {network_acl_id} --region us-east-1"
    )

    form = chapter_2.run("lab.set_criteria()").locator(".labkit-form")
    chapter_2.press(form.get_by_text("The expected values, to copy"))
    assert copied(chapter_2, form.get_by_role("button", name="Copy this value").nth(1)) == wanted_criteria(7).title
    assert copied(chapter_2, form.get_by_role("button", name="Copy this value").last) == wanted_criteria(7).filter


def test_both_keys_go_from_the_sandboxs_page_into_the_form_and_a_whole_profile_into_one_field(
    chapter_2: NotebookPage, session: LabSession
) -> None:
    keys = session.backend.aws.cloud_account()
    assert keys is not None
    session.notes.save(student="7")
    page, board = chapter_2.page, chapter_2.page.keyboard
    chapter_2.run("from labkit import open_lab")
    form = chapter_2.run("lab.enter_aws_keys()")
    key_id, secret = form.get_by_label("API Key (access key id)"), form.get_by_label("API Secret Key")
    use = form.get_by_role("button", name="Check and use")
    chapter_2.press(form.get_by_role("button", name=re.compile("Show .*Cloud Accounts")))
    for name, field in (("Copy the API Key", key_id), ("Copy the API Secret Key", secret)):
        button = chapter_2.cloud_account(form).get_by_role("button", name=name, exact=True)
        chapter_2.press(button)
        expect(button).to_have_text("Copied")
        field.click(delay=100)
        board.press("Control+v")
    chapter_2.press(use)
    expect(form).to_contain_text("AWS answers: account")

    profile = f"[default]\naws_access_key_id = {keys.access_key_id}\naws_secret_access_key = {keys.secret_access_key}\n"
    page.evaluate("text => navigator.clipboard.writeText(text)", profile)
    secret.click(delay=100)
    board.press("Control+v")
    chapter_2.press(use)
    expect(form).to_contain_text("The access key id and secret access key were found in what was pasted")
