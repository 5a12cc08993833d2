"""Where files belong, and what `import labkit` exports and loads."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import labkit

ROOT = Path(__file__).parents[2]
TOP_LEVEL = {
    *("CHANGELOG.md", "LICENSE", "Makefile", "README.md", "environment.yml", "pyproject.toml"),
    *("images", "labkit", "notebooks", "tests"),
}
GRADES = {"unit", "gallery", "sandbox", "range", "classroom", "hub", "notebooks", "browser", "bench"}
HEAVY = {"boto3", "flask", "IPython", "ipywidgets", "lark", "moto", "pandas", "requests", "rich"}


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
