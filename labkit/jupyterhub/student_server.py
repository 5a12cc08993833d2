"""A student's JupyterLab behind a JupyterHub, with what `labkit lab` gives: chapters, settings, aws in the terminal."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from labkit import jupyterlab
from labkit.clients import sandbox_process
from labkit.clients.notes import Notes
from labkit.environment import settings
from labkit.model.settings import Settings

CLONE = Path(__file__).resolve().parents[2]
CHAPTERS = ("notebooks", "images")


def run() -> None:
    """Run the student's server in this process until it ends; what is the student's lies below the current folder.

    Where no service of the class was named, the student has a sandbox, which starts and ends with the server.
    """
    jupyterlab.skip_needless_imports()
    note_number()
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


def note_number() -> None:
    """Note the student number that the hub gives.

    It does not stay in the environment, where it would mean that nobody is there to fill in forms.
    """
    if number := os.environ.pop("LABKIT_STUDENT", ""):
        Notes(settings().home / "notes.json").save(student=number)


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
