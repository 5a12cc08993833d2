"""`labkit sandbox`: start, stop and status of the local process."""

from __future__ import annotations

import json

import click

from labkit.backends.wing import find_classroom
from labkit.cli.group import Commands
from labkit.views.terminal import echo, in_terminal, prose


@click.group(cls=Commands)
def sandbox() -> None:
    """The local AWS and detection service: one process on 127.0.0.1. It keeps its data when you stop it."""


@sandbox.command()
def start() -> None:
    """Start the sandbox, unless it is already running."""
    from labkit.services import sandbox_process
    from labkit.services.environment import settings

    found, started = sandbox_process.start(settings().home)
    echo(f"The sandbox {'was started' if started else 'is already running'} at {found.url} (pid {found.pid}).")
    if notice := (found.health() or {}).get("notice"):
        echo(notice)


@sandbox.command()
def stop() -> None:
    """Stop the sandbox. Its data stays on disk, and the next start loads it again."""
    from labkit.services import sandbox_process
    from labkit.services.environment import settings

    home, wing = settings().home, find_classroom()
    stopped = sandbox_process.stop(home)
    host_stopped = wing is not None and wing.stop_host(home)
    if stopped or not host_stopped:
        echo("The sandbox was stopped." if stopped else "No sandbox was running.")
    if host_stopped:
        echo("Your host was stopped. What you made in the class stays there.")


@sandbox.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON: running, pid, url, warm, notice, home, log, class.")
def status(as_json: bool) -> None:
    """Show whether the sandbox is running, and where."""
    from labkit.services import sandbox_process
    from labkit.services.environment import settings

    home, wing = settings().home, find_classroom()
    found = sandbox_process.find(home)
    health = (found and found.health()) or {}
    class_facts, class_lines = wing.status(home, found is not None) if wing is not None else (None, [])
    facts = {
        "running": found is not None,
        "pid": found.pid if found else None,
        "url": found.url if found else None,
        "warm": bool(health.get("warm")),
        "notice": str(health.get("notice", "")),
        "home": str(home),
        "log": str(home / "sandbox.log"),
        "class": class_facts,
    }
    if as_json:
        echo(json.dumps(facts))
        return
    if found:
        echo(f"The sandbox runs at {found.url} (pid {found.pid}). Its files: {home}")
    else:
        echo(in_terminal(f"The sandbox is not running. `labkit sandbox start` starts it. Its files: {home}"))
    for line in filter(None, (facts["notice"], *class_lines)):
        echo(prose(line))
