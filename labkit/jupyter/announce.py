"""Telling the user where JupyterLab is open."""

from __future__ import annotations

import html
import os
import time
import webbrowser
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from labkit.files import write_private
from labkit.jupyter.address import LabAddress
from labkit.services import jupyter_server
from labkit.services.jupyter_server import LOOPBACK
from labkit.views.terminal import echo


def announce(home: Path, folder: Path, path: str, where: LabAddress) -> None:
    """Print the address as soon as this process's JupyterLab answers."""
    while (server := jupyter_server.server_of_home(home, folder)) is None:
        time.sleep(0.1)
    url = address(f"{where.origin}{where.path}" if where.origin else server.url, path, server.token)
    tunnel = "" if where.is_open else tunnel_of_ssh(server.url, os.environ)
    echo(f"\nJupyterLab is open at\n\n    {url}\n{tunnel}\nKeep this window; Ctrl-C twice ends the lab.\n")


def tunnel_of_ssh(url: str, variables: Mapping[str, str]) -> str:
    """For somebody who is logged in with ssh: the command with which that address works on their own computer.

    >>> print(tunnel_of_ssh("http://127.0.0.1:8889/", {"SSH_CONNECTION": "10.0.0.2 50000 10.0.0.9 22", "USER": "ada"}))
    <BLANKLINE>
    To open it on your own computer, run there: ssh -L 8889:127.0.0.1:8889 ada@10.0.0.9
    <BLANKLINE>
    """
    connection, port = variables.get("SSH_CONNECTION", "").split(), urlsplit(url).port
    if len(connection) != 4:
        return ""
    login = f"{variables.get('USER') or 'USER'}@{connection[2]}"
    ssh = "ssh" if connection[3] == "22" else f"ssh -p {connection[3]}"
    return f"\nTo open it on your own computer, run there: {ssh} -L {port}:{LOOPBACK}:{port} {login}\n"


def show(url: str, home: Path | None) -> None:
    """Print where a chapter is open; with a home, open it in the web browser too."""
    echo(f"\nJupyterLab is already running. The chapter is open at\n\n    {url}\n")
    if home is not None:
        # Through a private file, as Jupyter does: any user can read a process's arguments.
        write_private(opener(home), f'<!doctype html><meta http-equiv="refresh" content="0; url={html.escape(url)}">')
        webbrowser.open(opener(home).as_uri())


def opener(home: Path) -> Path:
    return home / "open-lab.html"


def address(url: str, path: str, token: str) -> str:
    """The address of a chapter in the JupyterLab at this URL, with its token."""
    return f"{url}lab/tree/{path}?token={token}"
