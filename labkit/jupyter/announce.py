"""Telling the user where JupyterLab is open."""

from __future__ import annotations

import html
import time
import webbrowser
from pathlib import Path

import click

from labkit.files import write_private
from labkit.services import jupyter_server


def announce(home: Path, folder: Path, path: str) -> None:
    """Print the address as soon as this process's JupyterLab answers."""
    while (server := jupyter_server.server_of_home(home, folder)) is None:
        time.sleep(0.1)
    url = address(server, path)
    click.echo(f"\nJupyterLab is open at\n\n    {url}\n\nKeep this window; Ctrl-C twice ends the lab.\n")


def show(url: str, home: Path | None) -> None:
    """Print where a chapter is open; with a home, open it in the web browser too."""
    click.echo(f"\nJupyterLab is already running. The chapter is open at\n\n    {url}\n")
    if home is not None:
        # Through a private file, as Jupyter does: any user can read a process's arguments.
        write_private(opener(home), f'<!doctype html><meta http-equiv="refresh" content="0; url={html.escape(url)}">')
        webbrowser.open(opener(home).as_uri())


def opener(home: Path) -> Path:
    return home / "open-lab.html"


def address(server: jupyter_server.JupyterServer, path: str) -> str:
    return f"{server.url}lab/tree/{path}?token={server.token}"
