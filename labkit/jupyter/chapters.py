"""Where the chapters are."""

from __future__ import annotations

from pathlib import Path

from labkit.model.errors import InvalidInput, LabError

FIRST_CHAPTER = "notebooks/00_start_here.ipynb"


def lab_folder() -> Path:
    """The folder that holds `notebooks/`: the current one, else the one that this package was installed from."""
    for folder in (Path.cwd(), Path(__file__).resolve().parents[2]):
        if (folder / FIRST_CHAPTER).is_file():
            return folder
    raise LabError(
        "The chapters were not found.",
        f"Neither {Path.cwd()} nor the folder of this installation holds {FIRST_CHAPTER}.",
        "Change into the folder of the clone, then try again.",
    )


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
