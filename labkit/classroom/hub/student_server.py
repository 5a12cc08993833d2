"""A student's JupyterLab behind JupyterHub, set up like `labkit lab`: chapters, settings, aws in the terminal."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from labkit.classroom import backend as joined
from labkit.classroom import host_process, join
from labkit.classroom.class_keys import ClassKeys
from labkit.jupyter import launch, loading, options
from labkit.jupyter.chapters import FIRST_CHAPTER, shipped
from labkit.jupyter.lay_out import lay_out
from labkit.model.errors import InvalidInput, LabError, ServiceUnreachable
from labkit.services import sandbox_process
from labkit.services.environment import LABKIT, settings
from labkit.services.notes import Notes
from labkit.views.terminal import echo

BLOCK = (
    "LABKIT_STUDENT", "LABKIT_AWS", "LABKIT_DETECTION", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY", "LABKIT_DETECTION_URL", "TS_USER_ID", "TS_ORGANIZATION_ID", "TS_API_KEY",
    "LABKIT_CERTIFICATE",
)  # fmt: skip
"""The names in a student's block of keys."""

AGAIN_SECONDS = 5.0


def run() -> None:
    """Run the student's server in this process until it ends. The student's files are below the current folder.

    With a block of keys in the environment, it joins the class while Jupyter loads, and starts the student's host.
    Without one, it starts a sandbox. Either ends with the server.
    """
    loading.skip_needless_imports()
    lay_out(shipped(), Path.cwd())
    home, keys = settings().home, take_keys()
    joining = Joining(keys)
    starting = None if joining.is_class else sandbox_process.PendingStart(home, parent=os.getpid())
    try:
        main = _load_server()
        joining.finish()
        if starting is not None:
            starting.finish()
            threading.Thread(target=launch.keep_alive, args=(home,), daemon=True).start()
        else:
            threading.Thread(target=keep_host, daemon=True).start()
        options.set_environment(environment())
        main()
    finally:
        if starting is not None and starting.process is not None:
            sandbox_process.stop(home)
        host_process.stop(home)


def keep_host() -> None:
    """Start the student's host, restart it if it dies, and try again while it does not start."""
    while True:
        with contextlib.suppress(LabError):  # the host's users see the error
            folder = joined.host_folder(settings())
            if folder is None:
                return
            sandbox_process.start(folder, parent=os.getpid())
            launch.keep_alive(folder)
        time.sleep(AGAIN_SECONDS)


def take_keys() -> dict[str, str]:
    """Remove the block of keys, which the hub set, from the environment, and return it."""
    return {name: os.environ.pop(name) for name in BLOCK if name in os.environ}


class Joining:
    """`labkit join` in a separate process, so that the server does not load the AWS library.

    keys: the student's block, or only the number if the hub gives no keys; then an earlier class is left.
    """

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._keys = keys
        self._process = _start_joining(keys) if "LABKIT_DETECTION_URL" in keys else None

    @property
    def is_class(self) -> bool:
        """Whether the hub gave the student keys."""
        return self._process is not None

    def finish(self) -> None:
        """Wait until it ends. Its messages are in the server's log.

        The keys are kept even if the class's sandbox does not answer now; later, the lab reports keys that the sandbox
        refuses. An invalid block goes back into the environment, but without the number: in the environment it would
        disable the forms.
        """
        number, home = self._keys.get("LABKIT_STUDENT"), settings().home
        if self._process is not None and self._process.wait() == 0:
            return
        try:
            if self._process is not None:
                join.keep(home, ClassKeys.parse(_block(self._keys)))
                return
        except InvalidInput:
            os.environ.update({name: value for name, value in self._keys.items() if name != "LABKIT_STUDENT"})
        if number:
            join.leave(home)
            Notes(home / "notes.json").save(student=number)


def _start_joining(keys: Mapping[str, str]) -> subprocess.Popen[str]:
    """The process reads the keys from standard input, since every user can read arguments."""
    command = [*LABKIT, "join"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert process.stdin is not None
    with process.stdin as block:
        block.write(_block(keys))
    return process


def _block(keys: Mapping[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in keys.items())


def environment() -> dict[str, str]:
    """The variables for kernels and terminals: the lab's, and the region, which `aws` needs."""
    from labkit.steps.session import open_session

    try:
        session = open_session()
    except ServiceUnreachable as error:  # the class's certificate cannot be fetched yet; the lab reports it when used
        echo(str(error), err=True)
        return {}
    region = {"AWS_DEFAULT_REGION": session.region} if session.backend.aws.asks_first else {}
    return {**region, **session.backend.environment()}


def _load_server() -> Callable[[], None]:
    """JupyterHub's server for one user, with JupyterLab on the first chapter."""
    loading.load_jupyterlab()
    from jupyterhub.singleuser import main

    if Path(FIRST_CHAPTER).is_file():
        os.environ.setdefault("JUPYTERHUB_DEFAULT_URL", f"/lab/tree/{FIRST_CHAPTER}")
    sys.argv.append(options.shell_argument())
    return main
