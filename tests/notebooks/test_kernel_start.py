"""A kernel, whoever starts it: a restart is no trace, and the student's own profile still counts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.notebooks.chapters import FOLDER
from tests.notebooks.kernel import one_kernel


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of a student with a start-up file of their own, and with nothing that `labkit lab` would set."""
    for name in ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH"):
        monkeypatch.delenv(name, raising=False)
    startup = tmp_path / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "mine.py").write_text("mine = 'from my profile'\n", encoding="utf-8")
    return {**os.environ, "IPYTHONDIR": str(tmp_path)}


def test_a_cell_before_the_first_one_says_to_run_that_and_any_other_missing_name_keeps_its_trace(
    profile: dict[str, str],
) -> None:
    with one_kernel(FOLDER, profile) as kernel:
        restarted = kernel.run('lab.chapter("2")')
        other = kernel.run("labb")
        exercise = kernel.run('ports = (first, last)\nlab.check_exercise("answer_ports", ports)')
        own = kernel.run("mine")
    assert restarted.error == "LabError" and "Traceback" not in restarted.text
    assert "Run the chapter's first cell" in restarted.text and "Nothing is lost" in restarted.html
    assert other.error == "NameError" and "'labb' is not defined" in other.text
    assert exercise.error == "LabError" and "“first” is a name without a value" in exercise.text
    assert "from my profile" in own.text
