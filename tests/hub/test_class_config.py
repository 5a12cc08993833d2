"""Which user is which student, who gets which keys, and the messages about missing settings."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from traitlets.config import Config, PyFileConfigLoader

from labkit.classroom.hub import class_config
from labkit.classroom.hub.class_config import NoPlace, give_place, number_of, students
from labkit.files import write_private

KEYS = """
LABKIT_STUDENT=1
AWS_ACCESS_KEY_ID=AKIA1
TS_API_KEY=key-of-1

LABKIT_STUDENT=7
AWS_ACCESS_KEY_ID=AKIA7
TS_API_KEY=key-of-7
"""


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The list of a class with places 1 and 7."""
    path = tmp_path / "class-keys"
    write_private(path, KEYS)
    monkeypatch.setenv("LABKIT_CLASS_KEYS", str(path))
    return path


def spawner(name: str, admin: bool = False) -> SimpleNamespace:
    """What the hook sees of JupyterHub's spawner."""
    return SimpleNamespace(user=SimpleNamespace(name=name, admin=admin), environment={"LANG": "C.UTF-8"})


def test_a_student_gets_only_their_own_keys(keys: Path) -> None:
    seventh = spawner("student7")
    give_place(seventh)
    own = {"LABKIT_STUDENT": "7", "AWS_ACCESS_KEY_ID": "AKIA7", "TS_API_KEY": "key-of-7"}
    assert seventh.environment == {"LANG": "C.UTF-8", **own}


def test_the_number_of_students_is_the_number_of_keys_unless_set(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert students() == [f"student{number}" for number in range(1, 8)]
    monkeypatch.setenv("LABKIT_CLASS_STUDENTS", "2")
    assert students() == ["student1", "student2"]


def test_a_list_of_names_numbers_students_in_order(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_CLASS_STUDENTS", "ada, grace,linus")
    assert [number_of(name) for name in ("ada", "grace", "linus", "student1")] == [1, 2, 3, None]


@pytest.mark.parametrize("name", ["another7", "student07", "student7x", "student", "student8"])
def test_a_name_that_only_resembles_a_students_gets_nothing(keys: Path, name: str) -> None:
    stranger = spawner(name)
    with pytest.raises(NoPlace, match="not on the list"):
        give_place(stranger)
    assert stranger.environment == {"LANG": "C.UTF-8"}


def test_an_administrator_who_is_not_a_student_gets_no_keys(keys: Path) -> None:
    instructor = spawner("instructor", admin=True)
    give_place(instructor)
    assert instructor.environment == {"LANG": "C.UTF-8"}


def test_a_student_without_a_place_gets_a_message_without_any_key(keys: Path) -> None:
    with pytest.raises(NoPlace) as refused:
        give_place(spawner("student3"))
    assert "no place for student 3" in refused.value.jupyterhub_message
    assert "key-of" not in refused.value.jupyterhub_message


def test_a_world_readable_list_is_not_used(keys: Path) -> None:
    keys.chmod(0o644)
    with pytest.raises(NoPlace, match="chmod 600"):
        give_place(spawner("student7"))


def test_new_keys_need_no_new_hub(keys: Path) -> None:
    write_private(keys, KEYS.replace("AKIA7", "AKIANEW"))
    seventh = spawner("student7")
    give_place(seventh)
    assert seventh.environment["AWS_ACCESS_KEY_ID"] == "AKIANEW"


def test_without_a_list_of_keys_each_student_has_a_number_and_a_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_CLASS_STUDENTS", "3")
    third = spawner("student3")
    give_place(third)
    assert third.environment == {"LANG": "C.UTF-8", "LABKIT_STUDENT": "3"}


def test_a_hub_without_students_does_not_start() -> None:
    with pytest.raises(SystemExit, match="LABKIT_CLASS_STUDENTS"):
        class_config.configure(SimpleNamespace(Spawner=SimpleNamespace(), Authenticator=SimpleNamespace()))


def test_the_littlest_jupyterhub_reads_the_file_after_its_own_settings(keys: Path, tmp_path: Path) -> None:
    """Source: the-littlest-jupyterhub, tljh/jupyterhub_config.py."""
    own = tmp_path / "jupyterhub_config.py"
    own.write_text(f"c.JupyterHub.spawner_class = 'its own'\nload_subconfig({class_config.__file__!r})\n")
    c = PyFileConfigLoader(str(own)).load_config()
    assert c.JupyterHub == {"spawner_class": "its own"}
    assert c.Spawner.cmd == ["python3", "-P", "-m", "labkit.classroom.hub"]
    assert "student7" in c.Authenticator.allowed_users


def test_zero_to_jupyterhub_reads_the_file_among_its_own_names(keys: Path) -> None:
    """Its configuration executes the file in its own namespace, where `get_config` is another function.

    Source: zero-to-jupyterhub-k8s, jupyterhub/files/hub/jupyterhub_config.py.
    """
    c = Config()
    path = Path(class_config.__file__)
    exec(compile(path.read_text(), path.name, "exec"), {"c": c, "get_config": lambda key, default=None: default})
    assert c.Spawner.cmd[1:] == ["-P", "-m", "labkit.classroom.hub"]
    seventh = spawner("student7")
    c.Spawner.pre_spawn_hook(seventh)
    assert seventh.environment["TS_API_KEY"] == "key-of-7"


def test_it_needs_nothing_of_the_lab_so_that_a_hub_without_the_lab_can_read_it() -> None:
    tree = ast.parse(Path(class_config.__file__).read_text())
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert {name.split(".")[0] for name in imported} <= set(sys.stdlib_module_names)
