"""Notes: a convenience in one private file."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from labkit.model.errors import LabError
from labkit.services.notes import Notes


@pytest.fixture
def notes(tmp_path: Path) -> Notes:
    return Notes(tmp_path / "new" / "notes.json")


def test_what_was_saved_is_read_by_another_kernel_and_forgotten_alone(notes: Notes) -> None:
    notes.save(student=7, vpc_id="vpc-1")
    other = Notes(notes.path)
    other.forget("vpc_id", "rule_id")
    assert notes.all() == {"student": "7"}


def test_the_file_and_its_folder_are_the_owners_alone(notes: Notes) -> None:
    notes.save(student=7)
    assert stat.S_IMODE(notes.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(notes.path.parent.stat().st_mode) == 0o700


def test_a_key_that_is_not_a_note_is_refused_so_that_no_secret_gets_in(notes: Notes) -> None:
    with pytest.raises(ValueError, match="secret_access_key"):
        notes.save(secret_access_key="x")
    assert not notes.path.exists()


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", "null", '{"region": null}', '{"student": [7]}', '{"agreed": {}}', "[" * 99_999]
)
def test_a_broken_file_is_reported_with_what_to_do(notes: Notes, text: str) -> None:
    notes.save(student=7)
    notes.path.write_text(text)
    with pytest.raises(LabError, match="Delete the file"):
        notes.all()


def test_bytes_that_are_not_text_are_reported_as_a_broken_file(notes: Notes) -> None:
    notes.save(student=7)
    notes.path.write_bytes(b"\xee\xff\x00")
    with pytest.raises(LabError, match="Delete the file"):
        notes.all()


def test_a_home_that_cannot_be_one_is_reported_when_it_is_read_and_when_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for home in (tmp_path / "file", tmp_path / ("x" * 300)):
        notes = Notes(home / "notes.json")
        with pytest.raises(LabError, match="LABKIT_HOME"):
            notes.all()
        with pytest.raises(LabError, match="LABKIT_HOME"):
            notes.save(student=7)
