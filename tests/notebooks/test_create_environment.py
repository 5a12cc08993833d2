"""Chapter 2, executed: unattended, restarted, out of order, and with the sandbox killed under it."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from labkit import steps
from labkit.model.guess import GUESSES
from labkit.model.student import rule_name, vpc_name
from labkit.services import aws, sandbox_process
from labkit.steps.rule import all_rules
from labkit.steps.session import LabSession
from tests.notebooks.chapters import CHAPTER_2, FOLDER, PATHS, Cell, code_cells
from tests.notebooks.kernel import STUDENT, Kernels, one_kernel
from tests.notebooks.solved import solved_cells
from tests.wait import until

CELLS = code_cells(CHAPTER_2)
OPENING = CELLS[0]
STEPS = [step for step in steps.STEPS if step.chapter == "2"]


@pytest.fixture
def kernels(unattended: Mapping[str, str]) -> Iterator[Kernels]:
    running = Kernels(FOLDER, unattended)
    yield running
    running.close()


def section(heading: str) -> list[Cell]:
    """The code cells under a heading but the check, and the guess, which needs nothing."""
    here = [cell for cell in CELLS if cell.heading == heading and not cell.is_check]
    return [cell for cell in here if not cell.source.startswith("lab.guess(")]


def seen(session: LabSession) -> dict[str, Any]:
    """Everything that a step could have left anywhere, asked with the sandbox's own keys."""
    keys = session.backend.aws.cloud_account()
    assert keys is not None
    account = session.account(keys, session.region)
    notes = session.notes.all()
    notes.pop("open_step", None)  # where to go on is noted by looking alone
    files = [session.backend.aws.config_file, session.backend.aws.credentials_file]
    return {
        "vpcs": aws.describe_vpcs(account.ec2),
        "network ACLs": aws.describe_network_acls(account.ec2),
        "rules": [rule.raw for rule in all_rules(session.detection)],
        "notes": notes,
        "files": [path.read_text(encoding="utf-8") if path.exists() else None for path in files],
    }


def ids(session: LabSession) -> list[str]:
    """The ids of everything that chapter 2 leaves behind."""
    now = seen(session)
    mine = next(vpc for vpc in now["vpcs"] if vpc.name == vpc_name(int(STUDENT)))
    gate = next(network_acl for network_acl in now["network ACLs"] if network_acl.vpc_id == mine.id)
    (rule,) = [rule for rule in now["rules"] if rule["name"] == rule_name(int(STUDENT))]
    return [mine.id, gate.id, rule["id"]]


def test_chapter_2_runs_unattended_twice_in_a_row_and_the_second_time_makes_nothing(
    session: LabSession, kernels: Kernels
) -> None:
    left_behind = []
    for _ in range(2):
        kernel = kernels.fresh()
        for cell in CELLS:
            output = kernel.run(cell.source)
            assert output.error == "", f"{cell.id}: {output.text}"
            assert not output.has_widget, f"{cell.id} shows a form although every value is given"
        left_behind.append(ids(session))
    assert left_behind[0] == left_behind[1]
    assert session.notes.get("network_acl_id") == left_behind[0][1]
    assert session.notes.get("rule_id") == left_behind[0][2]


def test_the_kernel_restarted_before_any_cell_and_the_sandbox_killed_after_any_step_lose_nothing(
    session: LabSession, unattended: Mapping[str, str]
) -> None:
    with one_kernel(FOLDER, unattended) as kernel:
        for before, cell in pairwise(CELLS):
            kernel.forget()
            kernel.run(OPENING.source)
            if before.checks:  # its step is done; the sandbox ends under a kernel that has talked to it
                left = seen(session)
                kill_sandbox(session.backend.home)
                assert seen(session) == left, before.id
            output = kernel.run(cell.source)
            assert output.error == "", f"{cell.id}: {output.text}"
    assert all(result.passed for result in steps.status(session, steps.named("2")))


def test_a_cell_run_a_step_too_early_names_the_missing_step_and_changes_nothing(
    session: LabSession, unattended: Mapping[str, str]
) -> None:
    with one_kernel(FOLDER, unattended) as kernel:
        kernel.run(OPENING.source)
        for missing in STEPS:
            waiting = [step for step in STEPS if missing.key in step.needs]
            before = seen(session)
            for cell in (cell for step in waiting for cell in section(step.heading)):
                output = kernel.run(cell.source)
                assert output.error == "StepNotReady", f"{cell.id} ran without “{missing.title}”: {output.text}"
                assert f"“{missing.title}”" in output.text and f'href="{missing.link}"' in output.html, cell.id
                assert "Traceback" not in output.text
            assert seen(session) == before
            for cell in section(missing.heading):
                assert kernel.run(cell.source).error == ""
    assert all(result.passed for result in steps.status(session, steps.named("2")))


def test_run_all_on_a_fresh_kernel_stops_at_the_first_form_with_what_to_fill_in(
    session: LabSession, by_hand: Mapping[str, str]
) -> None:
    before = seen(session)
    with one_kernel(FOLDER, by_hand) as kernel:
        for cell in CELLS:
            output = kernel.run(cell.source)
            if output.error:
                break
    form = CELLS.index(next(cell for cell in CELLS if cell.heading == "Your student number"))
    assert CELLS.index(cell) <= form + 2, "Run All went past the cell after the first form and its check"
    assert output.error == "StepNotReady"
    assert "student number" in output.text and "Enter the number" in output.text
    assert 'href="#Your-student-number"' in output.html
    assert "Traceback" not in output.text and seen(session) == before


def test_a_form_shows_its_widgets_and_beside_them_a_plain_result(
    session: LabSession, by_hand: Mapping[str, str]
) -> None:
    with one_kernel(FOLDER, by_hand) as kernel:
        kernel.run(OPENING.source)
        output = kernel.run("lab.enter_student_number()")
    assert output.has_widget and "Run this cell to show the form" in output.text


def kill_sandbox(home: Path) -> None:
    """SIGKILL, as a crash or the kernel's memory killer would."""
    running = sandbox_process.find(home)
    assert running is not None
    os.kill(running.pid, signal.SIGKILL)
    until(lambda: not running.alive())


def test_the_exercises_with_the_bare_libraries_are_solved_by_their_solutions_and_wait_without(
    session: LabSession, unattended: Mapping[str, str]
) -> None:
    exercises = [cell for cell in solved_cells(CHAPTER_2) if cell.blank or "check_exercise" in cell.source]
    with one_kernel(FOLDER, unattended) as kernel:
        kernel.run(f'{OPENING.source}\nlab.solve("2")')
        for cell, blank in zip(exercises, (cell for cell in CELLS if cell.blank), strict=True):
            output = kernel.run(cell.source)
            assert output.error == "" and "done" in output.text, f"{cell.id}: {output.text}"
            assert "not yet" in kernel.run(blank.source).text
        frame = kernel.run(next(cell.source for cell in CELLS if cell.id == "acl-frame"))
    assert "RuleNumber" in frame.text and "32767" in frame.text and session.notes.get("network_acl_id") in frame.text


def test_a_guess_is_noted_and_the_cell_that_answers_names_it_with_the_reason(
    session: LabSession, by_hand: Mapping[str, str]
) -> None:
    session.notes.save(student=STUDENT)
    assert all(result.passed for _, result in steps.solve(session, steps.named("2")))
    with one_kernel(FOLDER, by_hand) as kernel:
        kernel.run(OPENING.source)
        unguessed = kernel.run(next(cell.source for cell in CELLS if cell.id == "what-if-150")).text
        assert "You guessed" not in unguessed and "It was “Allowed”, because entry 100" in unguessed
        asked = kernel.run('form = lab.guess("deny_150")\nform')
        assert asked.has_widget and "What happens to the packet?" in asked.text
        kernel.run('form.buttons["Dropped"].click()')
        assert session.notes.get("guess_deny_150") == "Dropped"
        answered = kernel.run(next(cell.source for cell in CELLS if cell.id == "what-if-150"))
        assert "You guessed “Dropped”. It was “Allowed”, because entry 100" in answered.text
        assert "never reached" in answered.text and "Traceback" not in answered.text
        assert "You guessed “Dropped”" in kernel.run('lab.guess("deny_150")').text


def test_each_guess_of_the_chapters_is_asked_before_one_cell_answers_it() -> None:
    sources = [cell.source for path in PATHS for cell in code_cells(path)]
    asked = [name for source in sources for name in re.findall(r'^lab\.guess\("(\w+)"\)$', source, re.MULTILINE)]
    answered = [name for source in sources for name in re.findall(r'guess="(\w+)"', source)]
    assert asked == answered and sorted(asked) == sorted(GUESSES)
    assert all(guess.right in guess.choices for guess in GUESSES.values())


def test_the_clients_of_the_libraries_show_no_secret_and_reach_the_lab_s_own_services(
    session: LabSession, unattended: Mapping[str, str]
) -> None:
    with one_kernel(FOLDER, unattended) as kernel:
        kernel.run(f'{OPENING.source}\nlab.solve("2")')
        shown = kernel.run('ec2, hawk = lab.boto3("ec2"), lab.requests()\nprint(ec2, hawk, hawk.auth, vars(hawk))').text
        whole = kernel.run('hawk.get(f"{hawk.url}/v2/rulesets").status_code').text
        assert kernel.run('hawk.get("/v2/nothing").status_code').text == "404" and whole == "200"
    keys = session.backend.aws.cloud_account()
    assert keys is not None and session.detection_login.url in shown
    for secret in (keys.secret_access_key, session.detection_login.api_key):
        assert secret not in shown
