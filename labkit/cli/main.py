"""The command line: each verb is one call of the library."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from labkit.classroom import cli as cli_class
from labkit.classroom.board import cli as cli_board
from labkit.cli import handout as cli_handout
from labkit.cli import host as cli_range
from labkit.cli import ready as cli_ready
from labkit.cli import respond as cli_respond
from labkit.cli import steps as cli_instructor
from labkit.model.errors import LabError

HELP = """The guided lab “Self-Protecting Cloud”, from a terminal.

Start with `labkit lab`: it opens JupyterLab on the first chapter, with a sandbox that needs no cloud account. The other
commands do from a terminal what the chapters do: show how far you are (`status`), do the steps for you (`solve`), and
undo them (`reset`).

Exit status: 0 done, 1 refused or not done (the message says why), 2 the command was not understood.
"""


class CommandError(click.ClickException):
    """An expected fault in its own words."""

    def __init__(self, error: LabError) -> None:
        super().__init__("\n".join(filter(None, (error.what, error.why, error.next_step))))

    def show(self, file: Any = None) -> None:
        click.echo(f"labkit: {self.message}", err=True)


def reports_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command end in an error's own words, without a trace."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except LabError as error:
            raise CommandError(error) from error

    return run


class Verbs(click.Group):
    """A group whose help shows each verb's whole first sentence; click's own cuts it off."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        verbs = sorted(self.commands.items())
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.get_short_help_str(limit=500)) for name, command in verbs])


@click.group(cls=Verbs, help=HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="labkit")
def main() -> None:
    """The entry point."""


@main.command("lab")
@click.option("--browser/--no-browser", default=True, help="Open the web browser (default), or only print the address.")
@click.option("--port", type=int, help="The port of JupyterLab; by default, the first free one from 8888.")
@click.option("--chapter", default="0", metavar="NUMBER", help="Open this chapter, 0 to 4, instead of the first.")
@click.option("--large", is_flag=True, help="Use large type, for a projector.")
@reports_errors
def lab_command(browser: bool, port: int | None, chapter: str, large: bool) -> None:
    """Open JupyterLab on the first chapter; the sandbox starts and stops with it.

    If the lab's JupyterLab is already running, the chapter opens there.
    """
    from labkit.jupyter import launch

    launch.run(port, browser, chapter, large)


@main.group(cls=Verbs)
def sandbox() -> None:
    """The local AWS and detection service: one process on 127.0.0.1. It keeps its data when you stop it."""


@sandbox.command("start")
@cli_class.start_options
@reports_errors
def sandbox_start(yes: bool, **wish: Any) -> None:
    """Start the sandbox, unless it is already running. The options serve a class; they are kept for the next start.

    A class can grow but not shrink. Example: labkit sandbox start --class 30 --host 192.168.1.20
    """
    cli_class.start(yes, **wish)


@sandbox.command("stop")
@reports_errors
def sandbox_stop() -> None:
    """Stop the sandbox. Its data stays on disk, and the next start loads it again."""
    from labkit.classroom import host_process
    from labkit.services import sandbox_process
    from labkit.services.environment import settings

    stopped, host_stopped = sandbox_process.stop(settings().home), host_process.stop(settings().home)
    if stopped or not host_stopped:
        click.echo("The sandbox was stopped." if stopped else "No sandbox was running.")
    if host_stopped:
        click.echo("Your host was stopped. What you made in the class stays there.")


@sandbox.command("status")
@click.option("--json", "as_json", is_flag=True, help="As JSON: running, pid, url, warm, home, log, class.")
@reports_errors
def sandbox_status(as_json: bool) -> None:
    """Show whether the sandbox is running, and where."""
    from labkit.services import sandbox_process
    from labkit.services.environment import settings

    home = settings().home
    found = sandbox_process.find(home)
    health = (found and found.health()) or {}
    facts = {
        "running": found is not None,
        "pid": found.pid if found else None,
        "url": found.url if found else None,
        "warm": bool(health.get("warm")),
        "home": str(home),
        "log": str(home / "sandbox.log"),
        "class": cli_class.facts(home),
    }
    if as_json:
        click.echo(json.dumps(facts))
        return
    if found:
        click.echo(f"The sandbox runs at {found.url} (pid {found.pid}). Its files: {home}")
    else:
        click.echo(f"The sandbox is not running. `labkit sandbox start` starts it. Its files: {home}")
    cli_class.tell_served(home, running=found is not None)
    cli_class.tell_host(home)


@main.group("class", cls=Verbs)
def class_group() -> None:
    """For instructors: print the keys of the class that `labkit sandbox start --class N` serves."""


@main.command("env")
@reports_errors
def env_command() -> None:
    """Print shell exports that point the AWS CLI and detection-API clients at the lab.

    Use it as: eval "$(labkit env)". The output contains the API key of the detection service.
    """
    from labkit import backends

    for name, value in backends.open_session().backend.environment().items():
        click.echo(f"export {name}={shlex.quote(value)}" if value else f"unset {name}")


@main.command("cloud-account")
@reports_errors
def cloud_account_command() -> None:
    """Show the sandbox's API Key and API Secret Key, as UDF's Cloud Accounts page would, for you to copy."""
    from labkit import backends

    keys = backends.open_session().backend.cloud_account()
    if keys is None:
        raise LabError(
            "There is no sandbox account to show.",
            "The AWS side is live: its keys are with your account.",
            "In UDF: Deployments, your deployment, Cloud Accounts.",
        )
    click.echo(f"API Key         {keys.access_key_id}\nAPI Secret Key  {keys.secret_access_key}")


@main.command("status")
@click.option("--json", "as_json", is_flag=True, help='As JSON: {"steps": [{key, chapter, title, passed, …}]}.')
@reports_errors
def status_command(as_json: bool) -> None:
    """Show how far you are: run every step's check now."""
    from labkit import backends, steps

    session = backends.open_session()
    results = list(steps.status(session))
    if as_json:
        click.echo(json.dumps({"steps": [_as_json(steps.BY_KEY[one.step].chapter, one) for one in results]}))
        return
    click.echo(f"{session.host_words}\n{session.backend.sentence}")
    for number, result in enumerate(results, 1):
        click.echo(f"{number:>2}. {result}")
    click.echo(f"{sum(one.passed for one in results)} of {len(results)} steps done.")


def _as_json(chapter: str, result: Any) -> dict[str, Any]:
    return {
        "key": result.step,
        "chapter": chapter,
        "title": result.title,
        "passed": result.passed,
        "outcome": result.outcome.value,
        "found": result.found,
        "expected": result.expected,
        "next_step": result.next_step,
    }


main.command("solve")(reports_errors(cli_instructor.solve))
main.command("reset")(reports_errors(cli_instructor.reset))
main.command("ready")(reports_errors(cli_ready.ready))
main.command("board")(reports_errors(cli_board.board))
main.command("respond")(reports_errors(cli_respond.respond))
main.command("shell")(reports_errors(cli_range.shell))
main.command("run", context_settings={"ignore_unknown_options": True})(reports_errors(cli_range.run))
main.command("join")(reports_errors(cli_class.join))
class_group.command("keys")(reports_errors(cli_class.keys))
main.command("handout")(reports_errors(cli_handout.handout))
