"""A student's JupyterLab behind a JupyterHub, with what `labkit lab` gives: chapters, settings, aws in the terminal."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from labkit import jupyterlab
from labkit.clients import class_join, sandbox_process
from labkit.clients.notes import Notes
from labkit.environment import settings
from labkit.model.classroom import ClassKeys
from labkit.model.errors import LabError
from labkit.model.settings import Settings

CLONE = Path(__file__).resolve().parents[2]
CHAPTERS = ("notebooks", "images")
BLOCK = (
    "LABKIT_AWS", "LABKIT_DETECTION", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
    "LABKIT_DETECTION_URL", "TS_USER_ID", "TS_ORGANIZATION_ID", "TS_API_KEY", "LABKIT_CERTIFICATE",
)  # fmt: skip
"""The names of a block of keys, LABKIT_STUDENT aside."""


def run() -> None:
    """Run the student's server in this process until it ends; what is the student's lies below the current folder.

    Where no service of the class was named, the student has a sandbox, which starts and ends with the server.
    """
    jupyterlab.skip_needless_imports()
    take_place()
    lay_out_chapters(CLONE, Path.cwd())
    wanted = settings()
    starting = None if _is_served(wanted) else sandbox_process.Starting(wanted.home, parent=os.getpid())
    try:
        main = _load_server()
        if starting is not None:
            starting.finish()
            threading.Thread(target=jupyterlab.keep_alive, args=(wanted.home,), daemon=True).start()
        jupyterlab.set_environment(environment())
        main()
    finally:
        if starting is not None and starting.process is not None:
            sandbox_process.stop(wanted.home)


def take_place() -> None:
    """Join the class with the block of keys that the hub put into the environment, which then holds none of it; leave
    the one of another time where the hub gives none.

    Where the class's sandbox does not answer now, its address and keys stay in the environment, for when it does. The
    number does not: there it would mean that nobody is there to fill in forms.
    """
    home, number = settings().home, os.environ.pop("LABKIT_STUDENT", "")
    if number and os.environ.get("LABKIT_DETECTION_URL"):
        block = {"LABKIT_STUDENT": number} | {name: os.environ[name] for name in BLOCK if name in os.environ}
        try:
            class_join.join(home, ClassKeys.parse("\n".join(f"{name}={value}" for name, value in block.items())))
        except LabError as error:
            sys.stderr.write(f"The class was not joined. {error}\n")
        else:
            for name in BLOCK:
                os.environ.pop(name, None)
    elif number:
        class_join.leave(home)
    if number:
        Notes(home / "notes.json").save(student=number)


def lay_out_chapters(clone: Path, folder: Path) -> None:
    """Put the chapters of the clone that the lab was installed from into the student's folder, never over a file."""
    for name in CHAPTERS:
        if (clone / name).is_dir() and clone != folder:
            shutil.copytree(clone / name, folder / name, copy_function=_copy_new, dirs_exist_ok=True)


def _copy_new(source: str, target: str) -> None:
    if not os.path.exists(target):
        shutil.copyfile(source, target)


def environment() -> dict[str, str]:
    """The variables of kernels and terminals: the lab's own, and the region, which `aws` does not guess."""
    from labkit import backends

    world = backends.open_world()
    asked = {"AWS_DEFAULT_REGION": world.region} if world.opened.ask_first else {}
    return {**asked, **world.opened.environment()}


def _is_served(wanted: Settings) -> bool:
    return wanted.aws == "live" and wanted.detection == "live"


def _load_server() -> Callable[[], None]:
    """JupyterHub's server for one user, with JupyterLab on the first chapter."""
    jupyterlab.load_jupyterlab()
    from jupyterhub.singleuser import main

    if Path(jupyterlab.FIRST_CHAPTER).is_file():
        os.environ.setdefault("JUPYTERHUB_DEFAULT_URL", f"/lab/tree/{jupyterlab.FIRST_CHAPTER}")
    sys.argv.append(jupyterlab.shell_argument())
    return main
