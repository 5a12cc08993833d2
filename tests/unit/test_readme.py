"""The project's pages: links lead somewhere, tables are current, and the commands they name exist."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from labkit.cli.main import main
from tests import readme

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    {*ROOT.glob("*.md"), *ROOT.glob(".github/**/*.md"), *ROOT.glob("labkit/**/*.md"), ROOT / "tests/README.md"}
)
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def code(page: Path) -> str:
    """The page's fenced blocks and code spans, one a line."""
    return "\n".join([*FENCED.findall(page.read_text(encoding="utf-8")), *re.findall(r"`([^`]+)`", prose(page))])


def anchors(page: Path) -> set[str]:
    """The addresses that GitHub gives to a page's headings: lower case, no punctuation, hyphens for spaces."""
    titles = re.findall(r"^#+ (.*)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_readme_has_at_most_160_lines() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 160


def test_generated_tables_are_current_or_make_readme_was_forgotten() -> None:
    text = readme.README.read_text(encoding="utf-8")

    assert readme.filled(text) == text


def test_every_chapter_is_listed_in_order_and_no_other() -> None:
    listed = re.findall(r"\]\((notebooks/[^)]+)\)", prose(ROOT / "README.md"))

    assert listed == sorted(str(path.relative_to(ROOT)) for path in (ROOT / "notebooks").glob("*.ipynb"))


@each_page
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    targets = re.findall(r"(?<!\\)\]\((?!https?://)([^)\s]+)\)", prose(page))
    for target in targets:
        file, _, anchor = target.partition("#")
        leads_to = (page.parent / file) if file else page
        assert leads_to.exists(), target
        assert not anchor or anchor in anchors(leads_to), target


@each_page
def test_every_picture_has_an_alternative_text(page: Path) -> None:
    assert not re.search(r"!\[\]\(", prose(page))


@each_page
def test_every_labkit_command_that_a_page_names_exists(page: Path) -> None:
    for name, word in re.findall(r"(?<![\w./-])labkit ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?", code(page)):
        command = main.commands.get(name)
        assert command is not None, f"labkit {name}"
        assert not word or not isinstance(command, click.Group) or word in command.commands, f"labkit {name} {word}"


@each_page
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    targets = set(re.findall(r"^([\w./-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))

    assert set(re.findall(r"(?m)(?:^|`)make ([a-z][\w-]*)", code(page))) <= targets
