"""What is installed: Python and the packages in the versions that the lab is made for, and the chapters as shipped."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from labkit.jupyter.launch import lab_folder
from labkit.lab.base import NOTEBOOKS
from labkit.views.panels.readiness import Line

PROJECT_FILE = Path(__file__).resolve().parents[2] / "pyproject.toml"


def python_line() -> Line:
    """Python and every package that the lab needs, against the ranges that the lab names."""
    python, requirements, source = _wanted()
    version = ".".join(map(str, sys.version_info[:3]))
    faults = [] if SpecifierSet(python).contains(version) else [f"Python {version}, not {python}"]
    faults += out_of_range(requirements)
    looked_at = f"{source}, {sys.executable}"
    if not faults:
        found = f"{version}, and the lab's {len(requirements)} packages in the versions it is made for"
        return Line("Python", "ready", found, looked_at)
    how = "make setup, or: pip install -e ." if source == "pyproject.toml" else "pip install --upgrade labkit"
    return Line("Python", "missing", "; ".join(faults), looked_at, f"In the folder of the lab: {how}")


def out_of_range(requirements: Iterable[Requirement]) -> list[str]:
    """What is not installed, or in a version that the lab is not made for."""
    faults = []
    for wanted in requirements:
        try:
            installed = metadata.version(wanted.name)
        except metadata.PackageNotFoundError:
            faults.append(f"{wanted.name} is not installed")
            continue
        if not wanted.specifier.contains(installed, prereleases=True):
            faults.append(f"{wanted.name} {installed}, not {wanted.specifier}")
    return faults


def _wanted() -> tuple[str, list[Requirement], str]:
    """The Python and the packages that the lab names, and where. A clone's own file counts more than what was written
    down when it was installed, which a later `git pull` leaves behind."""
    try:
        project = tomllib.loads(PROJECT_FILE.read_text(encoding="utf-8"))["project"]
        return project["requires-python"], [Requirement(one) for one in project["dependencies"]], "pyproject.toml"
    except (FileNotFoundError, NotADirectoryError):
        told = metadata.metadata("labkit")
        needed = [Requirement(one) for one in told.get_all("Requires-Dist") or ()]
        applies = [one for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]
        return told["Requires-Python"] or "", applies, "the installed package"


# --- the chapters ---


def chapters_line() -> Line:
    """Whether the chapters are there as they were shipped: without a student's outputs or edits.

    Raises LabError where there are none.
    """
    folder = lab_folder()
    looked_at = str(folder / "notebooks")
    missing = [name for name in sorted(NOTEBOOKS) if not (folder / "notebooks" / name).is_file()]
    if missing:
        next_step = f"In {folder}: git restore notebooks, or unpack the lab anew."
        return Line("Chapters", "missing", f"not there: {', '.join(missing)}", looked_at, next_step)
    changed: dict[str, list[str]] = {}
    for name in sorted(NOTEBOOKS):
        if words := _changes(folder, name):
            changed.setdefault(words, []).append(name)
    if not changed:
        return Line("Chapters", "ready", f"all {len(NOTEBOOKS)}, as shipped and without outputs", looked_at)
    found = "; ".join(f"{words}: {', '.join(names)}" for words, names in changed.items())
    names = [name for names in changed.values() for name in names]
    which = f"notebooks/{names[0]}" if len(names) == 1 else "notebooks"
    next_step = f"Keep a copy of what is wanted; then, in {folder}: git restore {which}"
    return Line("Chapters", "remark", found, looked_at, next_step)


def _changes(folder: Path, name: str) -> str:
    """What is not as shipped, in words; "" for nothing."""
    try:
        cells = _cells((folder / "notebooks" / name).read_bytes())
    except (ValueError, LookupError, TypeError):
        return "not to be read"
    words = ["with outputs"] if any(cell.get("outputs") for cell in cells) else []
    shipped = _as_shipped(folder, name)
    if shipped is not None and _sources(shipped) != _sources(cells):
        words.append("edited")
    return " and ".join(words)


def _as_shipped(folder: Path, name: str) -> list[dict[str, Any]] | None:
    """The cells that the clone was made with; None where git cannot tell."""
    try:
        shown = subprocess.run(
            ["git", "-C", str(folder), "show", f"HEAD:./notebooks/{name}"], capture_output=True, check=True, timeout=5
        )
        return _cells(shown.stdout)
    except (OSError, subprocess.SubprocessError, ValueError, LookupError, TypeError):
        return None


def _cells(text: bytes) -> list[dict[str, Any]]:
    return [dict(cell) for cell in json.loads(text)["cells"]]


def _sources(cells: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """Each cell's kind and text, which an editor may keep as one string or as lines; an empty last cell is none."""
    texts = [(cell["cell_type"], "".join(cell["source"])) for cell in cells]
    return texts[:-1] if texts and not texts[-1][1].strip() else texts
