"""Where the chapters are, and how they come into a folder of the student's."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from labkit.jupyter import chapters
from labkit.jupyter.chapters import FIRST_CHAPTER, lab_folder, shipped
from labkit.jupyter.lay_out import MANIFEST, lay_out, open_folder
from labkit.model.errors import LabError

SECOND = "notebooks/01_initial_configuration.ipynb"


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """Chapters and pictures as one release ships them."""
    folder = tmp_path / "release"
    for name in (FIRST_CHAPTER, SECOND, "images/lab.svg", "notebooks/.ipynb_checkpoints/x-checkpoint.ipynb"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("as shipped")
    return folder


@pytest.fixture
def installed(release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation outside a clone, used from an empty folder by a student with a new home, which is returned."""
    packages, home = tmp_path / "site-packages", tmp_path / "home"
    shutil.copytree(release, packages / chapters.INSTALLED)
    home.mkdir()
    monkeypatch.setattr(chapters, "_PACKAGES", packages)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path / "labkit-home"))
    monkeypatch.chdir(home)
    return home


def texts(folder: Path) -> dict[str, str]:
    names = (path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    return {str(path.relative_to(folder)): path.read_text() for path in names}


def test_chapters_and_pictures_are_put_into_the_students_folder_once(release: Path, tmp_path: Path) -> None:
    for _ in range(2):
        assert lay_out(release, tmp_path / "mine") == []

    assert texts(tmp_path / "mine") == dict.fromkeys((FIRST_CHAPTER, SECOND, "images/lab.svg"), "as shipped")


def test_a_file_that_the_student_had_or_changed_is_never_overwritten(release: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    (mine / "notebooks").mkdir(parents=True)
    (mine / FIRST_CHAPTER).write_text("there before")

    first = lay_out(release, mine)
    (mine / SECOND).write_text("changed")
    again = lay_out(release, mine)

    assert (first, again) == ([FIRST_CHAPTER], [])  # what is kept is reported once
    assert (mine / FIRST_CHAPTER).read_text() == "there before"
    assert (mine / SECOND).read_text() == "changed"


def test_a_new_release_replaces_untouched_files_and_names_the_changed_ones_that_it_keeps(
    release: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    lay_out(release, mine)
    (mine / SECOND).write_text("changed")
    for name in (FIRST_CHAPTER, SECOND, "images/new.svg"):
        (release / name).write_text("the new release's")

    kept = lay_out(release, mine)

    assert kept == [SECOND]
    assert lay_out(release, mine) == []
    assert texts(mine) == {
        FIRST_CHAPTER: "the new release's",
        SECOND: "changed",
        "images/lab.svg": "as shipped",
        "images/new.svg": "the new release's",
    }


def test_without_a_record_of_what_was_shipped_nothing_is_replaced(release: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    lay_out(release, mine)
    (mine / MANIFEST).write_text("{")
    (release / SECOND).write_text("the new release's")

    assert lay_out(release, mine) == [SECOND]
    assert (mine / SECOND).read_text() == "as shipped"


def test_outside_a_clone_the_first_start_makes_a_folder_and_later_commands_find_it(installed: Path) -> None:
    before = lab_folder()

    opened = open_folder(None)

    assert before == shipped()
    assert opened == lab_folder() == installed / "self-protecting-cloud"
    assert (opened / FIRST_CHAPTER).is_file()


def test_another_folder_is_remembered(installed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = open_folder(tmp_path / "elsewhere")
    (chosen / SECOND).write_text("changed")
    (shipped() / SECOND).write_text("the new release's")

    assert open_folder(None) == chosen == lab_folder()
    assert not (installed / "self-protecting-cloud").exists()
    assert f"You changed {SECOND}" in capsys.readouterr().out


def test_a_folder_that_cannot_be_written_is_named_with_the_way_to_choose_another(installed: Path) -> None:
    (installed / "file").write_text("")

    with pytest.raises(LabError, match=r"cannot be put into .*file/lab.*labkit lab --here FOLDER"):
        open_folder(installed / "file/lab")


def test_a_clone_is_used_as_it_is(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(release)
    before = texts(release)

    assert open_folder(None) == release
    assert texts(release) == before
    assert not (release / MANIFEST).exists()
