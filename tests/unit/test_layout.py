"""Where files belong, and what `import labkit` exports and loads."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import labkit

ROOT = Path(__file__).parents[2]
TOP_LEVEL = {
    *("CHANGELOG.md", "LICENSE", "Makefile", "README.md", "environment.yml", "pyproject.toml"),
    *("images", "labkit", "notebooks", "tests"),
}
GRADES = {"unit", "gallery", "sandbox", "range", "classroom", "hub", "notebooks", "browser", "bench"}
MOST_MODULES = 15
HEAVY = {"boto3", "flask", "IPython", "ipywidgets", "lark", "moto", "pandas", "requests", "rich"}

SAME_CONSTANTS = {
    "HOST": "the sandbox and the board each listen on loopback",
    "MOST_NAMED": "the size of two unrelated lists",
    "PAGE": "the page size of two API calls that are documented apart",
    "PATIENCE_SECONDS": "deadlines of unrelated calls",
    "POLL_SECONDS": "the poll intervals of two feeds",
    "Raw": "an alias for a JSON object",
    "TYPE_CHECKING": "type checkers know the name; importing it from `typing` takes longer than these modules may",
    "log": "modules of one room log under one name",
}
"""Constants that have one name and value in several modules by coincidence, and why."""


def committed() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [Path(name) for name in listing.stdout.split("\0") if name]


def test_the_top_level_holds_only_known_names_and_dot_folders():
    visible = {path.parts[0] for path in committed() if not path.parts[0].startswith(".")}

    assert visible <= TOP_LEVEL


def test_every_test_is_in_the_folder_of_its_grade():
    folders = {path.parts[1] for path in committed() if path.parts[0] == "tests" and len(path.parts) > 2}

    assert folders <= GRADES


def test_the_public_names_are_sorted_and_are_all_there_are():
    named = set(labkit.__all__)
    found = {name for name, value in vars(labkit).items() if getattr(value, "__module__", "").startswith("labkit.")}

    assert labkit.__all__ == sorted(named)
    assert [name for name in labkit.__all__ if not hasattr(labkit, name)] == []
    assert found <= named


def test_importing_labkit_loads_nothing_heavy():
    listing = "import json, sys, labkit; print(json.dumps(sorted(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", listing], cwd=ROOT, capture_output=True, text=True, check=True)

    assert HEAVY & set(json.loads(loaded.stdout)) == set()


def test_the_lab_offers_a_student_only_what_a_chapter_or_a_message_names():
    from labkit.lab.lab import Lab

    offered = {name for name in dir(Lab) if not name.startswith("_")}
    texts = [*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("labkit/**/*.py"), *ROOT.glob("labkit/**/README.md")]
    named = {name for path in texts for name in re.findall(r"\blab\.(\w+)\(", path.read_text(encoding="utf-8"))}

    assert offered - named == set()
    assert {"session", "begin", "require", "unattended"} & offered == set()


@cache
def parsed_modules() -> list[tuple[str, ast.Module]]:
    paths = sorted((ROOT / "labkit").rglob("*.py"))
    return [(str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))) for path in paths]


def constants_of(module: ast.Module) -> Iterator[tuple[str, str]]:
    """The names that a module assigns at its top, each with the source of its value."""
    for statement in module.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets = [statement.target]
        for target in targets:
            pairs = [(target, statement.value)]
            if isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple):
                pairs = list(zip(target.elts, statement.value.elts, strict=False))
            yield from ((name.id, ast.unparse(value)) for name, value in pairs if isinstance(name, ast.Name))


def test_no_two_classes_have_the_same_name():
    places = defaultdict(list)
    for path, module in parsed_modules():
        for node in ast.walk(module):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(path)

    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}


def test_no_constant_is_defined_twice():
    places = defaultdict(set)
    for path, module in parsed_modules():
        for name, value in constants_of(module):
            places[name, value].add(path)

    twice = {name: paths for (name, _), paths in places.items() if len(paths) > 1}
    assert {name: paths for name, paths in twice.items() if name not in SAME_CONSTANTS} == {}
    assert SAME_CONSTANTS.keys() <= twice.keys()


def test_a_folder_of_the_library_has_at_most_fifteen_modules():
    sizes = Counter(path.parent for path in (ROOT / "labkit").rglob("*.py"))

    assert {str(folder.relative_to(ROOT)): size for folder, size in sizes.items() if size > MOST_MODULES} == {}
