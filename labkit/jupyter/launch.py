"""JupyterLab on the lab's first chapter, with the environment that makes the original AWS commands work as printed."""

from __future__ import annotations

import html
import importlib
import os
import secrets
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import click

from labkit.backends.wing import classroom
from labkit.files import write_private
from labkit.model.errors import InvalidInput, LabError
from labkit.model.settings import Settings
from labkit.sandbox.classroom import settings as class_settings
from labkit.services import jupyter_server, sandbox_process
from labkit.services.environment import settings

FIRST_CHAPTER = "notebooks/00_start_here.ipynb"
FIRST_PORT = 8888
PORTS = 50
LARGE_TYPE = Path(__file__).resolve().parent / "large"
"""A folder with JupyterLab's type sizes in a `custom.css`: its theme setting of that name is read from the user's own
settings alone (tried, 4.6), and those are not the lab's to write."""
TYPE_SIZE_THERE = "Its type size is changed there: Settings > Theme > Increase … Font Size.\n"


def skip_needless_imports() -> None:
    """Keep jsonschema from building some 35 parsers that no notebook uses; call it before any Jupyter import.

    Saves over a second at each start. Source: python-jsonschema issue 1428.
    """
    for name in (
        *("rfc3987_syntax", "rfc3986_validator", "isoduration"),  # formats that no schema of Jupyter is held to
        "httpx._main",  # httpx's own command line, with rich and pygments
    ):
        sys.modules[name] = None  # type: ignore[assignment]


def load_jupyterlab() -> Any:
    """JupyterLab's application class, loaded without asking Node.js, where there is one, for yarn's registry.

    Only a build of JupyterLab needs that answer, and the lab builds nothing; it costs a quarter of a second.
    """
    skip_needless_imports()
    sys.modules.setdefault("aiohttp", _WhenUsed("aiohttp"))  # jupyter-server-proxy's, for when a tile is first opened
    from jupyterlab import commands

    commands._yarn_config = lambda _: {"yarn config": {}, "npm config": {}}
    from jupyterlab.labapp import LabApp

    return LabApp


class _WhenUsed(ModuleType):
    """Stands for a module until somebody looks at what is in it."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def lab_folder() -> Path:
    """The folder that holds `notebooks/`: the current one, else the one that this package was installed from."""
    for folder in (Path.cwd(), Path(__file__).resolve().parents[2]):
        if (folder / FIRST_CHAPTER).is_file():
            return folder
    raise LabError(
        "The chapters were not found.",
        f"Neither {Path.cwd()} nor the folder of this installation holds {FIRST_CHAPTER}.",
        "Change into the folder of the clone, then say it again.",
    )


def chapter_path(folder: Path, number: str) -> str:
    """The chapter of this number, such as "3" or "03", as a path in the lab's folder. Raises InvalidInput."""
    chapters = {int(path.name[:2]): path.name for path in sorted(folder.glob("notebooks/[0-9][0-9]_*.ipynb"))}
    if number.strip().isdecimal() and int(number) in chapters:
        return f"notebooks/{chapters[int(number)]}"
    listed = ", ".join(f"{one} ({name[3:-6].replace('_', ' ')})" for one, name in chapters.items())
    raise InvalidInput(f"There is no chapter “{number}”.", f"The chapters are {listed}.", "Take one of these numbers.")


def run(port: int | None, open_browser: bool, chapter: str = "0", large: bool = False) -> None:
    """Run JupyterLab in this process until it ends; a sandbox that this starts ends with it, unless it serves a class.

    large: in large type. Where both services are elsewhere no sandbox is started here, but in a class that was joined
    the student's host.
    Where the lab's JupyterLab runs already, and no port is asked for, the chapter opens in that one. The sandbox starts
    while Jupyter is being loaded. Raises LabError when the chapters are not found, no port is free, or the sandbox does
    not start; InvalidInput for a chapter that is not there.
    """
    folder, home = lab_folder(), settings().home
    path = chapter_path(folder, chapter)
    if port is None and (server := jupyter_server.server_of_home(home, folder)) is not None:
        _show(_address(server, path), home if open_browser else None)
        if large:
            click.echo(TYPE_SIZE_THERE)
        return
    here = _served_here(settings())
    starting = None if here is None else sandbox_process.Starting(here, parent=os.getpid())
    try:
        application = load_jupyterlab()
        if starting is not None:
            starting.finish()
            threading.Thread(target=keep_alive, args=(here,), daemon=True).start()
        from labkit.steps.session import open_session

        _configure(open_session().backend.environment())
        arguments = _arguments(folder, port, path, open_browser)
        jupyter_server.note_server(home)
        threading.Thread(target=_announce, args=(home, folder, path), daemon=True).start()
        application.launch_instance(argv=[*arguments, *(_large_type(application) if large else ())])
    finally:
        jupyter_server.forget_server(home)
        _opener(home).unlink(missing_ok=True)
        if here and starting and starting.process is not None and class_settings.load(here) is None:
            sandbox_process.stop(here)


def _served_here(wanted: Settings) -> Path | None:
    """The folder of what runs on this machine: the sandbox, or a student's host in a class. None where nothing does."""
    if not (wanted.aws == "live" and wanted.detection == "live"):
        return wanted.home
    return classroom().host_folder(wanted) if wanted.joined else None


def _large_type(application: Any) -> list[str]:
    """JupyterLab's option for a `custom.css`; the folder that it is looked for in is no option, but set here."""
    from traitlets import List, Unicode

    class LargeTypeServer(application.serverapp_class):
        static_custom_path = List(Unicode(), [str(LARGE_TYPE)])

    application.serverapp_class = LargeTypeServer
    os.environ["JUPYTER_CONFIG_PATH"] = f"{LARGE_TYPE}{os.pathsep}{os.environ['JUPYTER_CONFIG_PATH']}"  # the terminal's
    return ["--LabApp.custom_css=True"]


def _show(url: str, home: Path | None) -> None:
    """Say where a chapter is open; with a home, in the web browser too."""
    click.echo(f"\nJupyterLab runs already. The chapter is open at\n\n    {url}\n")
    if home is not None:
        # Through a private file, as Jupyter does it: anybody can read a process's arguments.
        write_private(_opener(home), f'<!doctype html><meta http-equiv="refresh" content="0; url={html.escape(url)}">')
        webbrowser.open(_opener(home).as_uri())


def _opener(home: Path) -> Path:
    return home / "open-lab.html"


def _arguments(folder: Path, port: int | None, path: str, open_browser: bool) -> list[str]:
    """JupyterLab's own options; the token is in the environment, since anybody can read a process's arguments.

    Raises LabError when no port is free. One that is free now may be another lab's a moment later, when several start
    at once; then JupyterLab looks for the next, unless this very port was asked for.
    """
    arguments = [
        f"--ServerApp.root_dir={folder}",
        f"--ServerApp.port={port or free_port()}",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port_retries={0 if port else PORTS}",
        f"--ServerApp.open_browser={open_browser}",
        "--ServerApp.log_level=WARN",
        "--LabApp.log_level=WARN",
        shell_argument(),
        f"--LabApp.default_url=/lab/tree/{path}",
    ]
    if os.geteuid() == 0:
        arguments.append("--ServerApp.allow_root=True")
    return arguments


def shell_argument() -> str:
    """The option that makes a terminal no login shell, which would forget where `aws` and `labkit` are."""
    return f"--ServerApp.terminado_settings={{'shell_command': [{os.environ.get('SHELL') or 'sh'!r}]}}"


def _configure(environment: Mapping[str, str]) -> None:
    """Set this process's environment for JupyterLab, with a token of its own."""
    set_environment(environment)
    os.environ.setdefault("JUPYTER_TOKEN", secrets.token_hex(24))


def set_environment(environment: Mapping[str, str]) -> None:
    """Set this process's environment for kernels and terminals, and let JupyterLab have the lab's settings."""
    for name, value in environment.items():
        if value:
            os.environ[name] = value
        else:
            os.environ.pop(name, None)
    own = str(Path(__file__).resolve().parent / "config")
    for name in ("JUPYTER_CONFIG_PATH", "JUPYTER_PATH"):  # its settings, and the handouts' template
        os.environ[name] = os.pathsep.join(filter(None, [own, os.environ.get(name)]))
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def free_port() -> int:
    """The first free port from 8888. Raises LabError when the fifty after it are taken too."""
    for port in range(FIRST_PORT, FIRST_PORT + PORTS):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise LabError(
        "No port was free for JupyterLab.",
        f"Ports {FIRST_PORT} to {FIRST_PORT + PORTS - 1} are in use.",
        "Close another JupyterLab, or choose one: labkit lab --port 9000",
    )


def _announce(home: Path, folder: Path, path: str) -> None:
    """Say the address as soon as this process's JupyterLab answers there."""
    while (server := jupyter_server.server_of_home(home, folder)) is None:
        time.sleep(0.1)
    url = _address(server, path)
    click.echo(f"\nJupyterLab is open at\n\n    {url}\n\nKeep this window; Ctrl-C twice ends the lab.\n")


def _address(server: jupyter_server.JupyterServer, path: str) -> str:
    return f"{server.url}lab/tree/{path}?token={server.token}"


def keep_alive(home: Path) -> None:
    """Start what serves this home again if it dies: the sandbox, or a student's host."""
    while True:
        time.sleep(1)
        sandbox_process.revive(home, os.getpid())
