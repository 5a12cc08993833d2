"""How the command line's groups behave: their help, and errors in their own words."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Any

import click

from labkit.model.errors import LabError
from labkit.views.terminal import echo, in_terminal, prose


def complete_chapter(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The chapters' numbers that a shell offers to complete."""
    from labkit.jupyter.chapters import chapter_numbers

    return [number for number in map(str, sorted(chapter_numbers())) if number.startswith(incomplete)]


class CommandError(click.ClickException):
    """An expected error, in its own words."""

    def __init__(self, error: LabError) -> None:
        super().__init__("\n".join(filter(None, (error.what, error.why, error.next_step))))

    def show(self, file: Any = None) -> None:
        echo(prose(f"labkit: {in_terminal(self.message)}"), err=True)


class Commands(click.Group):
    """A group whose commands end in a LabError's own words, without a trace.

    Its help shows the whole first sentence of each command, which click's own cuts off.
    """

    def main(self, *args: Any, **options: Any) -> Any:
        for name in ("stdin", "stdout", "stderr"):
            stream = getattr(sys, name)
            if stream is None:  # closed by who started this
                setattr(sys, name, open(os.devnull, "r+"))  # noqa: SIM115 - until the process ends
            elif isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")  # a terminal in Latin-1 shows ? for what it cannot show
        try:
            return super().main(*args, **options)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python writes the rest when it ends
            sys.exit("labkit: The disk is full, so what this command says or keeps cannot be written. Free some space.")

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except LabError as error:
            raise CommandError(error) from error
        except KeyboardInterrupt:
            again = f"labkit {ctx.invoked_subcommand or ''}".strip()
            stopped = LabError("Stopped.", "What was done so far is kept.", f"To go on, run it again: {again}")
            raise CommandError(stopped) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        commands = sorted(self.commands.items())
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.get_short_help_str(limit=500)) for name, command in commands])
