"""Where the chapters are."""

from __future__ import annotations

from pathlib import Path

from labkit.model.errors import InvalidInput
from labkit.services.environment import home_folder

FIRST_CHAPTER = "notebooks/00_start_here.ipynb"
_PACKAGES = Path(__file__).resolve().parents[2]
INSTALLED = "self_protecting_cloud"
"""The folder beside the installed package that holds the chapters; pyproject.toml puts them there."""


def shipped() -> Path:
    """The folder that holds `notebooks/` and `images/` as shipped: the clone, or a part of the installation."""
    return _PACKAGES if has_chapters(_PACKAGES) else _PACKAGES / INSTALLED


def lab_folder() -> Path:
    """The folder that holds the student's `notebooks/`: the current one if it does, else the clone that this package
    runs from, else the one where `labkit lab` put the chapters. Before it has, the chapters as shipped."""
    for folder in (Path.cwd(), _PACKAGES, students_folder()):
        if has_chapters(folder):
            return folder
    return shipped()


def has_chapters(folder: Path) -> bool:
    return (folder / FIRST_CHAPTER).is_file()


def students_folder() -> Path:
    """The folder where `labkit lab` puts the chapters outside a clone: the one chosen last with `--here`."""
    try:
        return Path(folder_record().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Path.home() / "self-protecting-cloud"


def folder_record() -> Path:
    """The file that remembers it."""
    return home_folder() / "chapters-folder"


def chapter_numbers() -> set[int]:
    """The numbers of the chapters as shipped."""
    return {int(path.name[:2]) for path in shipped().glob("notebooks/[0-9][0-9]_*.ipynb")}


def last_path(folder: Path, noted: str) -> str:
    """The chapter that was open last, by the file name that was noted, as a path in the lab's folder; else the first.

    >>> last_path(Path("/nowhere"), "02_create_environment.ipynb")
    'notebooks/00_start_here.ipynb'
    """
    path = f"notebooks/{Path(noted).name}"
    return path if noted and (folder / path).is_file() else FIRST_CHAPTER


def chapter_path(folder: Path, number: str) -> str:
    """The chapter of this number, such as "3" or "03", as a path in the lab's folder. Raises InvalidInput."""
    chapters = {int(path.name[:2]): path.name for path in sorted(folder.glob("notebooks/[0-9][0-9]_*.ipynb"))}
    if number.strip().isdecimal() and int(number) in chapters:
        return f"notebooks/{chapters[int(number)]}"
    listed = ", ".join(f"{one} ({name[3:-6].replace('_', ' ')})" for one, name in chapters.items())
    raise InvalidInput(f"There is no chapter “{number}”.", f"The chapters are {listed}.", "Take one of these numbers.")
