"""`labkit lab`: JupyterLab on a chapter of the lab."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import click

from labkit.backends.wing import classroom
from labkit.jupyter.announce import address, announce, opener, show
from labkit.jupyter.chapters import chapter_path, last_path
from labkit.jupyter.lay_out import open_folder
from labkit.jupyter.loading import load_jupyterlab
from labkit.jupyter.options import arguments, configure, large_type
from labkit.model.settings import Settings
from labkit.sandbox.classroom import settings as class_settings
from labkit.services import jupyter_server, sandbox_process
from labkit.services.environment import settings
from labkit.services.notes import Notes

TYPE_SIZE_HINT = "To change its type size: Settings > Theme > Increase … Font Size.\n"


def run(port: int | None, open_browser: bool, chapter: str = "", large: bool = False, here: Path | None = None) -> None:
    """Run JupyterLab in this process until it ends. A sandbox started here ends with it, unless it serves a class.

    chapter: its number; by default the one that was open last, or the first. large: in large type. here: the folder
    for the chapters. If both services run
    elsewhere, no sandbox is started; in a class, the student's host is.
    If the lab's JupyterLab is already running and no port is given, the chapter opens there. The sandbox starts while
    JupyterLab is loaded. Raises LabError if the chapters cannot be written, no port is free, or the sandbox does not
    start; InvalidInput if there is no such chapter.
    """
    folder, home = open_folder(here), settings().home
    noted = Notes(home / "notes.json").get("open_chapter")
    path = chapter_path(folder, chapter) if chapter else last_path(folder, noted)
    if port is None and (server := jupyter_server.server_of_home(home, folder)) is not None:
        show(address(server, path), home if open_browser else None)
        if large:
            click.echo(TYPE_SIZE_HINT)
        return
    here = _served_here(settings())
    starting = None if here is None else sandbox_process.PendingStart(here, parent=os.getpid())
    try:
        application = load_jupyterlab()
        if starting is not None:
            starting.finish()
            threading.Thread(target=keep_alive, args=(here,), daemon=True).start()
        from labkit.steps.session import open_session

        configure(open_session().backend.environment())
        options = arguments(folder, port, path, open_browser)
        jupyter_server.note_server(home)
        threading.Thread(target=announce, args=(home, folder, path), daemon=True).start()
        application.launch_instance(argv=[*options, *(large_type(application) if large else ())])
    finally:
        jupyter_server.forget_server(home)
        opener(home).unlink(missing_ok=True)
        if here and starting and starting.process is not None and class_settings.load(here) is None:
            sandbox_process.stop(here)


def _served_here(wanted: Settings) -> Path | None:
    """The home of what this machine runs: the sandbox, or a student's host in a class. None if nothing runs here."""
    if not (wanted.aws == "live" and wanted.detection == "live"):
        return wanted.home
    return classroom().host_folder(wanted) if wanted.joined else None


def keep_alive(home: Path) -> None:
    """Restart the sandbox of this home, or the student's host, if it dies."""
    while True:
        time.sleep(1)
        sandbox_process.revive(home, os.getpid())
