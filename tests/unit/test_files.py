"""Files that are written whole or not at all, even when the writer is interrupted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from labkit.files import full_disk, write_private
from labkit.jupyter.options import close_file_list, workspaces
from labkit.model.errors import LabError
from labkit.services.environment import settings


@pytest.mark.parametrize("before", [True, False])
def test_an_interruption_right_before_or_after_the_file_is_in_place_leaves_it_whole_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    write_private(tmp_path / "notes", "old")
    replace = os.replace

    def interrupted(source: str, target: Path) -> None:
        if not before:
            replace(source, target)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_private(tmp_path / "notes", "new")

    assert (tmp_path / "notes").read_text() == ("old" if before else "new")
    assert os.listdir(tmp_path) == ["notes"]


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o777])
def test_a_home_that_others_may_write_to_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int) -> None:
    home = tmp_path / "my lab"
    home.mkdir()
    home.chmod(mode)
    monkeypatch.setenv("LABKIT_HOME", str(home))
    with pytest.raises(LabError, match=r"chmod go-w '.*my lab'"):
        settings()
    home.chmod(0o755)
    assert settings().home == home


def test_a_home_that_the_lab_makes_is_the_owners_alone_under_debians_umask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path / "home"))
    before = os.umask(0o002)
    try:
        write_private(tmp_path / "home" / "aws" / "config", "")
    finally:
        os.umask(before)
    assert settings().home.stat().st_mode & 0o777 == 0o700


def test_a_home_of_another_user_is_refused_behind_a_link_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, link = tmp_path / "lab", tmp_path / "link"
    home.mkdir(mode=0o700)
    link.symlink_to(home)
    monkeypatch.setattr(os, "getuid", lambda: home.stat().st_uid + 1)
    for path in (home, link):
        monkeypatch.setenv("LABKIT_HOME", str(path))
        with pytest.raises(LabError, match="another user"):
            settings()


def test_a_system_that_cannot_reserve_space_has_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "posix_fallocate", raising=False)  # as on macOS
    assert full_disk(tmp_path) is None
    assert not os.listdir(tmp_path)


def test_large_type_opens_beside_a_damaged_list_of_open_tabs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path))
    close_file_list()
    assert not workspaces().exists()  # of a start without large type, which keeps its file list
    (file,) = workspaces(large=True).iterdir()
    file.write_text('{"data"')
    close_file_list()
    assert file.read_text() == '{"data"'
