"""A class behind a real hub: five students at once, each in a server of their own, against one shared sandbox."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from pathlib import Path

import psutil
import pytest
import requests

from tests.hub.at_the_hub import AtTheHub, Refused, RemoteKernel
from tests.hub.conftest import MADE_UP
from tests.hub.running_hub import RunningHub
from tests.wait import PATIENCE_SECONDS, until

pytestmark = pytest.mark.hub

VPCS = """
import json
from labkit.services import aws
ec2 = lab._session.aws.ec2
print(json.dumps([vpc.id for vpc in aws.find_student_vpcs(ec2, lab._session.student)]))
"""


def printed(kernel: RemoteKernel, source: str) -> str:
    output = kernel.run(source)
    assert output.error == "", output.text
    return output.text


def test_five_students_at_once_have_each_a_vpc_of_their_own_on_one_sandbox(kernels: list[RemoteKernel]) -> None:
    found = [json.loads(printed(kernel, VPCS)) for kernel in kernels]
    assert [len(mine) for mine in found] == [1] * 5
    assert len({vpc for mine in found for vpc in mine}) == 5


def test_each_student_has_an_account_and_finds_nothing_of_another_in_it(kernels: list[RemoteKernel]) -> None:
    asking = "!aws ec2 describe-vpcs --vpc-ids {}"
    own = [json.loads(printed(kernel, VPCS))[0] for kernel in kernels]
    accounts = [printed(kernel, "!aws sts get-caller-identity --query Account --output text") for kernel in kernels]
    assert accounts == [f"{number:012d}" for number in range(1, 6)]
    assert own[0] in printed(kernels[0], asking.format(own[0]))
    assert "InvalidVpcID.NotFound" in printed(kernels[0], asking.format(own[1]))


def test_a_student_changes_no_rule_of_another_in_the_shared_detection_service(kernels: list[RemoteKernel]) -> None:
    first = printed(kernels[0], "print(lab._session.notes.get('rule_id'))")
    found = f"""
from labkit.steps.rule import all_rules
rule = next(one for one in all_rules(lab._session.detection) if one.id == {first!r})
print(rule.name)
"""
    assert "Student1:" in printed(kernels[1], found)
    refused = kernels[1].run("lab._session.detection.delete_rule(rule.ruleset_id, rule.id)")
    assert refused.error == "ServiceError" and "is not one of student 2" in refused.text
    assert "Student1:" in printed(kernels[1], found)


def test_every_step_of_part_2_is_checked_true_in_each_students_own_server(kernels: list[RemoteKernel]) -> None:
    for kernel in kernels:
        assert printed(kernel, 'print(all(step.passed for step in lab.chapter("2").results))') == "True"


def test_each_students_host_is_in_their_own_server_and_only_their_entries_filter_it(
    kernels: list[RemoteKernel],
) -> None:
    first, second = kernels[:2]
    assert "12 of 12 steps done" in first.run("lab.solve()").text
    curl = "lab.run('curl -sS --connect-timeout 1 dadismad.com').code"
    assert printed(first, f"print({curl})").split()[-1] == "28"
    assert printed(second, f"lab.place_host(); print({curl})").split()[-1] == "0"
    folders = {printed(one, "print(lab._session.backend.aws.host.status().folder)") for one in (first, second)}
    assert len(folders) == 2
    assert first.run("lab.reset('3')").error == ""


def test_a_students_number_comes_from_the_user_name_and_forms_remain(kernels: list[RemoteKernel]) -> None:
    for number, kernel in enumerate(kernels, 1):
        assert printed(kernel, "print(lab._session.student, lab._unattended)") == f"{number} False"


def test_the_keys_are_in_a_private_file_of_the_lab_and_not_in_the_kernels_environment(
    hub: RunningHub, kernels: list[RemoteKernel]
) -> None:
    assert printed(kernels[0], "import os; print('AWS_SECRET_ACCESS_KEY' in os.environ)") == "False"
    mode = "import os; print(oct(os.stat(lab._session.backend.home / 'class.json').st_mode & 0o777))"
    assert printed(kernels[0], mode) == "0o600"


def test_the_server_opens_the_first_chapter(students: list[AtTheHub]) -> None:
    page = students[0].session.get(f"{students[0].url}/", timeout=PATIENCE_SECONDS)
    assert page.url.endswith("/lab/tree/notebooks/00_start_here.ipynb")
    names = {one["name"] for one in students[0].call("GET", "contents/notebooks")["content"]}
    assert {"00_start_here.ipynb", "02_create_environment.ipynb"} <= names


def test_jupyterlab_has_the_settings_that_labkit_lab_gives(students: list[AtTheHub]) -> None:
    settings = f"{students[0].url}/lab/api/settings/@jupyterlab/apputils-extension:themes"
    page = students[0].session.get(settings, timeout=PATIENCE_SECONDS).json()
    assert page["schema"]["properties"]["adaptive-theme"]["default"] is True


def test_the_plain_aws_cli_reaches_the_class_from_a_terminal(kernels: list[RemoteKernel]) -> None:
    mine = json.loads(printed(kernels[0], VPCS))
    query = "aws ec2 describe-vpcs --filters Name=tag:labkit:student,Values=1 --query Vpcs[].VpcId --output json"
    assert json.loads(printed(kernels[0], f"!cd ~ && bash -c '{query}'")) == mine


def test_a_students_chosen_password_opens_only_that_students_server(hub: RunningHub, students: list[AtTheHub]) -> None:
    assert not AtTheHub(hub.url, "student1").log_in(MADE_UP.format(2))
    assert AtTheHub(hub.url, "student1").log_in(MADE_UP.format(1))
    assert students[1].session.get(f"{students[0].url}/api/contents", timeout=PATIENCE_SECONDS).status_code == 403


def test_a_user_who_is_not_on_the_list_is_refused(hub: RunningHub) -> None:
    stranger = AtTheHub(hub.url, "another7")
    assert not stranger.log_in("made-up-by-a-stranger")
    with pytest.raises(Refused):
        stranger.open_server()


def test_the_login_page_says_which_names_there_are(hub: RunningHub, ordinary_hub: RunningHub) -> None:
    pages = [requests.get(f"{one.url}/hub/login", timeout=PATIENCE_SECONDS).text for one in (hub, ordinary_hub)]
    words = [" ".join(re.sub(r"<[^>]+>", "", page).split()) for page in pages]
    assert "The user names of this class: student1 to student5. Username:" in words[0]
    assert "The user names of this class: student1 to student2, instructor. Username:" in words[1]


def test_a_server_that_nobody_uses_is_stopped(impatient_hub: RunningHub) -> None:
    student = AtTheHub(impatient_hub.url, "student1")
    assert student.log_in(MADE_UP.format(1))
    student.session.get(f"{impatient_hub.url}/hub/spawn", timeout=PATIENCE_SECONDS)
    until(lambda: "Culling server student1" in impatient_hub.log)
    until(lambda: "DELETE /hub/api/users/student1/server" in impatient_hub.log)
    assert not student.is_ready()


READABLE = """
from pathlib import Path
def readable(path):
    try:
        return bool(Path(path).read_bytes())
    except PermissionError:
        return False
"""


def test_under_a_hub_run_by_root_no_student_sees_files_or_keys_of_another(
    hub: RunningHub, kernels: list[RemoteKernel]
) -> None:
    server = printed(kernels[1], "import os; print(os.getppid())")
    chapter = hub.folder / "students" / "student2" / "notebooks" / "00_start_here.ipynb"
    paths = [
        f"/proc/{server}/environ",
        chapter,
        hub.variables["LABKIT_CLASS_KEYS"],
        hub.folder / "hub/jupyterhub.sqlite",
    ]
    kernels[0].run(READABLE)
    seen = [printed(kernels[0], f"print(readable({str(path)!r}))") for path in paths]
    assert seen == [str(os.geteuid() != 0)] * 4


def test_no_key_is_in_an_argument_a_log_or_the_hubs_database(hub: RunningHub, kernels: list[RemoteKernel]) -> None:
    lines = Path(hub.variables["LABKIT_CLASS_KEYS"]).read_text().splitlines()
    secrets = {line.partition("=")[2] for line in lines if line.startswith(("AWS_SECRET_ACCESS_KEY=", "TS_API_KEY="))}
    database = "\n".join(sqlite3.connect(hub.folder / "hub" / "jupyterhub.sqlite").iterdump())
    started = psutil.Process(hub.process.pid).children(recursive=True)
    arguments = "\n".join(" ".join(one.cmdline()) for one in started)
    assert secrets and len(started) >= 11  # the proxy, five servers, five kernels
    assert [where for where in (database, arguments, hub.log) if any(secret in where for secret in secrets)] == []


def test_an_ordinary_user_may_run_a_hub_and_is_warned_about_what_it_cannot_separate(
    ordinary_hub: RunningHub,
) -> None:
    assert "All students' servers run as you" in ordinary_hub.log
    student = AtTheHub(ordinary_hub.url, "student2")
    assert student.log_in(MADE_UP.format(2))
    student.open_server()
    kernel = student.start_kernel()
    assert printed(kernel, "import os; print(os.getuid())") == str(owner(ordinary_hub))
    kernel.close()


def test_an_administrator_has_a_sandbox_that_ends_with_the_server(ordinary_hub: RunningHub) -> None:
    instructor = AtTheHub(ordinary_hub.url, "instructor")
    assert instructor.log_in("made-up-by-the-instructor")
    instructor.open_server()
    kernel = instructor.start_kernel()
    label = printed(kernel, "from labkit import open_lab; print(open_lab()._session.backend.aws.label)")
    assert label.endswith("sandbox on this machine")
    kernel.close()


def owner(hub: RunningHub) -> int:
    return hub.user.pw_uid if hub.user else os.getuid()
