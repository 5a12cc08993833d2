"""Which chapters a handout is made of, and how its files come to lie in their folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from labkit.handout import build, folder
from labkit.handout.folder import require_writable, write_files
from labkit.model.errors import InvalidInput, LabError

NAMES = ["00_start_here", "02_create_environment", "02_create_environment-Copy1", "my own notes"]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    (tmp_path / "notebooks" / ".ipynb_checkpoints").mkdir(parents=True)
    for name in [*NAMES, ".ipynb_checkpoints/02_create_environment-checkpoint"]:
        (tmp_path / "notebooks" / f"{name}.ipynb").write_text("{}")
    return tmp_path


def stems(*found: Path) -> list[str]:
    return [path.stem for path in found]


@pytest.mark.parametrize("name", ["2", "02", "02_create_environment", "02_create_environment.ipynb"])
def test_a_chapter_is_named_by_its_number_or_its_file(clone: Path, name: str) -> None:
    assert stems(*build.chapters(clone, [name], copies=False)) == ["02_create_environment"]


def test_without_a_name_it_is_all_chapters_and_no_copy_of_one(clone: Path) -> None:
    assert stems(*build.chapters(clone, [], copies=False)) == ["00_start_here", "02_create_environment"]


def test_of_what_was_saved_copies_and_other_notebooks_count_too(clone: Path) -> None:
    assert stems(*build.chapters(clone, [], copies=True)) == sorted(NAMES)
    assert stems(*build.chapters(clone, ["2"], copies=True)) == NAMES[1:3]
    assert stems(*build.chapters(clone, ["my own notes"], copies=True)) == ["my own notes"]


@pytest.mark.parametrize("name", ["7", "22", "x", "", "../02_create_environment", "*"])
def test_a_name_that_no_chapter_bears_is_refused_with_those_that_there_are(clone: Path, name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        build.chapters(clone, [name], copies=False)
    assert f"“{name}”" in refused.value.what and "00_start_here, 02_create_environment" in refused.value.why


def test_files_come_whole_with_ordinary_permissions_and_leave_others_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "index.html").write_text("old")
    before = os.umask(0o022)
    try:
        write_files(tmp_path, {"index.html": b"new", "a.html": b"a"})
    finally:
        os.umask(before)

    files = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert files == {"mine.txt": "mine", "index.html": "new", "a.html": "a"}
    assert stat.S_IMODE((tmp_path / "a.html").stat().st_mode) == 0o644


def test_a_fault_midway_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.html").write_text("old")

    def no_space(path: str, mode: int) -> None:
        if Path(path).read_bytes() == b"second":
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder.os, "chmod", no_space)
    with pytest.raises(LabError, match="No space left on device"):
        write_files(tmp_path, {"a.html": b"new", "b.html": b"second"})

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.html", "old")]


def test_a_folder_that_cannot_be_is_refused_before_anything_is_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    for unfit in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(LabError, match="cannot be written") as refused:
            require_writable(unfit)
        assert str(unfit) in refused.value.what and "--out" in refused.value.next_step
    require_writable(tmp_path / "new" / "folder")
    assert list((tmp_path / "new" / "folder").iterdir()) == []
