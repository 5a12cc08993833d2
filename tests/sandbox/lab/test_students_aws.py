"""The student's own AWS set-up: in sandbox mode it has no influence in any process, and it is back for live AWS."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import botocore
import pytest
from botocore.session import Session

from labkit import steps
from labkit.lab.lab import Lab, open_lab
from labkit.services import own_process, sandbox_process
from labkit.services.environment import own_environment
from labkit.steps.readiness import readiness
from labkit.steps.session import open_session
from labkit.views.forms.parts import Form
from tests.sandbox.lab.test_cli import labkit

_NAMED = (names for _, names, _, _ in Session.SESSION_VARIABLES.values())
_READ = "".join(file.read_text() for file in Path(botocore.__file__).parent.glob("*.py"))
KNOWN = sorted(
    {name for names in _NAMED for name in ([names] if isinstance(names, str) else names or [])}
    | set(re.findall(r"\b(?:AWS|BOTO)_[A-Z0-9_]*[A-Z0-9]\b", _READ))
)
"""Every variable that botocore reads."""

OWN_KEY = "AKIASTUDENTSOWNKEY77"


@pytest.fixture
def own(lab_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home with broken AWS files, keys of a real account, and each variable that botocore knows set to nonsense."""
    (tmp_path / ".aws").mkdir()
    for name in ("config", "credentials"):
        (tmp_path / ".aws" / name).write_text("[default\nthis is = [no profile\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in KNOWN:
        monkeypatch.setenv(name, "no-such-thing")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_EC2"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", OWN_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s" * 40)
    yield tmp_path
    list(steps.reset(open_session(), steps.STEPS))


@pytest.fixture
def lab(own: Path) -> Lab:
    return open_lab()


@pytest.mark.parametrize("name", KNOWN)
def test_a_variable_of_awss_tools_reaches_no_process_of_the_lab(
    lab_home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "no-such-thing")
    for name_in, environment in (("own", own_environment()), ("shell", _as_in_a_shell())):
        assert environment.get(name) != "no-such-thing", name_in


def _as_in_a_shell() -> dict[str, str]:
    opened = open_lab()
    try:
        assert opened._session.backend.region == ""
        return dict(os.environ)
    finally:
        own_process.leave()


def test_a_step_is_solved_whatever_is_in_the_students_aws_set_up(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_HOME", str(own / "lab"))
    try:
        assert labkit("solve", "vpc").exit_code == 0
    finally:
        sandbox_process.stop(own / "lab")
    assert (own / ".aws" / "config").read_text() == "[default\nthis is = [no profile\n"


def test_a_program_started_from_a_cell_reaches_the_lab_and_never_the_students_account(lab: Lab) -> None:
    lab.enter_student_number(7)
    keys = lab._session.backend.aws.cloud_account()
    assert keys is not None
    lab.enter_aws_keys(keys.access_key_id, keys.secret_access_key)
    asked = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
    ran = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "123456789012"


def test_before_the_lab_has_keys_a_program_started_from_a_cell_has_none(lab: Lab) -> None:
    asked = "import boto3; print(boto3.Session().get_credentials())"
    ran = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "None"
    line = next(line for line in readiness(lab._session) if line.title == "AWS account")
    assert (line.state, line.found) == ("ready", "none active yet, as expected")


def test_with_real_keys_exported_the_form_is_shown(lab: Lab) -> None:
    lab.enter_student_number(7)
    assert isinstance(lab.enter_aws_keys(), Form)


def test_a_student_number_alone_makes_the_chapters_run_unattended(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_STUDENT", "7")
    lab = open_lab()
    lab.enter_student_number()
    assert "account 123456789012" in repr(lab.enter_aws_keys())


def test_switching_to_live_gives_the_student_back_their_own_variables(lab: Lab) -> None:
    assert "AWS_ACCESS_KEY_ID" not in os.environ
    own_process.leave()
    assert os.environ["AWS_ACCESS_KEY_ID"] == OWN_KEY


def test_readiness_reports_terminals_that_are_not_the_labs(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VSCODE_PID", "1")
    line = next(line for line in readiness(lab._session) if line.title == "AWS account")
    assert line.state == "remark"
    assert re.search(r'eval "\$\(\S*labkit env\)"', line.next_step)
    assert 'env)"' in repr(lab._opening())
