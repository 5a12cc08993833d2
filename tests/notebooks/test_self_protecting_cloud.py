"""Chapters 3 and 4, executed: with real packets and without, restarted, killed, too early, and solved."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from labkit import steps
from labkit.model.response.response import own_entries
from labkit.services import sandbox_process
from labkit.steps.network import students_network_acl
from labkit.steps.protection import students_alerts
from labkit.steps.rule import students_rule
from labkit.steps.session import LabSession, open_session
from tests.notebooks.chapters import CHAPTER_3, CHAPTER_4, FOLDER, Cell, cells, code_cells, headings
from tests.notebooks.kernel import STUDENT, Kernel, Kernels, Output, one_kernel
from tests.notebooks.solved import solved_cells
from tests.notebooks.test_create_environment import kill_sandbox

CELLS = code_cells(CHAPTER_3)
EXPERIMENTS = code_cells(CHAPTER_4)
OPENING = CELLS[0]
EXERCISES = [cell.id for cell in CELLS + EXPERIMENTS if cell.blank]
LEFTOVERS = """
lab.add_entry(rule_number=50, cidr_block="198.51.100.80/32", egress=False)
lab.add_entry(rule_number=150, cidr_block="198.51.100.80/32")
lab.add_entry(rule_number=150, cidr_block="198.51.100.80/32", egress=False)
lab.suppress("198.51.100.7")
lab.responder(start=True)
"""
"""What somebody leaves who breaks off in the middle of an experiment."""
STEPS = [step for step in steps.STEPS if step.chapter == "3"]


@pytest.fixture
def part_2(session: LabSession) -> LabSession:
    """Part 2 is done."""
    session.notes.save(student=STUDENT)
    assert all(result.passed for _, result in steps.solve(session, steps.named("2")))
    return session


@pytest.fixture
def kernels(part_2: LabSession, unattended: Mapping[str, str]) -> Iterator[Kernels]:
    running = Kernels(FOLDER, unattended)
    yield running
    running.close()


def run(kernel: Kernel, ordered: list[Cell]) -> dict[str, Output]:
    """What each cell showed; none may fail."""
    outputs = {}
    for cell in ordered:
        output = outputs[cell.id] = kernel.run(cell.source)
        assert output.error == "", f"{cell.id}: {output.text}"
    return outputs


def test_the_chapters_show_what_their_texts_say_and_run_again_solved_lose_nothing_with_kernel_and_sandbox(
    part_2: LabSession, kernels: Kernels
) -> None:
    seen = run(kernels.fresh(), CELLS) | run(kernels.fresh(), EXPERIMENTS)
    part_3_shows_what_its_text_says({id: output.text for id, output in seen.items()})
    experiments_show_what_their_texts_say({id: output.text for id, output in seen.items()})

    again: dict[str, str] = {}
    for section in solved_sections():
        kernel = kernels.fresh()
        kernel.run(OPENING.source)
        if section[-1].source == "lab.restore()" or section[-1].id == "good-end":
            assert kernel.run(LEFTOVERS).error == ""
        if any(cell.id == "curl-first" for cell in section):  # as its panel says, in a new kernel and a second time
            kernel.run('lab.reset("first_alert")')
            kernel.run("lab.responder(start=True)")
        again |= {id: output.text for id, output in run(kernel, section).items()}
        before = students_network_acl(part_2).entries
        kill_sandbox(part_2.backend.home)
        assert students_network_acl(part_2).entries == before, section[0].heading
        if section[0].source.startswith("lab.restore()"):
            assert as_part_3_left_it(part_2), section[0].heading
    experiments_show_what_their_texts_say(again)
    assert ["done" in again[id] for id in EXERCISES] == [True] * 6
    assert all(result.passed for result in steps.status(part_2, steps.named("3")))


def as_part_3_left_it(session: LabSession) -> bool:
    """Whether nothing of an experiment is there, and part 3 is done."""
    numbers = [(one.egress, one.rule_number, one.rule_action) for one in students_network_acl(session).entries]
    met = {dict(alert.aggregates)["dst_ip"] for alert in students_alerts(session)}
    done = all(result.passed for result in steps.status(session, steps.named("3")))
    default = [
        (egress, number, action) for egress in (True, False) for number, action in ((100, "allow"), (32767, "deny"))
    ]
    return (
        done
        and sorted(numbers) == sorted([*default, (True, 1, "deny")])
        and met <= {"203.0.113.10", "10.0.0.2"}
        and (not students_rule(session).suppressions)
    )


def part_3_shows_what_its_text_says(seen: Mapping[str, str]) -> None:
    """seen: the words of each cell's output, by id."""
    assert "Nothing filters the host yet" in seen["host-before"]
    assert "exit code 0" in seen["curl-first"] and "203.0.113.10" in seen["alerts"]
    assert "10.0.0.2 is not denied" in seen["entries-after"] and "denied already" in seen["entries-after"]
    assert "exit code 28" in seen["curl-again"] and "Denied: 1 denies" in seen["decide"]
    assert "Stopped on its way out" in seen["where-out"] and "egress entry 1 dropped" in seen["where-out"]
    answers_every_guess(CELLS, seen)
    assert ["not yet" in seen[id] for id in EXERCISES] == [True] * 6


def experiments_show_what_their_texts_say(seen: Mapping[str, str]) -> None:
    """The same for chapter 4."""
    assert "exit code 28" in seen["ingress-run"] and "exit code 0" in seen["at-150-run"]
    assert "answer was stopped" in seen["ingress-run"] and "ingress entry 50 dropped" in seen["ingress-run"]
    assert "150 is never reached" in seen["at-150-run"]
    assert "at 2001:db8:bad::10" in seen["six-run"]
    assert "deny all to 198.51.100.80/32" in seen["good-run"] and "198.51.100.7 " not in seen["good-run"]
    assert "exit code 0" in seen["good-end"]
    dots = re.search(r"with (\d+) bytes received", seen["stalls-run"])
    assert dots and 1 <= int(dots[1]) < 40
    assert "20 of 20" in seen["full-once"] and "was replaced" in seen["full-once"]
    assert "exit code 0" in seen["full-once"]
    answers_every_guess(EXPERIMENTS, seen)


def answers_every_guess(chapter: list[Cell], seen: Mapping[str, str]) -> None:
    for cell in chapter:
        assert "guess=" not in cell.source or re.search("It was “|and so it was", seen[cell.id]), cell.id


def solved_sections() -> list[list[Cell]]:
    """The solved code cells of both chapters but the first, split at headings of the second level; the experiments of
    chapter 4 last one first."""
    return [*sections(CHAPTER_3), *reversed(sections(CHAPTER_4)[:-1]), sections(CHAPTER_4)[-1]]


def sections(chapter: Path) -> list[list[Cell]]:
    found: list[list[Cell]] = []
    solved = {cell.id: cell for cell in solved_cells(chapter)}
    for cell in cells(chapter):
        if cell.is_code and cell.id != OPENING.id:
            found[-1].append(solved[cell.id])
        elif not cell.is_code and any(level <= 2 for level, _ in headings(cell.source)):
            found.append([])
    return [section for section in found if section]


def test_a_wrong_answer_is_answered_with_what_it_leads_to(part_2: LabSession, unattended: Mapping[str, str]) -> None:
    wrong = {
        "rule_number, 150": "never reached",
        "rule_number, 100": "taken",
        "rule_number, 'fifty'": "one whole number",
        "answer_ports, (80, 80)": "tcp (6) 32768 from",
        "ipv6_block, '203.0.113.66/32'": "does not hold the address",
        "ipv6_block, '2001:db8::/32'": "also holds updates.example.org",
        "ipv6_block, 'banana'": "malformed",
        "most_denies, 19": "Count * too",
    }
    with one_kernel(FOLDER, unattended) as kernel:
        kernel.run(f"{OPENING.source}\nlab.place_host()")
        for answer, words in wrong.items():
            name, value = answer.split(", ", 1)
            output = kernel.run(f'lab.check_exercise("{name}", {value})')
            assert output.error == "" and "not right" in output.text and words in output.text, output.text
            kernel.run(OPENING.source)  # it forgets how many answers were wrong
        grown = [kernel.run('lab.check_exercise("rule_number", 150)').text for _ in range(3)]
        assert "Hint: Entry 100 allows" in grown[1] and "The solution is: number = 60" in grown[2], grown
        assert "done" in kernel.run('lab.check_exercise("rule_number", 60)').text
        assert "Hint" not in kernel.run('lab.check_exercise("rule_number", 150)').text


def test_a_cell_run_before_part_2_names_what_is_missing_and_changes_nothing(
    session: LabSession, by_hand: Mapping[str, str]
) -> None:
    session.notes.save(student=STUDENT)
    first = {"host-place", "responder-start", "alerts", "entries-after", "six-allow", "good-suppress"}
    with one_kernel(FOLDER, by_hand) as kernel:
        kernel.run(OPENING.source)
        for cell in (cell for cell in CELLS + EXPERIMENTS if cell.id in first):
            output = kernel.run(cell.source)
            assert output.error == "StepNotReady" and "Traceback" not in output.text, f"{cell.id}: {output.text}"
            assert "href=" in output.html, cell.id


def test_by_hand_forms_and_the_responders_panel_wait_for_a_click(
    part_2: LabSession, by_hand: Mapping[str, str]
) -> None:
    with one_kernel(FOLDER, by_hand) as kernel:
        shown = ("open", "host-place", "key", "responder-start", "terminal-open")
        outputs = run(kernel, [cell for cell in CELLS if cell.id in shown])
    assert outputs["key"].has_widget and outputs["responder-start"].has_widget
    assert "not started" in outputs["responder-start"].text
    assert "labkit shell" in outputs["terminal-open"].text


@pytest.fixture(params=["2", "3"])
def lower_tier(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_hand: Mapping[str, str]
) -> Iterator[tuple[str, LabSession, Mapping[str, str]]]:
    """A sandbox of its own whose range is asked to be of a lower tier, with part 2 done."""
    home = tmp_path / "home"
    monkeypatch.setenv("LABKIT_HOME", str(home))
    monkeypatch.setenv("LABKIT_RANGE_TIER", request.param)
    sandbox_process.start(home)
    session = open_session()
    session.notes.save(student=STUDENT)
    assert all(result.passed for _, result in steps.solve(session, steps.named("2")))
    values = {"LABKIT_HOME": str(home), "LABKIT_RANGE_TIER": request.param, "LABKIT_STUDENT": STUDENT}
    yield request.param, session, {**by_hand, **values}
    sandbox_process.stop(home)


def test_under_a_lower_tier_the_chapters_run_to_their_end_and_say_what_is_different(
    lower_tier: tuple[str, LabSession, Mapping[str, str]],
) -> None:
    tier, session, environment = lower_tier
    with one_kernel(FOLDER, environment) as kernel:
        seen = {id: output.text for id, output in run(kernel, CELLS).items()}
    assert f"tier {tier} of 3" in seen["open"]
    with one_kernel(FOLDER, environment) as kernel:
        seen |= {id: output.text for id, output in run(kernel, EXPERIMENTS).items()}
    assert "Nothing filters the host yet" in seen["host-before"]
    assert "exit code 0" in seen["curl-first"] and "exit code 28" in seen["curl-again"]
    assert ("No program ran" in seen["curl-first"]) == (tier == "3")
    assert ("No terminal" in seen["terminal-open"]) == (tier == "3")
    assert "exit code 28" in seen["ingress-run"] and "exit code 0" in seen["at-150-run"]
    verb = "would drop" if tier == "3" else "dropped"
    assert f"egress entry 1 {verb}" in seen["where-out"] and f"ingress entry 50 {verb}" in seen["ingress-run"]
    assert own_entries(students_network_acl(session).entries)
