"""`labkit lab`: JupyterLab on a chapter of the lab."""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from labkit.backends.wing import classroom
from labkit.jupyter.address import LabAddress, accept_stripped_path, require_login
from labkit.jupyter.announce import address, announce, opener, show
from labkit.jupyter.chapters import chapter_path, last_path
from labkit.jupyter.lay_out import open_folder
from labkit.jupyter.loading import load_jupyterlab
from labkit.jupyter.options import PORTS, arguments, close_file_list, configure, free_port, large_type, workspaces
from labkit.model.errors import LabError
from labkit.model.settings import Settings
from labkit.sandbox.classroom import settings as class_settings
from labkit.services import jupyter_server, sandbox_process
from labkit.services.environment import settings
from labkit.services.notes import Notes
from labkit.views.terminal import echo

NOT_WORTH_SAYING = (
    "websocket_ping_timeout",  # jupyter-server gives Tornado milliseconds for seconds
    "is not trusted",  # a saved chapter, until it was run here
    "No web browser found",  # the address is printed anyway
    "received signal",  # it came from whoever ends the lab
    # A tab was closed before its kernel had started (jupyter-server 2.21):
    "Uncaught exception GET /api/kernels/",
    "500 GET /api/kernels/",
    '"User-Agent":',
)
"""In warnings of JupyterLab's that do not belong into the window."""

TYPE_SIZE_HINT = "To change its type size: Settings > Theme > Increase … Font Size.\n"


@dataclass(frozen=True)
class LabOptions:
    """The options of `labkit lab`.

    chapter: its number; by default the one that was open last, or the first. large: in large type. here: the folder for
    the chapters. yes: do not ask before other computers can reach the lab.
    """

    port: int | None = None
    browser: bool = True
    chapter: str = ""
    large: bool = False
    here: Path | None = None
    yes: bool = False


def run(wanted: LabOptions, where: LabAddress) -> None:
    """Run JupyterLab in this process until it ends. A sandbox started here ends with it, unless it serves a class.

    If both services run elsewhere, no sandbox is started; in a class, the student's host is.
    If the lab's JupyterLab is already running and no port is given, the chapter opens there. The sandbox starts while
    JupyterLab is loaded. Raises LabError if the chapters cannot be written, no port is free, or the sandbox does not
    start; InvalidInput if there is no such chapter; click.Abort for a no.
    """
    folder, home = open_folder(wanted.here), settings().home
    noted = Notes(home / "notes.json").get("open_chapter")
    path = chapter_path(folder, wanted.chapter) if wanted.chapter else last_path(folder, noted)
    if wanted.port is None and (server := jupyter_server.server_of_home(home, folder)) is not None:
        _open_there(server, path, home, wanted, where)
        return
    port = free_port(where.host, wanted.port, 1) if wanted.port else free_port(where.host)
    where.confirm(home, port, wanted.yes)
    here = _served_here(settings())
    starting = None if here is None else sandbox_process.PendingStart(here, parent=os.getpid())
    try:
        application = load_jupyterlab()
        if starting is not None:
            starting.finish()
            threading.Thread(target=keep_alive, args=(here,), daemon=True).start()
        from labkit.steps.session import open_session

        configure(open_session().backend.environment())
        options = arguments(
            folder, port, 0 if wanted.port else PORTS, path, wanted.browser and not where.is_open, wanted.large
        )
        options += where.options(home)
        if wanted.chapter:  # that one and no tabs of an earlier session, with their kernels
            shutil.rmtree(workspaces(wanted.large), ignore_errors=True)
        if wanted.large:
            close_file_list()
        jupyter_server.note_server(home)
        threading.Thread(target=announce, args=(home, folder, path, where), daemon=True).start()
        if where.is_proxied:
            accept_stripped_path(application, where.path)
        server = application.initialize_server(argv=[*options, *(large_type(application) if wanted.large else ())])
        if where.is_open:
            require_login(server)
        for handler in server.log.handlers:
            handler.addFilter(is_worth_saying)
        server.start()
        echo("\nThe lab is closed. What you did is kept.")
    finally:
        jupyter_server.forget_server(home)
        opener(home).unlink(missing_ok=True)
        if here and starting and starting.process is not None and class_settings.load_class(here) is None:
            sandbox_process.stop(here)


def _open_there(
    server: jupyter_server.JupyterServer, path: str, home: Path, wanted: LabOptions, where: LabAddress
) -> None:
    """Open a chapter in the JupyterLab that is running. Raises LabError if it should answer elsewhere."""
    if where.is_open:
        raise LabError(
            "The lab's JupyterLab is already running.",
            f"It answers at {server.url}, and that cannot be changed while it runs.",
            "End it with Ctrl-C twice in its terminal, then try again.",
        )
    show(address(server.url, path, server.token), home if wanted.browser else None)
    if wanted.large:
        echo(TYPE_SIZE_HINT)


def _served_here(wanted: Settings) -> Path | None:
    """The home of what this machine runs: the sandbox, or a student's host in a class. None if nothing runs here."""
    if not (wanted.aws == "live" and wanted.detection == "live"):
        return wanted.home
    return classroom().host_folder(wanted) if wanted.joined else None


def is_worth_saying(record: logging.LogRecord) -> bool:
    """Whether a warning of JupyterLab's belongs into the window."""
    return not any(words in record.getMessage() for words in NOT_WORTH_SAYING)


def keep_alive(home: Path) -> None:
    """Restart the sandbox of this home, or the student's host, if it dies."""
    while True:
        time.sleep(1)
        with suppress(LabError):  # the lab's users see the error; a disk may have room again
            sandbox_process.revive(home, os.getpid())
