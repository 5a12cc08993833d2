"""The installation: Python, the packages, and the chapters as shipped."""

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

from labkit.jupyter.chapters import lab_folder, shipped
from labkit.jupyter.lay_out import MANIFEST
from labkit.lab.links import NOTEBOOKS
from labkit.views.panels.readiness import Line

PROJECT_FILE = Path(__file__).resolve().parents[2] / "pyproject.toml"
DISTRIBUTION = "self-protecting-cloud"
NEW_FOLDER = "labkit lab --here FOLDER puts them into another folder as shipped."
RESTORE = "labkit lab puts them there again."
DAMAGED = "cannot be read"
GIT_SECONDS = 60

Cells = list[dict[str, Any]]


def python_line() -> Line:
    """Whether Python and every package are of a version that the lab supports."""
    python, requirements, source = _requirements()
    version = ".".join(map(str, sys.version_info[:3]))
    wrong = [] if SpecifierSet(python).contains(version) else [f"Python {version}, not {python}"]
    wrong += unmet(requirements)
    looked_at = f"{source}, {sys.executable}"
    if not wrong:
        return Line("Python", "ready", f"{version}, and the lab's {len(requirements)} packages", looked_at)
    install = (
        "make setup, or: pip install -e ." if source == PROJECT_FILE.name else f"pip install --upgrade {DISTRIBUTION}"
    )
    return Line("Python", "missing", "; ".join(wrong), looked_at, f"In the lab's folder: {install}")


def unmet(requirements: Iterable[Requirement]) -> list[str]:
    """The packages that are not installed, or are of another version."""
    wrong = []
    for one in requirements:
        try:
            installed = metadata.version(one.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{one.name} is not installed")
            continue
        if not one.specifier.contains(installed, prereleases=True):
            wrong.append(f"{one.name} {installed}, not {one.specifier}")
    return wrong


def _requirements() -> tuple[str, list[Requirement], str]:
    """The Python and the packages that the lab needs, and which file says so: in a clone its own, which a `git pull`
    may have changed since it was installed."""
    try:
        project = tomllib.loads(PROJECT_FILE.read_text(encoding="utf-8"))["project"]
        return project["requires-python"], [Requirement(one) for one in project["dependencies"]], PROJECT_FILE.name
    except (FileNotFoundError, NotADirectoryError):
        package = metadata.metadata(DISTRIBUTION)
        listed = [Requirement(one) for one in package.get_all("Requires-Dist") or ()]
        needed = [one for one in listed if one.marker is None or one.marker.evaluate({"extra": ""})]
        return package["Requires-Python"] or "", needed, "the installed package"


def chapters_line() -> Line:
    """Whether the chapters are as shipped: without outputs or edits. Raises LabError if there is no folder of them."""
    folder = lab_folder()
    looked_at = str(folder / "notebooks")
    missing = [name for name in sorted(NOTEBOOKS) if not (folder / "notebooks" / name).is_file()]
    changed = {name: words for name in sorted(NOTEBOOKS) if name not in missing and (words := _changes(folder, name))}
    damaged = [name for name, words in changed.items() if words == DAMAGED]
    if missing or damaged:
        both = {"not found": missing, DAMAGED: damaged}
        faults = [f"{what}: {', '.join(names)}" for what, names in both.items() if names]
        next_step = f"In {folder}: git restore {_paths([*missing, *damaged])}, or unpack the lab again."
        if _is_laid_out(folder):
            next_step = RESTORE if not damaged else f"In {folder}: rm {_paths(damaged)}; then {RESTORE}"
        return Line("Chapters", "missing", "; ".join(faults), looked_at, next_step)
    if not changed:
        return Line("Chapters", "ready", f"all {len(NOTEBOOKS)}, as shipped and without outputs", looked_at)
    found = "; ".join(f"{name} {words}" for name, words in changed.items())
    again = NEW_FOLDER if _is_laid_out(folder) else f"in {folder}: git restore {_paths(changed)}"
    next_step = f"Copy what you want to keep; then, {again}"
    return Line("Chapters", "remark", found, looked_at, next_step)


def _paths(names: Iterable[str]) -> str:
    return " ".join(f"notebooks/{name}" for name in names)


def _changes(folder: Path, name: str) -> str:
    """What was changed in a chapter, in words; "" for nothing."""
    try:
        cells = _cells((folder / "notebooks" / name).read_bytes())
        own = _sources(cells)
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return DAMAGED
    words = ["has outputs"] if any(cell.get("outputs") for cell in cells) else []
    shipped = _shipped(folder, name)
    if shipped is not None and _sources(shipped) != own:
        words.append("was edited")
    return " and ".join(words)


def _is_laid_out(folder: Path) -> bool:
    """Whether `labkit lab` put the chapters there; else they are a clone's."""
    return (folder / MANIFEST).is_file()


def _shipped(folder: Path, name: str) -> Cells | None:
    """The chapter's cells as committed or, outside a clone, as installed; None if neither is there."""
    show = ["git", "-C", str(folder), "show", f"HEAD:./notebooks/{name}"]
    try:
        if _is_laid_out(folder):
            return _cells((shipped() / "notebooks" / name).read_bytes())
        return _cells(subprocess.run(show, capture_output=True, check=True, timeout=GIT_SECONDS).stdout)
    except (OSError, subprocess.SubprocessError, ValueError, LookupError, TypeError):
        return None


def _cells(text: bytes) -> Cells:
    return [dict(cell) for cell in json.loads(text)["cells"]]


def _sources(cells: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """Each cell's type and text. JupyterLab saves a text as one string or as lines, and may add an empty last cell."""
    texts = [(cell["cell_type"], "".join(cell["source"])) for cell in cells]
    return texts[:-1] if texts and not texts[-1][1].strip() else texts
