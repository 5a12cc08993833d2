"""One hub, started once, with five students at it at once.

Without JupyterHub and its proxy these tests cannot run.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest

from labkit.services.running_sandbox import Sandbox
from tests.hub import class_keys
from tests.hub.at_the_hub import AtTheHub, RemoteKernel
from tests.hub.running_hub import CONFIG, RunningHub
from tests.left_out import leave_out
from tests.sandbox.student import users

HOW_TO_GET_A_HUB = (
    "They need JupyterHub and its proxy: install .[class] into this Python, "
    "then python -m labkit.classroom.hub.get_proxy"
)
MADE_UP = "made-up-by-student{}"
MARKER = "hub: needs JupyterHub and its proxy"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    beside = str(Path(sys.executable).parent)
    has_proxy = shutil.which("configurable-http-proxy", path=os.pathsep.join([beside, os.environ["PATH"]]))
    left_out = [item for item in items if item.get_closest_marker("hub")]
    if not left_out or (has_proxy and find_spec("jupyterhub")):
        return
    leave_out(config, items, left_out, "tests of the hub", HOW_TO_GET_A_HUB)


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder through which every user of this machine may pass, as a class's would be."""
    folder = Path(tempfile.mkdtemp(prefix="labkit-hub-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The one that the class shares."""
    with class_keys.class_sandbox(tmp_path_factory.mktemp("shared"), students=5) as running:
        yield running


@pytest.fixture(scope="session")
def hub(open_folder: Path, sandbox: Sandbox) -> Iterator[RunningHub]:
    """A hub in which each student makes up a password at the first login."""
    keys = open_folder / "class-keys"
    class_keys.write(keys, sandbox)
    running = RunningHub(open_folder, {"LABKIT_HUB_AUTHENTICATOR": "firstuse", "LABKIT_CLASS_KEYS": str(keys)})
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def ordinary_hub() -> Iterator[RunningHub]:
    """A hub of an ordinary user, with the instructor's own lines after the lab's; each in it has a sandbox."""
    user = users()[-1]
    top = Path(tempfile.mkdtemp(prefix="labkit-hub-"))
    config = top / "my_hub.py"
    config.write_text(f"load_subconfig({str(CONFIG)!r})\nc.Authenticator.admin_users = {{'instructor'}}\n")
    os.chown(top, user.pw_uid, user.pw_gid)
    variables = {"LABKIT_HUB_AUTHENTICATOR": "firstuse", "LABKIT_CLASS_STUDENTS": "2"}
    running = RunningHub(top, variables, config, user if user.pw_uid != os.getuid() else None)
    running.start()
    yield running
    running.stop()
    shutil.rmtree(top)


@pytest.fixture
def impatient_hub(open_folder: Path) -> Iterator[RunningHub]:
    """A hub that stops a server after two seconds without use."""
    top = open_folder / "impatient"
    top.mkdir(mode=0o711)
    config = top / "my_hub.py"
    config.write_text(f"load_subconfig({str(CONFIG)!r})\nc.JupyterHub.services[0]['command'][-1] = '--timeout=2'\n")
    variables = {"LABKIT_HUB_AUTHENTICATOR": "firstuse", "LABKIT_CLASS_STUDENTS": "1"}
    running = RunningHub(top, variables, config)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def students(hub: RunningHub) -> list[AtTheHub]:
    """Five students, all of whom come at the same time."""
    five = [AtTheHub(hub.url, f"student{number}") for number in range(1, 6)]
    for number, student in enumerate(five, 1):
        assert student.log_in(MADE_UP.format(number))
    with ThreadPoolExecutor(len(five)) as at_once:
        list(at_once.map(AtTheHub.open_server, five))
    return five


@pytest.fixture(scope="session")
def kernels(students: list[AtTheHub]) -> Iterator[list[RemoteKernel]]:
    """A kernel of each, in which part 2 was solved by all at the same time."""
    with ThreadPoolExecutor(len(students)) as at_once:
        running = list(at_once.map(AtTheHub.start_kernel, students))
        solved = list(at_once.map(solve_part_2, running))
    assert [output for output in solved if "8 of 8 steps done" not in output] == []
    yield running
    for kernel in running:
        kernel.close()


def solve_part_2(kernel: RemoteKernel) -> str:
    """What the cell shows."""
    return kernel.run('from labkit import open_lab\nlab = open_lab()\nlab.solve("2")').text
