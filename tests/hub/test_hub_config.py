"""The configuration of a hub on one machine, read as JupyterHub reads it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from traitlets.config import Config, PyFileConfigLoader

from tests.hub.running_hub import CONFIG

pytestmark = pytest.mark.hub


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's folder; who the students are and how they log in has been said."""
    monkeypatch.setenv("LABKIT_CLASS_STUDENTS", "3")
    monkeypatch.setenv("LABKIT_HUB_PASSWORD", "known-to-all")
    monkeypatch.setenv("LABKIT_HUB_FOLDER", str(tmp_path / "class"))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    return tmp_path / "class"


def read() -> Config:
    return PyFileConfigLoader(str(CONFIG)).load_config()


def test_it_answers_only_on_this_machine_by_default(folder: Path) -> None:
    assert read().JupyterHub.bind_url == "http://127.0.0.1:8000"


def test_only_students_may_log_in(folder: Path) -> None:
    assert read().Authenticator.allowed_users == {"student1", "student2", "student3"}


def test_the_instructor_has_to_choose_how_students_log_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LABKIT_HUB_PASSWORD")
    with pytest.raises(SystemExit, match=r"LABKIT_HUB_AUTHENTICATOR=firstuse.*LABKIT_HUB_PASSWORD"):
        read()
    monkeypatch.setenv("LABKIT_HUB_AUTHENTICATOR", "pam")
    assert read().JupyterHub.authenticator_class == "pam"


def test_only_the_hub_can_read_its_own_files(folder: Path) -> None:
    config = read()
    assert (folder / "hub").stat().st_mode & 0o777 == 0o700
    kept = (config.JupyterHub.db_url, config.JupyterHub.cookie_secret_file, config.FirstUseAuthenticator.dbm_path)
    assert all(f"{folder}/hub/" in path for path in kept)


def test_a_strict_umask_does_not_lock_students_out(folder: Path) -> None:
    before = os.umask(0o077)
    try:
        read()
    finally:
        os.umask(before)
    assert [(folder / name).stat().st_mode & 0o777 for name in (".", "hub", "students")] == [0o711, 0o700, 0o711]


def test_without_the_proxy_it_says_how_to_get_one(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match=r"labkit\.classroom\.hub\.get_proxy"):
        read()


def test_a_folder_that_linux_users_could_not_reach_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    with pytest.raises(SystemExit, match="may not pass through"):
        read()


def test_servers_that_nobody_uses_are_stopped_by_a_service_that_may_do_no_more(folder: Path) -> None:
    hub = read().JupyterHub
    (service,), (role,) = hub.services, hub.load_roles
    assert service["command"][1:] == ["-P", "-m", "jupyterhub_idle_culler", "--timeout=7200"]
    assert role["services"] == [service["name"]]
    assert set(role["scopes"]) == {"list:users", "read:users:activity", "read:servers", "delete:servers"}


@pytest.mark.parametrize(
    ("given", "shown"),
    [("1", "student1"), ("30", "student1 to student30"), ("ada grace linus", "ada, grace, linus")],
)
def test_the_login_page_names_the_students(
    folder: Path, monkeypatch: pytest.MonkeyPatch, given: str, shown: str
) -> None:
    monkeypatch.setenv("LABKIT_CLASS_STUDENTS", given)
    assert read().JupyterHub.template_vars["student_names"] == shown
