"""Terminals and disks that are not as usual."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from labkit.files import disk_errors
from labkit.model.errors import LabError


def _run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command, environment = [sys.executable, "-m", "labkit", *words], {**os.environ, **variables}
    return subprocess.run(command, capture_output=True, text=True, encoding="latin-1", env=environment, timeout=120)


@pytest.mark.parametrize("words", [("--help",), ("status",), ("solve", "nonsense")])
def test_a_terminal_in_latin_1_gets_words_and_no_trace(lab_home: Path, words: tuple[str, ...]) -> None:
    ran = _run(*words, PYTHONIOENCODING="latin-1")
    assert "Traceback" not in ran.stderr and "lab" in ran.stdout + ran.stderr


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1", "utf-8-sig"])
def test_a_block_in_any_encoding_is_read(lab_home: Path, tmp_path: Path, encoding: str) -> None:
    (tmp_path / "block").write_bytes("# é\nLABKIT_STUDENT=7\n".encode(encoding))
    ran = _run("join", str(tmp_path / "block"))
    assert ran.stderr.startswith("labkit: The block lacks AWS_ENDPOINT_URL")


def test_a_full_disk_is_called_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="The disk is full"), disk_errors(tmp_path):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_shell_completes_steps_and_chapters(lab_home: Path) -> None:
    program = Path(sys.executable).with_name("labkit")
    variables = {"_LABKIT_COMPLETE": "bash_complete", "COMP_WORDS": "labkit solve rule", "COMP_CWORD": "2"}
    ran = subprocess.run([program], capture_output=True, text=True, env={**os.environ, **variables}, check=False)
    assert {"plain,rule", "plain,rule_id"} <= set(ran.stdout.split())
