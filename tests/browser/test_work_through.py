"""A student works through chapter 2 in a real JupyterLab, with the mouse and with nothing but the keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import Locator, Page, expect

from labkit.model.detection.criteria import FILTER, wanted_criteria
from labkit.services import aws
from labkit.steps.network import students_network_acl
from labkit.steps.session import LabSession
from labkit.views.forms.parts import SAME_PRESS_SECONDS
from tests.browser.notebook_page import EXECUTED, NotebookPage
from tests.browser.running_lab import RunningLab

WRONG_KEY_ID, WRONG_SECRET = "AKIACANARYTYPEDKEY77", "canary/typed+in+the+form/0123456789abcde"
Screenshot = Callable[[str], Path]


def test_a_student_goes_from_the_start_to_a_saved_rule_id(
    page: Page, lab: RunningLab, session: LabSession, screenshot: Screenshot
) -> None:
    notebook = NotebookPage(page)
    notebook.open(lab, "00_start_here.ipynb", "work-through")
    screenshot("00-start-here")
    notebook.follow("Part 2: create the environment", "02_create_environment.ipynb")
    expect(notebook.run("from labkit import open_lab")).to_contain_text("0 of 8 steps done")

    give_number(notebook)
    give_keys(notebook, screenshot)
    make_vpc(notebook)
    choose_network_acl(notebook, session, screenshot)
    follow_a_packet(notebook, screenshot)
    make_rule(notebook, screenshot)

    expect(notebook.run('lab.finish("2")')).to_contain_text("Part 2 is done: 8 of 8 steps.")
    screenshot("02-done")
    notebook.save()
    assert_canary_is_nowhere(lab)


def passed(output: Locator) -> None:
    """The check below the cell says that the step is done."""
    expect(output).to_contain_text("✓")
    expect(output).to_contain_text("done")


def give_number(notebook: NotebookPage) -> None:
    form = notebook.run("lab.enter_student_number()")
    form.get_by_label("Student number").fill("1000")
    notebook.press(form.get_by_role("button", name="Use this number"))
    expect(form.get_by_role("alert").last).to_contain_text("from 1 to 999")
    form.get_by_label("Student number").fill("7")
    notebook.press(form.get_by_role("button", name="Use this number"))
    expect(form).to_contain_text("You are student 7.")
    passed(notebook.run('lab.check("student_number")'))


def give_keys(notebook: NotebookPage, screenshot: Screenshot) -> None:
    form = notebook.run("lab.enter_aws_keys()")
    key_id, secret = form.get_by_label("API Key (access key id)"), form.get_by_label("API Secret Key")
    use = form.get_by_role("button", name="Check and use")
    key_id.fill(WRONG_KEY_ID)
    secret.fill(WRONG_SECRET)
    notebook.press(use)
    expect(form.get_by_role("alert")).to_contain_text("key")
    expect(secret).to_have_value("")
    screenshot("02-wrong-keys")
    notebook.press(form.get_by_role("button", name=re.compile("Show .*Cloud Accounts")))
    cloud_account = notebook.cloud_account(form)
    copied = [cloud_account.locator(name).inner_text() for name in ("#api-key", "#api-secret-key")]
    screenshot("02-cloud-account")
    key_id.fill(copied[0])
    secret.fill(copied[1])
    notebook.press(use)
    expect(form).to_contain_text("AWS answers: account 123456789012")
    checked = notebook.run('lab.check("aws_account")')
    passed(checked)
    expect(checked).to_contain_text("user/student")


def make_vpc(notebook: NotebookPage) -> None:
    expect(notebook.run("lab.vpcs()").get_by_role("row", name="Student1012")).to_contain_text("10.0.0.0/16")
    expect(notebook.run("lab.create_vpc(")).to_contain_text("Your VPC was created")
    expect(notebook.run("lab.create_vpc(")).to_contain_text("no second one was created")
    passed(notebook.run('lab.check("vpc")'))


def choose_network_acl(notebook: NotebookPage, session: LabSession, screenshot: Screenshot) -> None:
    table = notebook.run("lab.network_acls()")
    expect(table.get_by_role("row")).to_have_count(4)
    form = notebook.run("lab.choose_network_acl()")

    def choose(student: int) -> None:
        notebook.press(form.get_by_role("button", name=network_acl_id(table, session, student)))

    choose(1012)
    expect(form.get_by_role("alert")).to_contain_text("is not the network ACL of your VPC")
    screenshot("02-another-students-network-acl")
    choose(7)
    expect(form).to_contain_text("The NetworkAclId is in your notes.")
    passed(notebook.run('lab.check("network_acl_id")'))


def network_acl_id(table: Locator, session: LabSession, student: int) -> str:
    """Read from the table of network ACLs, beside the id of this student's VPC."""
    (vpc,) = aws.find_student_vpcs(session.aws.ec2, student)
    return table.get_by_role("row", name=vpc.id).get_by_role("rowheader").first.inner_text()


def follow_a_packet(notebook: NotebookPage, screenshot: Screenshot) -> None:
    entries = notebook.run("lab.entries()")
    expect(entries.get_by_role("table")).to_have_count(3)
    expect(entries.get_by_role("row", name="100").first).to_contain_text("✓ allow")
    expect(entries).to_contain_text("2 of 20 used")
    expect(entries).to_contain_text("Allowed: 100 allows all")
    notebook.press(entries.get_by_role("button", name="Dropped"))
    expect(entries).to_contain_text("You guessed “Dropped”")
    screenshot("02-guess")
    answered = notebook.run("lab.what_if(rule_number=150")
    expect(answered).to_contain_text("never reached")
    expect(answered).to_contain_text("You guessed “Dropped”. It was “Allowed”")
    screenshot("02-guess-answered")
    expect(answered).to_contain_text("Denied: 50 denies")


def make_rule(notebook: NotebookPage, screenshot: Screenshot) -> None:
    expect(notebook.run("lab.rules()")).to_contain_text("Self Protect: Network")
    expect(notebook.run("lab.clone_rule(")).to_contain_text("not enabled")
    passed(notebook.run('lab.check("rule")'))
    form = notebook.run("lab.set_criteria()")
    wanted = wanted_criteria(7)
    form.get_by_label("Alert Title").fill(wanted.title)
    form.get_by_label("Rule Filter").fill(FILTER.replace('"', "“", 1).replace('"', "”", 1))
    form.get_by_label("Alert Title").click()
    expect(form).to_contain_text("Read with straight quotes")
    screenshot("02-criteria-form")
    notebook.press(form.get_by_role("button", name="Save the rule"))
    expect(form).to_contain_text("5 of 5")
    checked = notebook.run('lab.check("rule_criteria")')
    passed(checked)
    expect(checked).to_contain_text("5 of 5 correct")
    explained = notebook.run("lab.explain()")
    expect(explained).to_contain_text("✓ The filter matches")
    expect(explained).to_contain_text("no alert")
    screenshot("02-explain")
    switch_on(notebook, screenshot)
    passed(notebook.run('lab.check("rule_enabled")'))
    expect(notebook.run("lab.retrieve_rule_id()")).to_contain_text("RuleID")
    passed(notebook.run('lab.check("rule_id")'))


def switch_on(notebook: NotebookPage, screenshot: Screenshot) -> None:
    """In the table of rules; a press is slow, a second one changes nothing, and the table stays where it is."""
    table = notebook.run("lab.enable_rule()")
    yours = table.get_by_role("row").last
    expect(yours).to_contain_text("○ not enabled")
    enable = table.get_by_role("button", name="Enable")
    place = enable.bounding_box()
    for _ in range(2):
        notebook.press(enable, milliseconds=400)
        expect(table.get_by_role("status")).to_contain_text("Your rule is enabled.")
        expect(yours).to_contain_text("✓ enabled")
        assert enable.bounding_box() == place
        notebook.page.wait_for_timeout(SAME_PRESS_SECONDS * 1000)
    screenshot("02-switch")


def assert_canary_is_nowhere(lab: RunningLab) -> None:
    """Not in any file that the lab or JupyterLab made, checkpoints and widget state included, nor in a process list."""
    files = [path for path in lab.top.rglob("*") if path.is_file()]
    saved = [path for path in files if path.suffix == ".ipynb"]
    assert any(path.parent.name == ".ipynb_checkpoints" for path in saved)
    assert any(b"application/vnd.jupyter.widget-state+json" in path.read_bytes() for path in saved)
    commands = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    for canary in (WRONG_KEY_ID, WRONG_SECRET):
        assert [str(path) for path in files if canary.encode() in path.read_bytes()] == []
        assert not [command for command in commands if canary in command]


@pytest.mark.parametrize(("width", "scheme"), [(1366, "light"), (1024, "dark")])
def test_the_keyboard_alone_is_enough_from_the_first_cell_to_the_last(
    chapter_2: NotebookPage, session: LabSession, screenshot: Screenshot, width: int, scheme: Any
) -> None:
    chapter_2.page.set_viewport_size({"width": width, "height": 768})
    chapter_2.page.emulate_media(color_scheme=scheme)
    keys, by_keyboard = session.backend.aws.cloud_account(), Keyboard(chapter_2)
    assert keys is not None

    form = by_keyboard.run_through("lab.enter_student_number()")
    by_keyboard.fill(form, "Student number", "7")
    by_keyboard.press_button(form, "Use this number")
    expect(form).to_contain_text("You are student 7.")

    form = by_keyboard.run_through("lab.enter_aws_keys()")
    by_keyboard.fill(form, "API Key (access key id)", keys.access_key_id)
    by_keyboard.fill(form, "API Secret Key (secret access key)", keys.secret_access_key)
    by_keyboard.press_button(form, "Check and use")
    expect(form).to_contain_text("AWS answers: account")

    form = by_keyboard.run_through("lab.choose_network_acl()")
    by_keyboard.press_button(form, f"{students_network_acl(session).id} of ")
    expect(form).to_contain_text("The NetworkAclId is in your notes.")
    screenshot(f"02-keyboard-{scheme}")

    form = by_keyboard.run_through("lab.set_criteria()")
    by_keyboard.fill(form, "Alert Title", wanted_criteria(7).title)
    by_keyboard.press_button(form, "Save the rule")
    expect(form).to_contain_text("5 of 5 correct")

    form = by_keyboard.run_through("lab.enable_rule()")
    by_keyboard.press_button(form, "Enable")
    expect(form).to_contain_text("Your rule is enabled.")

    passed(by_keyboard.run_through('lab.check("rule_id")'))
    expect(by_keyboard.run_through('lab.finish("2")')).to_contain_text("Part 2 is done: 8 of 8 steps.")
    screenshot(f"02-keyboard-end-{scheme}")


class Keyboard:
    """Shift+Enter, Tab, Shift+Tab, arrows, Space and letters; no mouse."""

    def __init__(self, notebook: NotebookPage) -> None:
        self.notebook, self.board = notebook, notebook.page.keyboard

    def run_through(self, source: str) -> Locator:
        """Run the cells from the one where the focus is through this one, and wait for its output."""
        if self._in_form():  # back to the form's own cell, and on to the next one
            self.notebook.press_until("Shift+Tab", lambda: "Cell Content" in self.notebook.focused(), most=20)
            self.board.press("ArrowDown")
        last = self.notebook.place(self.notebook.cell(source))
        for place in range(self.notebook.place(self.notebook.active_cell()), last + 1):
            cell = self.notebook.cell_at(place)
            self.board.press("Shift+Enter")
            if "jp-CodeCell" in (cell.get_attribute("class") or ""):
                expect(cell.locator(".jp-InputArea-prompt")).to_have_text(EXECUTED)
        return self.notebook.output(source)

    def fill(self, form: Locator, label: str, value: str) -> None:
        """Go to a field, from below or from the field before it, and replace what it holds."""
        field = form.get_by_label(label, exact=True)
        expect(field).to_be_visible()
        self._go_to(field)
        self.board.press("Control+a")
        self.board.type(value)

    def press_button(self, form: Locator, name: str) -> None:
        self._go_to(form.get_by_role("button", name=name))
        self.board.press("Space")

    def _go_to(self, target: Locator) -> None:
        """Tab on inside a form, Shift+Tab back into it from below."""
        key = "Tab" if self._in_form() else "Shift+Tab"
        self.notebook.press_until(key, lambda: bool(target.evaluate("one => one === document.activeElement")), most=20)

    def _in_form(self) -> bool:
        return bool(self.notebook.page.evaluate("document.activeElement.closest('.labkit-form') !== null"))
