"""What the classroom offers to the rest of the lab, which reaches it through `labkit.backends.wing` only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import click

    from labkit.backends.backend import AwsBackend, DetectionBackend
    from labkit.model.settings import Settings
    from labkit.steps.session import LabSession
    from labkit.views.view import View


def add_commands(main: click.Group) -> None:
    """Add the commands of a class to the command line; `labkit sandbox start` gets the options of a class."""
    from labkit.classroom import cli

    cli.add_commands(main)


def status(home: Path, running: bool) -> tuple[dict[str, Any] | None, list[str]]:
    """What `labkit sandbox status` says of a class: facts of the one served from this home, and lines for people."""
    from labkit.classroom import cli

    return cli.facts(home), [*cli.served_lines(home, running), *cli.host_lines(home)]


def stop_host(home: Path) -> bool:
    """Stop the host that this home has in a class; False if none ran."""
    from labkit.classroom import host_process

    return host_process.stop(home)


def host_folder(wanted: Settings) -> Path | None:
    """See `labkit.classroom.backend.host_folder`."""
    from labkit.classroom import backend

    return backend.host_folder(wanted)


def aws_backend(wanted: Settings) -> AwsBackend:
    """AWS of the class that the home has joined."""
    from labkit.classroom.backend import ClassAws

    return ClassAws(wanted)


def detection_backend(wanted: Settings) -> DetectionBackend:
    """The detection service of the class that the home has joined."""
    from labkit.classroom.backend import ClassDetection

    return ClassDetection(wanted)


def certificate(wanted: Settings) -> str:
    """See `labkit.classroom.backend.certificate_of`."""
    from labkit.classroom.backend import certificate_of

    return certificate_of(wanted)


def open_as_student(typed: str) -> LabSession:
    """See `labkit.classroom.as_student.open_as_student`."""
    from labkit.classroom import as_student

    return as_student.open_as_student(typed)


def board(session: LabSession) -> View:
    """The board of the class as it is now."""
    from labkit.classroom.board.take import taker

    return taker(session)()
