"""What happens before a student's server opens: joining the class and copying the chapters."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from labkit.classroom.class_keys import ClassKeys
from labkit.classroom.hub.student_server import BLOCK, Joining, environment, take_keys
from labkit.classroom.keys import class_keys
from labkit.services.environment import joined
from labkit.services.notes import Notes
from tests.hub.class_keys import class_sandbox
from tests.wait import PATIENCE_SECONDS

NOBODY_LISTENS = "http://127.0.0.1:9"
KEYS = ClassKeys(7, NOBODY_LISTENS, "AKIAIOSFODNN7EXAMPLE", "x" * 40, "5" * 24, "6" * 24, "y" * 64)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The student's; changes of the environment are undone."""
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path / "lab"))
    yield tmp_path / "lab"
    for name in BLOCK:
        os.environ.pop(name, None)


def join(variables: dict[str, str]) -> None:
    os.environ.update(variables)
    Joining(take_keys()).finish()


def left_in_environment() -> set[str]:
    return {name for name in BLOCK if name in os.environ}


@pytest.mark.parametrize("tls", [False, True], ids=["without TLS", "with TLS"])
def test_with_keys_the_class_is_joined_and_no_key_stays_in_the_environment(
    home: Path, tmp_path: Path, tls: bool
) -> None:
    with class_sandbox(tmp_path / "class", students=2, tls=tls) as sandbox:
        keys = class_keys(sandbox)[1]
        join(keys.variables)
    assert joined(home) == keys.variables
    assert ("LABKIT_CERTIFICATE" in keys.variables) == tls
    assert left_in_environment() == set()
    assert Notes(home / "notes.json").get("student") == "2"


def test_keys_are_kept_if_the_class_does_not_answer(home: Path) -> None:
    began = time.monotonic()
    join(KEYS.variables)
    assert joined(home) == KEYS.variables
    assert left_in_environment() == set()
    assert Notes(home / "notes.json").get("student") == "7"
    assert time.monotonic() - began < PATIENCE_SECONDS


def test_an_invalid_block_stays_in_the_environment_and_forms_remain(home: Path) -> None:
    join({"LABKIT_STUDENT": "7", "LABKIT_DETECTION_URL": NOBODY_LISTENS, "TS_USER_ID": "5" * 24})
    assert joined(home) == {}
    assert left_in_environment() == {"LABKIT_DETECTION_URL", "TS_USER_ID"}
    assert Notes(home / "notes.json").get("student") == "7"


def test_a_server_starts_even_if_the_class_does_not_run_yet(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    join({**replace(KEYS, url="https://127.0.0.1:9", fingerprint=":".join(["AB"] * 32)).variables})
    assert environment() == {}
    assert "Nothing answers with TLS" in capsys.readouterr().err


def test_without_keys_the_number_is_noted_and_an_earlier_class_is_left(home: Path, tmp_path: Path) -> None:
    with class_sandbox(tmp_path / "class", students=1) as sandbox:
        join(class_keys(sandbox)[0].variables)
    join({"LABKIT_STUDENT": "3"})
    assert joined(home) == {}
    assert left_in_environment() == set()
    assert Notes(home / "notes.json").get("student") == "3"


def test_a_user_who_is_not_a_student_keeps_a_class_joined_by_hand(home: Path, tmp_path: Path) -> None:
    with class_sandbox(tmp_path / "class", students=1) as sandbox:
        join(class_keys(sandbox)[0].variables)
    join({})
    assert joined(home) != {}
