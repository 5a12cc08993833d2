"""The chapters as files, not executed: form, links, pictures, exercises and words."""

from __future__ import annotations

import ast
import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest

from labkit.lab.links import CHAPTERS, NOTEBOOKS, SECTIONS, link_of, link_to
from labkit.model.errors import StepNotReady
from labkit.model.exercise import EXERCISES
from labkit.steps import STEPS
from tests.notebooks.chapters import (
    CHAPTER_1,
    CHAPTER_2,
    CHAPTER_3,
    CHAPTER_4,
    FENCED,
    FOLDER,
    PATHS,
    anchors,
    cells,
    code_cells,
    headings,
    links,
)

PICTURES = sorted((FOLDER.parent / "images").glob("*.svg"))
ORIGINAL_HEADINGS = [
    "Self-Protecting Cloud - Part 2",
    "Create AWS Environment",
    "AWS CLI Configuration",
    "AWS CLI Config VPC Network",
    "Retrieve NetworkAclId",
    "Current NACLs",
    "Threat Stack Setup",
    "Threat Stack - Create Rule",
    "Update the rule",
    "Threat Stack - Enable Rule",
    "Retrieve Rule ID",
]
each_chapter = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
each_picture = pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)


@each_chapter
def test_a_chapter_is_saved_without_outputs_counts_or_widget_state(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [(cell.outputs, cell.execution_count) for cell in code] == [([], None)] * len(code)
    assert "widgets" not in notebook.metadata


@each_chapter
def test_a_chapter_names_the_standard_kernel_and_its_title(path: Path) -> None:
    metadata = nbformat.read(path, as_version=4).metadata
    assert metadata.kernelspec == {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    assert metadata.title == headings(cells(path)[0].source)[0][1]


@each_chapter
def test_a_chapter_has_one_h1_and_skips_no_heading_level(path: Path) -> None:
    levels = [level for cell in cells(path) if not cell.is_code for level, _ in headings(cell.source)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(level <= before + 1 for before, level in pairwise(levels))


@each_chapter
def test_headings_of_a_chapter_are_unique_so_that_links_are_unambiguous(path: Path) -> None:
    titles = [title for cell in cells(path) if not cell.is_code for _, title in headings(cell.source)]
    assert len(titles) == len(set(titles))


@each_chapter
def test_code_cells_have_one_or_two_lines_and_never_more_than_six(path: Path) -> None:
    lines = sorted(len(cell.source.replace("\n\n", "\n").splitlines()) for cell in code_cells(path))
    assert lines[len(lines) // 2] <= 2 and lines[-1] <= 6


@pytest.mark.parametrize("path", [CHAPTER_2, CHAPTER_3, CHAPTER_4], ids=lambda path: path.stem)
def test_a_chapter_has_15_to_25_code_cells_and_in_some_the_student_writes_or_guesses(path: Path) -> None:
    sources = [cell.source for cell in code_cells(path)]
    assert 15 <= len(sources) <= 25
    assert any("= ...\n" in source for source in sources)
    assert sum("lab.guess(" in source for source in sources) >= 2


@pytest.mark.parametrize("path", [CHAPTER_2, CHAPTER_3, CHAPTER_4], ids=lambda path: path.stem)
def test_a_guess_has_its_form_and_what_explains_the_answer_is_folded(path: Path) -> None:
    """An exit code that the cell expects would say how its program ends."""
    for cell, following in pairwise(cells(path)):
        assert "**Guess" not in cell.source
        if 'guess="' in cell.source:
            assert following.source.startswith("<details><summary>What happened, and why</summary>"), cell.id
            assert not re.search(r'expect=.*guess="|guess=".*expect=', cell.source), cell.id


@each_chapter
def test_no_two_code_cells_are_adjacent_except_a_call_and_its_check(path: Path) -> None:
    pairs = pairwise(cells(path))
    assert [(one.id, two.id) for one, two in pairs if one.is_code and two.is_code and not two.is_check] == []


@each_chapter
def test_a_chapter_imports_only_labkit_in_its_first_cell_and_pandas_where_it_is_used(path: Path) -> None:
    first, *others = code_cells(path)
    imports = [node for node in ast.walk(ast.parse(first.source)) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [getattr(node, "module", None) for node in imports] == ["labkit"]
    nodes = [node for cell in others for node in ast.walk(ast.parse(cell.source))]
    later = [ast.unparse(node) for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    assert set(later) <= {"import pandas"}


@each_chapter
def test_a_chapter_sets_no_variables_except_the_lab_the_bare_clients_and_the_blanks_of_exercises(path: Path) -> None:
    nodes = [node for cell in code_cells(path) for node in ast.walk(ast.parse(cell.source))]
    assert {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)} <= {
        "lab",
        *("ec2", "hawk", "ids", "found"),  # the clients of the libraries, and what one replied
        *("id", "event"),  # of a comprehension
        *(cell.blank for cell in code_cells(path)),
    }


@each_chapter
def test_an_exercise_has_a_named_blank_a_check_a_solution_and_a_hint_before_it(path: Path) -> None:
    solutions = {cell.id: cell.metadata.get("solution") for cell in nbformat.read(path, as_version=4).cells}
    for before, cell in pairwise(cells(path)):
        assert bool(cell.blank) == ("check_exercise" in cell.source and cell.is_code) == bool(solutions[cell.id])
        if cell.blank:
            assert cell.source.endswith(f", {cell.blank})") and solutions[cell.id].startswith(f"{cell.blank} = ")
            assert solutions[cell.id] == EXERCISES[re.findall(r'check_exercise\("(\w+)"', cell.source)[0]].solution
            assert "**Exercise.**" in before.source and "<details><summary>A hint</summary>" in before.source


@each_chapter
def test_every_link_leads_to_a_file_and_a_heading(path: Path) -> None:
    for cell in cells(path):
        for _, target in links(cell):
            file, _, anchor = target.partition("#")
            leads_to = (path.parent / file).resolve() if file else path
            assert leads_to.is_file(), f"{cell.id}: {target}"
            assert not anchor or anchor in anchors(leads_to), f"{cell.id}: {target}"


@each_chapter
def test_every_picture_has_an_alt_text_that_says_what_it_shows(path: Path) -> None:
    pictures = [alt for cell in cells(path) for alt in re.findall(r"!\[([^\]]*)\]", cell.source)]
    assert pictures and all(len(alt.split()) >= 10 for alt in pictures)
    assert not any("<img" in cell.source for cell in cells(path))


@each_chapter
def test_a_folded_text_ends_its_cell_because_jupyterlab_leaves_no_space_below_one(path: Path) -> None:
    assert [cell.id for cell in cells(path) if not cell.is_code and re.search(r"</details>\s*\S", cell.source)] == []


@each_chapter
def test_a_text_cell_has_at_most_95_words(path: Path) -> None:
    plain = {
        cell.id: re.sub(r"^[|#!].*$", "", cell.prose, flags=re.MULTILINE) for cell in cells(path) if not cell.is_code
    }
    assert {id: words for id, text in plain.items() if (words := len(text.split())) > 95} == {}


@each_chapter
def test_a_line_of_a_network_acl_is_called_an_entry_never_a_rule(path: Path) -> None:
    prose = "\n".join(cell.prose for cell in cells(path) if not cell.is_code)
    assert not re.search(r"(firewall|ACL|NACL|deny|allow) rules?\b", prose)


def test_each_chapter_names_its_minutes_and_together_they_are_the_hour_and_a_quarter_of_the_readme() -> None:
    named = [re.search(r"\*About (\d+) minutes\.\*", cells(path)[0].source) for path in PATHS]
    assert [found and int(found[1]) for found in named] == [one.minutes for one in CHAPTERS.values()]
    assert sum(one.minutes for one in CHAPTERS.values()) == 75
    assert "an hour and a quarter" in (FOLDER.parent / "README.md").read_text(encoding="utf-8")


def test_chapter_2_has_the_headings_of_the_original_in_the_same_order() -> None:
    titles = [title for cell in cells(CHAPTER_2) if not cell.is_code for _, title in headings(cell.source)]
    assert [title for title in titles if title in ORIGINAL_HEADINGS] == ORIGINAL_HEADINGS


@pytest.mark.parametrize("path", [CHAPTER_1, CHAPTER_2, CHAPTER_3], ids=lambda path: path.stem)
def test_each_step_has_a_section_that_does_and_checks_it_in_the_order_of_the_steps(path: Path) -> None:
    steps = [step for step in STEPS if path.stem.startswith(f"0{step.chapter}")]
    checks = [(cell.heading, key) for cell in code_cells(path) for key in cell.checks]
    assert checks == [(step.heading, step.key) for step in steps]
    for step in steps:
        sources = [cell.source for cell in code_cells(path) if cell.heading == step.heading]
        assert any(source.startswith("lab.") and "lab.check(" not in source.splitlines()[0] for source in sources)


def test_chapter_2_names_the_original_aws_commands() -> None:
    text = "\n".join(cell.source for cell in cells(CHAPTER_2) if not cell.is_code)
    for command in ("aws configure", "aws ec2 create-vpc --cidr-block 10.0.0.0/16", "aws ec2 describe-network-acls"):
        assert f"`{command}`" in text


@pytest.mark.parametrize("path", PATHS[1:5], ids=lambda path: path.stem)
def test_commands_to_copy_are_shown_by_cells_which_have_a_button_for_them(path: Path) -> None:
    blocks = [block for cell in cells(path) for block in FENCED.findall(cell.source)]
    assert not [block for block in blocks if block.startswith("```sh")]


@each_chapter
def test_a_chapter_begins_with_the_map_on_which_it_is_marked(path: Path) -> None:
    lines = [line for cell in code_cells(path) for line in cell.source.splitlines() if line]
    assert lines[:3] == ["from labkit import open_lab", "lab = open_lab()", f'lab.chapter("{int(path.name[:2])}")']


@pytest.mark.parametrize("path", PATHS[1:], ids=lambda path: path.stem)
def test_a_chapter_ends_by_looking_at_all_that_it_was_for(path: Path) -> None:
    assert code_cells(path)[-1].source == f'lab.finish("{int(path.name[:2])}")'


@pytest.mark.parametrize(
    ("here", "leads_to"),
    [
        ("/class/notebooks/02_create_environment.ipynb", "#AWS-CLI-Config-VPC-Network"),
        ("/class/notebooks/03_self_protecting_cloud.ipynb", "02_create_environment.ipynb#AWS-CLI-Config-VPC-Network"),
        ("/class/notebooks/my_copy.ipynb", "#AWS-CLI-Config-VPC-Network"),
        ("", "#AWS-CLI-Config-VPC-Network"),
    ],
)
def test_a_panels_link_names_the_notebook_only_from_another_chapter(
    here: str, leads_to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {path.name for path in PATHS} == NOTEBOOKS
    monkeypatch.setenv("JPY_SESSION_NAME", here)
    assert link_to("vpc") == leads_to


def test_every_chapter_is_in_the_first_chapters_table_and_links_to_the_next() -> None:
    table = next(cell.source for cell in cells(PATHS[0]) if cell.id == "chapters")
    assert [path.name in table for path in PATHS[1:]] == [True] * len(PATHS[1:])
    for path, following in pairwise(PATHS):
        last = cells(path)[-1]
        assert any(target.startswith(following.name) for _, target in links(last)), path.name


@each_picture
def test_a_drawing_has_a_title_and_a_background_and_loads_nothing(path: Path) -> None:
    root = ET.fromstring(path.read_text(encoding="utf-8"))
    svg = "{http://www.w3.org/2000/svg}"
    assert root.get("role") == "img" and root.findtext(f"{svg}title") and root.findtext(f"{svg}desc")
    background = root.find(f"{svg}rect")
    assert background is not None and background.get("fill", "none") != "none"
    assert [background.get("width"), background.get("height")] == root.get("viewBox", "").split()[2:]
    assert not re.search(r"href|url\((?!#)|@import|<script|prefers-color-scheme", path.read_text(encoding="utf-8"))
    assert set(re.findall(r'font-family="([^"]*)"', path.read_text(encoding="utf-8"))) == {"sans-serif"}


@pytest.mark.parametrize("path", [CHAPTER_3, CHAPTER_4], ids=lambda path: path.stem)
def test_each_state_that_a_cell_needs_leads_to_a_section_that_brings_it_about(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    asked = {
        need.strip()
        for cell in code_cells(path)
        for needs in re.findall(r'needs="([^"]*)"', cell.source)
        for need in needs.split(",")
    }
    for state in asked - {step.key for step in STEPS} - {"dadismad.com not denied"}:  # its panel says how
        file, _, anchor = link_of(StepNotReady("", state=state)).partition("#")
        assert anchor in anchors(FOLDER / file if file else path), state
        assert not file, state


def test_no_section_is_kept_for_a_state_that_no_cell_needs() -> None:
    for number, sections in SECTIONS.items():
        sources = "\n".join(cell.source for path in (CHAPTER_3, CHAPTER_4) for cell in code_cells(path))
        assert [state for state in sections if state not in sources] == []
        assert {heading.replace(" ", "-") for heading in sections.values()} <= anchors(FOLDER / CHAPTERS[number].file)
