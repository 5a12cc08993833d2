"""The original's commands, typed as printed into JupyterLab's terminal, do the steps; the chapter's checks see it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from labkit.steps.network import students_network_acl
from labkit.steps.session import LabSession
from tests.browser.notebook_page import NotebookPage, TerminalPage


def test_the_aws_cli_in_the_terminal_makes_the_vpc_and_finds_its_network_acl(
    chapter_2: NotebookPage, session: LabSession, screenshot: Callable[[str], Path]
) -> None:
    chapter_2.run("from labkit import open_lab")
    chapter_2.fill("lab.enter_student_number()", "Student number", "7", "Use this number")
    keys = session.backend.aws.cloud_account()
    assert keys is not None

    terminal = TerminalPage.opened_from_menu(chapter_2)
    terminal.type("aws configure")
    answers = (keys.access_key_id, keys.secret_access_key, "us-east-1", "json")
    for question, answer in zip(
        ("Access Key ID", "Secret Access Key", "region name", "output format"), answers, strict=True
    ):
        expect(terminal.rows).to_contain_text(re.compile(rf"{question} \[.*\]:"))
        terminal.type(answer)
    terminal.type("clear")
    terminal.type("aws configure list")
    expect(terminal.rows).to_contain_text(re.compile(rf"access_key.*{keys.access_key_id[-4:]}"))
    terminal.type("aws ec2 create-vpc --cidr-block 10.0.0.0/16")
    expect(terminal.rows).to_contain_text('"CidrBlock": "10.0.0.0/16"')
    screenshot("terminal-create-vpc")

    chapter_2.bring_to_front("02_create")
    expect(chapter_2.run('lab.check("aws_account")')).to_contain_text("done")
    not_yet = chapter_2.run('lab.check("vpc")')
    expect(not_yet).to_contain_text("without a tag")
    offer = chapter_2.run("lab.create_vpc(")
    screenshot("terminal-offer")
    chapter_2.press(offer.get_by_role("button", name=re.compile("^take vpc-")))
    expect(offer).to_contain_text("The VPC is yours now")
    expect(chapter_2.run('lab.check("vpc")')).to_contain_text("done")

    chapter_2.bring_to_front("Terminal")
    terminal.type("clear")
    terminal.type('aws ec2 describe-network-acls | grep NetworkAclId\\"')
    expect(terminal.rows).to_contain_text(re.compile(r"(acl-[0-9a-f]{17}.*){3}", re.DOTALL))
    screenshot("terminal-network-acls")
    chapter_2.bring_to_front("02_create")
    expect(chapter_2.run('lab.check("network_acl_id")')).to_contain_text("not yet")
    form = chapter_2.run("lab.choose_network_acl()")
    chapter_2.press(form.get_by_role("button", name=re.compile(students_network_acl(session).id)))
    expect(form).to_contain_text("The NetworkAclId is in your notes")
