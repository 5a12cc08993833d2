"""Files that are written whole or not at all, even when the writer is interrupted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from labkit.files import write_private


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
