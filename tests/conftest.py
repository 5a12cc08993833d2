"""What holds for every test: no real account is reached, nothing of the user's own is read or written, Ctrl-C works.

It is set before anything is imported, so that kernels, the sandbox and the AWS CLI started by a test inherit it.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest_plugins = ["tests.left_out", "tests.tier_1", "tests.distribution"]
HOME = Path(tempfile.mkdtemp(prefix="labkit-tests-"))
NOBODY_LISTENS = "http://127.0.0.1:9"


def pytest_configure() -> None:
    # A shell that runs tests in its background ignores these, and every program started by a test would, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    # A run starts some hundred Pythons; without bytecode each would compile the same packages again.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ.pop("COLUMNS", None)  # pytest-xdist sets it, and the lab's lines would break there
    for name in [name for name in os.environ if name.startswith(("AWS_", "TS_", "LABKIT_", "JUPYTER", "IPYTHON"))]:
        del os.environ[name]
    (HOME / "aws-config").write_text(f"[default]\nregion = us-east-1\nendpoint_url = {NOBODY_LISTENS}\n")
    (HOME / "aws-credentials").write_text("[default]\naws_access_key_id = none\naws_secret_access_key = none\n")
    os.environ.update(
        LABKIT_HOME=str(HOME / "lab"),
        AWS_CONFIG_FILE=str(HOME / "aws-config"),
        AWS_SHARED_CREDENTIALS_FILE=str(HOME / "aws-credentials"),
        AWS_EC2_METADATA_DISABLED="true",
        JUPYTER_CONFIG_DIR=str(HOME / "jupyter-config"),
        JUPYTER_DATA_DIR=str(HOME / "jupyter-data"),
        JUPYTER_RUNTIME_DIR=str(HOME / "jupyter-runtime"),
        IPYTHONDIR=str(HOME / "ipython"),
        NO_PROXY="*",
        no_proxy="*",
    )
    sys.addaudithook(refuse_other_hosts)


def pytest_unconfigure() -> None:
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def nothing_runs_on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A sandbox or a host that a test left running, which others would share the processor with for hours, is ended."""
    yield
    import psutil

    top = str(tmp_path_factory.getbasetemp())
    for process in psutil.process_iter(["cmdline"]):
        if any(word.startswith(top) for word in process.info["cmdline"] or ()):
            process.terminate()


@pytest.fixture(autouse=True)
def own_environment_again() -> Iterator[None]:
    """A test that opens the lab in this process does not change the environment of the next."""
    before = dict(os.environ)
    yield
    if (own_process := sys.modules.get("labkit.services.own_process")) is not None:
        own_process.leave()
    for name in os.environ.keys() - before.keys() - {"PYTEST_CURRENT_TEST"}:
        del os.environ[name]
    os.environ.update({name: value for name, value in before.items() if name != "PYTEST_CURRENT_TEST"})
    if (boto3 := sys.modules.get("boto3")) is not None:
        boto3.DEFAULT_SESSION = None  # it keeps the profile that the environment named when it was made


def refuse_other_hosts(event: str, arguments: tuple) -> None:
    """Let this process connect to this machine only; an address that is a path is a socket file."""
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = str(arguments[1][0])
        if not host.startswith("127.") and host not in {"::1", "localhost"}:
            raise PermissionError(f"A test tried to connect to {host}; tests stay on this machine.")
