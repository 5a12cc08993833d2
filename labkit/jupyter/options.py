"""How JupyterLab is started: its options, its port and its environment."""

from __future__ import annotations

import errno
import json
import os
import secrets
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from labkit.model.errors import LabError
from labkit.services.environment import home_folder
from labkit.services.jupyter_server import LOOPBACK
from labkit.services.own_process import LABS_JUPYTERLAB, programs_path

FIRST_PORT = 8888
PORTS = 50
LARGE_TYPE = Path(__file__).resolve().parent / "large"
"""A folder with a `custom.css` that sets JupyterLab's type sizes. The theme setting for this is read only from the
user's own settings (JupyterLab 4.6), which the lab must not write."""


def arguments(folder: Path, port: int, retries: int, path: str, open_browser: bool, large: bool = False) -> list[str]:
    """JupyterLab's options. The token is in the environment, because any user can read a process's arguments.

    retries: how many of the next ports JupyterLab tries if another lab takes the port before it does. large: for large
    type, with tabs of its own.
    """
    options = [
        f"--ServerApp.root_dir={folder}",
        f"--ServerApp.port={port}",
        f"--ServerApp.port_retries={retries}",
        f"--ServerApp.open_browser={open_browser}",
        "--ServerApp.log_level=WARN",
        "--LabApp.log_level=WARN",
        "--ServerApp.kernel_spec_manager_class=labkit.jupyter.kernel_specs.SafeKernelSpecs",
        *kernel_options(),
        shell_argument(),
        f"--LabApp.workspaces_dir={workspaces(large)}",  # JupyterLab reads its variables for these when it is imported
        f"--LabApp.user_settings_dir={workspaces(large).parent / 'settings'}",
        f"--LabApp.default_url=/lab/tree/{path}",
    ]
    if os.geteuid() == 0:
        options.append("--ServerApp.allow_root=True")
    return options


def kernel_options() -> list[str]:
    """The option that encrypts what kernels say, where it can be: without it each kernel warns that it is not."""
    import zmq
    from jupyter_client.manager import KernelManager

    can = zmq.has("curve") and KernelManager.class_traits().get("transport_encryption") is not None
    return ["--KernelManager.transport_encryption=auto"] if can else []


def shell_argument() -> str:
    """The option for terminals without a login shell, which would reset PATH and so lose `aws` and `labkit`."""
    return f"--ServerApp.terminado_settings={{'shell_command': [{os.environ.get('SHELL') or 'sh'!r}]}}"


def large_type(application: Any) -> list[str]:
    """JupyterLab's option for a `custom.css`. There is no option for the folder it is in, so that is set here."""
    from traitlets import List, Unicode

    class LargeTypeServer(application.serverapp_class):
        static_custom_path = List(Unicode(), [str(LARGE_TYPE)])

    application.serverapp_class = LargeTypeServer
    os.environ["JUPYTER_CONFIG_PATH"] = f"{LARGE_TYPE}{os.pathsep}{os.environ['JUPYTER_CONFIG_PATH']}"  # the terminal's
    return ["--LabApp.custom_css=True"]


def free_port(host: str = LOOPBACK, first: int = FIRST_PORT, ports: int = PORTS) -> int:
    """The first free one of these ports. Raises LabError if all are taken, or cannot be opened at this address."""
    for port in range(first, first + ports):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except (OSError, UnicodeError, TypeError) as error:  # the last two: no name at all
                if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
                    continue
                raise LabError(
                    f"JupyterLab cannot answer on {host}, port {port}.",
                    f"The system says: {getattr(error, 'strerror', error)}.",
                    "Give an address of this machine; `ip address` lists them, and 0.0.0.0 means all. Ports below 1024"
                    " are reserved.",
                ) from error
            return port
    raise LabError(
        "No port was free for JupyterLab.",
        f"Port {first} is in use." if ports == 1 else f"Ports {first} to {first + ports - 1} are in use.",
        "Close another JupyterLab, or choose one: labkit lab --port 9000",
    )


def configure(environment: Mapping[str, str]) -> None:
    """Set this process's environment for JupyterLab, with a token of its own."""
    set_environment(environment)
    os.environ["JUPYTER_TOKEN"] = os.environ.get("JUPYTER_TOKEN") or secrets.token_hex(24)  # an empty one means none


def workspaces(large: bool = False) -> Path:
    """The folder of the tabs that were open last. In the lab's home: those of the user's other work are not opened.

    Large type has its own, since there the file list is closed.
    """
    return home_folder() / "jupyter" / ("workspaces-large" if large else "workspaces")


def close_file_list() -> None:
    """Open JupyterLab without its file list, so that a chapter in large type has the whole width."""
    from jupyterlab_server.workspaces_handler import WorkspacesManager

    manager = WorkspacesManager(str(workspaces(large=True)))
    with suppress(ValueError):  # the file is damaged: JupyterLab then starts without it
        last = manager.load("default")
        last["data"].setdefault("layout-restorer:data", {})["left"] = {"collapsed": True}
        manager.save("default", json.dumps(last))


def set_environment(environment: Mapping[str, str]) -> None:
    """Set this process's environment for kernels, terminals and JupyterLab's settings."""
    for name, value in environment.items():
        if value:
            os.environ[name] = value
        else:
            os.environ.pop(name, None)
    own = str(Path(__file__).resolve().parent / "config")
    for name in ("JUPYTER_CONFIG_PATH", "JUPYTER_PATH"):  # its settings, and the handouts' template
        os.environ[name] = os.pathsep.join(filter(None, [own, os.environ.get(name)]))
    os.environ[LABS_JUPYTERLAB] = "1"
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    os.environ["PATH"] = programs_path()
