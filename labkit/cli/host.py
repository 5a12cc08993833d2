"""`labkit shell` and `labkit run`: programs on the lab's host."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from labkit.model.errors import LabError
from labkit.views.terminal import echo

if TYPE_CHECKING:
    from labkit.services.host import HostStatus
    from labkit.steps.session import LabSession


def shell() -> None:
    """Open a prompt on the lab's host, whose traffic passes your network ACL. `exit` leaves it."""
    from labkit.range.program import shell_command

    status = host_status()
    _say_behind(status.behind)
    if status.tier == 3:
        raise LabError(
            "No prompt can be opened on the host.",
            status.words,
            "Use `labkit run -- curl dadismad.com`: it works out the answer from the entries.",
        )
    command = shell_command(status.folder)
    os.execvp(command[0], command)


@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND [ARGUMENT]…")
def run(command: tuple[str, ...]) -> None:
    """Run one program on the lab's host.

    The exit status is the program's. Example: labkit run -- curl dadismad.com
    """
    from labkit.range.program import program_command, require_program
    from labkit.steps.session import open_session

    status = host_status()
    if status.tier == 3:
        host = open_session().backend.aws.host
        assert host is not None  # else there was no status
        ran = host.run(command)
        _say_behind(ran.behind)
        echo(ran.out, nl=False)
        echo(ran.err, nl=False, err=True)
        sys.exit(ran.code)
    require_program(command)
    _say_behind(status.behind)
    argv = program_command(status.folder, command)
    sys.stdout.flush()
    os.execvp(argv[0], argv)


def _say_behind(words: str) -> None:
    if words:
        echo(f"labkit: {words}", err=True)


def host_status(session: LabSession | None = None) -> HostStatus:
    """The host, which is up. Raises LabError."""
    from labkit.steps.session import open_session

    host = (session or open_session()).backend.aws.host
    if host is None:
        raise LabError("There is no host here.", "With live AWS, the host is your own.", "Open a terminal on it.")
    status = host.status()
    if status.fault:
        raise LabError("The host is not up.", status.fault, "labkit sandbox stop, then try again.")
    return status
