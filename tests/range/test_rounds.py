"""The same round of the lab as the current user, as an ordinary user, and in the lower tiers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.range.ranges import ROOT

HERE = Path(__file__).parent
ORDINARY_UID = 64123
REFUSED_FIRST_THEN_ALLOWED_THEN_DENIED = [28, 0, 28, 28, 0]


def play(folder: Path, *before: str, root: Path = ROOT, python: str = sys.executable, **options: Any) -> dict[str, Any]:
    """One round in a process of its own, started by the command `before`."""
    script = root / "tests" / "range" / "round.py"
    ended = subprocess.run(
        [*before, python, str(script), str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(root), **options.pop("env", {})},
        **options,
    )
    assert ended.returncode == 0, ended.stderr
    return dict(json.loads(ended.stdout))


def check_that_curl_met_the_entries(told: Mapping[str, Any]) -> None:
    assert told["codes"] == [*REFUSED_FIRST_THEN_ALLOWED_THEN_DENIED, 0, 6, 7]
    assert "203.0.113.10" in told["addresses"]
    assert told["event"]["program"]["args"] == ["curl", "-sS", "--connect-timeout", "1", "dadismad.com"]
    assert told["denied by 1"] >= 1
    assert [True, 1] in told["drops"] and [False, 1] in told["drops"]
    assert (told["left"], told["folder"]) == ([], False)


def check_that_programs_ran(told: Mapping[str, Any]) -> None:
    assert told["really"] and told["ran"] == str(told["uid"]) == str(told["event"]["program"]["uid"])
    assert told["python"] == "answered\n"
    assert told["python denied"] == ["TimeoutError: [Errno 110] Connection timed out"]


@pytest.mark.tier_1
def test_tier_1_as_the_current_user(folder: Path):
    told = play(folder)

    assert (told["tier"], told["why"]) == (1, "")
    check_that_curl_met_the_entries(told)
    check_that_programs_ran(told)


@pytest.mark.tier_1
def test_tier_1_as_an_ordinary_user(folder: Path):
    told = play(folder, **as_ordinary_user(folder.parent))

    assert (told["tier"], told["why"]) == (1, "")
    assert told["uid"] != 0
    check_that_curl_met_the_entries(told)
    check_that_programs_ran(told)


@pytest.mark.tier_1
def test_tier_1_without_mounting_imitates_the_machines_own_resolvers(folder: Path):
    told = play(folder, sys.executable, str(HERE / "jail.py"), "--mount")

    assert (told["tier"], told["why"]) == (1, "")
    check_that_curl_met_the_entries(told)
    check_that_programs_ran(told)


def test_tier_2_in_a_jail_like_dockers(folder: Path):
    told = play(folder, sys.executable, str(HERE / "jail.py"))

    assert told["tier"] == 2
    assert "unshare: Operation not permitted" in told["why"]
    check_that_curl_met_the_entries(told)
    check_that_programs_ran(told)


def test_tier_2_as_an_ordinary_user_in_a_jail_like_dockers(folder: Path):
    options = as_ordinary_user(folder.parent)
    jail = options["root"] / "tests" / "range" / "jail.py"

    told = play(folder, options["python"], str(jail), **options)

    assert told["tier"] == 2
    assert told["uid"] != 0
    check_that_curl_met_the_entries(told)
    check_that_programs_ran(told)


def test_tier_3_runs_no_program_and_has_the_same_outcomes(folder: Path):
    told = play(folder, env={"LABKIT_RANGE_TIER": "3"})

    assert told["tier"] == 3
    assert "LABKIT_RANGE_TIER=3" in told["why"]
    assert not told["really"]
    check_that_curl_met_the_entries(told)


def as_ordinary_user(place: Path) -> dict[str, Any]:
    """How a round is played by somebody without any power: as oneself, or, for root, as another with a copy to read."""
    if os.getuid() != 0:
        return {"root": ROOT, "python": sys.executable}
    root = place / "copy"
    for name in ("labkit", "tests/range"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("*.ipynb"))
    place.chmod(0o777)
    who = {"user": ORDINARY_UID, "group": ORDINARY_UID, "extra_groups": []}
    return {"root": root, "python": a_python_for(who), "cwd": str(root), "env": {"HOME": str(root)}, **who}


def a_python_for(who: dict[str, Any]) -> str:
    """One that this user may run: root's own often lies in root's home."""
    enough = "import sys; sys.exit(sys.version_info < (3, 11))"
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        try:
            if subprocess.run([python, "-c", enough], cwd="/", check=False, **who).returncode == 0:
                return python
        except OSError:
            continue
    pytest.fail("No Python 3.11 that an ordinary user may run: install python3.")
