"""The recordings of chapter 2: what a person does in the lab, and what comes of it."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import FloatRect, Locator, Page, expect

from labkit import steps
from labkit.model.detection.criteria import wanted_criteria
from labkit.steps.network import students_network_acl
from labkit.steps.session import LabSession
from tests.browser.images.recording import Recording
from tests.browser.notebook_page import NotebookPage, TerminalPage
from tests.browser.running_lab import RunningLab

CHAPTER = "02_create_environment.ipynb"
PROMPT = r"^\$\s*$"
SIZE = {"width": 1000, "height": 640}


def opened(page: Page, lab: RunningLab, session: LabSession, name: str, done: str) -> tuple[NotebookPage, Recording]:
    """Chapter 2 with the lab open and this step and all before it done; and a recording of its tabs."""
    before = steps.STEPS[: steps.STEPS.index(steps.BY_KEY[done]) + 1]
    list(steps.solve(session, before))
    lab.start_afresh()
    notebook = NotebookPage(page)
    notebook.open(lab, CHAPTER, name)
    page.keyboard.press("Control+b")  # the file browser is not needed
    notebook.run("from labkit import open_lab")
    box = page.locator("#jp-main-dock-panel").bounding_box()
    assert box is not None
    return notebook, Recording(page, FloatRect(**box))


def run(notebook: NotebookPage, source: str) -> Locator:
    """Run a cell that is at the top of the window then."""
    output = notebook.run(source)
    notebook.cell(source).evaluate("cell => cell.scrollIntoView()")
    return output


def answered(form: Locator, words: str) -> None:
    """Wait for the form's answer, and scroll to it."""
    answer = form.locator(".labkit-answer")
    expect(answer).to_contain_text(words)
    answer.scroll_into_view_if_needed()


def enter_keys(notebook: NotebookPage, recording: Recording, session: LabSession) -> None:
    """In the form, then in the terminal."""
    keys = session.backend.aws.cloud_account()
    assert keys is not None
    form = run(notebook, "lab.enter_aws_keys()")
    recording.frame(1.5)
    for label, key in (("API Key (access key id)", keys.access_key_id), ("API Secret Key", keys.secret_access_key)):
        form.get_by_label(label).click()
        form.get_by_label(label).fill(key)
        recording.frame(0.8)
        form.get_by_label(label).press("Tab")
        expect(form.get_by_placeholder(f"{len(key)} characters")).to_be_visible()
        recording.frame(0.8)
    recording.press(form.get_by_role("button", name="Check and use"))
    answered(form, "AWS answers: account")
    recording.frame(3)
    list(steps.reset(session, steps.named("aws_account")))  # so that `aws configure` has something to ask

    terminal = RecordedTerminal.opened_from_menu(notebook)
    terminal.type("aws configure")
    for question, answer in (
        ("Access Key ID", keys.access_key_id),
        ("Secret Access Key", keys.secret_access_key),
        ("region name", session.region),
        ("output format", "json"),
    ):
        line = terminal.line(rf"{question} \[.*\]:")
        recording.frame(0.8)
        if "Key" in question:
            left, top, wide, high = terminal.place(line, "]:")
            left += wide  # the blank, which the line leaves out
            recording.covered.append(((left, top, left + len(answer) * wide, top + high), len(answer)))
        terminal.type(answer)
    terminal.line(PROMPT)
    terminal.type("aws sts get-caller-identity")
    terminal.line('"Arn"')
    terminal.line(PROMPT)
    recording.frame(4)


class RecordedTerminal(TerminalPage):
    """A cleared terminal that knows where its characters are drawn."""

    def __init__(self, notebook: NotebookPage) -> None:
        super().__init__(notebook)
        self.type("stty size")
        self.columns = int(self.line(r"^\d+ \d+\s*$").inner_text().split()[1])
        self.type("clear")
        self.line(PROMPT)
        expect(self.rows).not_to_contain_text("stty")

    def line(self, words: str) -> Locator:
        """The last line that matches, once there is one."""
        found = self.rows.locator("> div").filter(has_text=re.compile(words)).last
        expect(found).to_be_attached()
        return found

    def place(self, line: Locator, after: str) -> tuple[float, float, float, float]:
        """Where what follows these words in a line is drawn: left and top, and a character's width and height."""
        screen = self.page.locator(".jp-Terminal .xterm-screen").bounding_box()
        assert screen is not None
        lines = self.rows.locator("> div").count()
        number = line.evaluate("line => [...line.parentElement.children].indexOf(line)")
        wide, high = screen["width"] / self.columns, screen["height"] / lines
        return (
            screen["x"] + (line.inner_text().index(after) + len(after)) * wide,
            screen["y"] + number * high,
            wide,
            high,
        )


def find_network_acl(notebook: NotebookPage, recording: Recording, session: LabSession) -> None:
    """In the JSON of the AWS CLI: first one's VpcId, then the NetworkAclId beside it."""
    acl = students_network_acl(session)
    terminal = RecordedTerminal.opened_from_menu(notebook)
    recording.frame(0.5)
    recording.page.keyboard.type("aws ec2 describe-network-acls")
    recording.frame(1)
    recording.page.keyboard.press("Enter")
    for key, value in (("VpcId", acl.vpc_id), ("NetworkAclId", acl.id)):
        line = terminal.line(f'"{key}": "{value}"')
        left, top, wide, high = terminal.place(line, f'"{key}": "')
        recording.press_at(left + 6 * wide, top + high / 2, times=2)
        recording.frame(2)
    recording.frame(2)


def fill_in_rule(notebook: NotebookPage, recording: Recording, session: LabSession) -> None:
    """The one criterion that a clone has wrong is copied and pasted; the answer says how each compares."""
    form = run(notebook, "lab.set_criteria()").locator(".labkit-form")
    recording.frame(2)
    recording.press(form.get_by_text("The expected values, to copy"))
    title = form.locator("dd").filter(has_text=wanted_criteria(session.student).title)
    recording.press(title.get_by_role("button"))
    recording.frame(1)
    recording.press(form.get_by_label("Alert Title"))
    for keys in ("Control+a", "Control+v"):
        recording.page.keyboard.press(keys)
        recording.frame(0.8)
    recording.press(form.get_by_role("button", name="Save the rule"))
    answered(form, "5 of 5")
    recording.frame(4)


def switch_rule_on(notebook: NotebookPage, recording: Recording, session: LabSession) -> None:
    form = notebook.run("lab.enable_rule()")
    enable = form.get_by_role("button", name="Enable")
    enable.scroll_into_view_if_needed()
    recording.frame(2)
    recording.press(enable)
    answered(form, "Your rule is enabled.")
    recording.frame(3)


def copy_rule_id(notebook: NotebookPage, recording: Recording, session: LabSession) -> None:
    form = run(notebook, "lab.retrieve_rule_id()")
    recording.frame(1.5)
    recording.press(form.get_by_role("button", name=re.compile("Copy")).first)
    recording.frame(2)


RECORDINGS: dict[str, tuple[str, Callable[[NotebookPage, Recording, LabSession], None]]] = {
    "enter-keys": ("student_number", enter_keys),
    "find-network-acl": ("vpc", find_network_acl),
    "fill-in-rule": ("rule", fill_in_rule),
    "switch-rule-on": ("rule_criteria", switch_rule_on),
    "copy-rule-id": ("rule_enabled", copy_rule_id),
}
"""Each recording by its file's name, with the last step that is done before it."""
