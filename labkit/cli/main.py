"""The command line: each command is one call of the library."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

import click

from labkit.backends.wing import find_classroom
from labkit.cli import ON_INTERRUPT, demo, env, handout, host, ready, respond, status, steps
from labkit.cli.group import Commands, complete_chapter
from labkit.cli.sandbox import sandbox
from labkit.model.errors import LabError
from labkit.services.sandbox_process import refuse_on_the_host
from labkit.views.terminal import echo

HELP = """The guided lab “Self-Protecting Cloud”, from a terminal.

Start with `labkit lab`: it opens JupyterLab on the first chapter, with a sandbox that needs no cloud account. The other
commands do from a terminal what the chapters do: show how far you are (`status`), do the steps for you (`solve`), and
undo them (`reset`).

Exit status: 0 done, 1 refused or not done (the message says why), 2 the command was not understood.
"""


@click.group(
    cls=Commands, help=HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="self-protecting-cloud")
def main() -> None:
    """The entry point."""
    refuse_on_the_host()


def main_or_lab() -> None:
    """The command `self-protecting-cloud`, for `uvx`: the same commands; without one, it opens the lab."""
    main(sys.argv[1:] or ["lab"])


@main.command("lab")
@click.option("--browser/--no-browser", default=True, help="Open the web browser (default), or only print the address.")
@click.option(
    "--port", type=click.IntRange(1, 65535), help="The port of JupyterLab; by default, the first free one from 8888."
)
@click.option(
    "--chapter",
    default="",
    metavar="NUMBER",
    shell_complete=complete_chapter,
    help="Open this chapter, 0 to 5, not the one open last.",
)
@click.option("--large", is_flag=True, help="Use large type, for a projector.")
@click.option(
    "--here",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Put the chapters into this folder, and use it from now on. What you changed there is kept.",
)
@click.option("--host", default="", metavar="ADDRESS", help="Answer other computers there; 0.0.0.0: everywhere.")
@click.option(
    "--base-url",
    default="",
    metavar="URL",
    help="Where a proxy shows the lab: https://lab.example.org/7/, or a path.",
)
@click.option("--tls/--no-tls", default=None, help="Encrypt; by default, on every address that others reach.")
@click.option("--yes", is_flag=True, help="Do not ask before other computers can reach the lab.")
def lab_command(host: str, base_url: str, tls: bool | None, **options: Any) -> None:
    """Open JupyterLab on the chapter that was open last, or on the first; the sandbox starts and stops with it.

    If the lab's JupyterLab is already running, the chapter opens there.
    """
    from labkit.jupyter import launch
    from labkit.jupyter.address import LabAddress

    launch.run(launch.LabOptions(**options), LabAddress.parse(host, base_url, tls))


@main.command("cloud-account")
def cloud_account_command() -> None:
    """Show the sandbox's API Key and API Secret Key, as UDF's Cloud Accounts page would, for you to copy."""
    from labkit.steps.session import open_session

    keys = open_session().backend.aws.cloud_account()
    if keys is None:
        raise LabError(
            "There is no sandbox account to show.",
            "AWS is live: its keys belong to your own account.",
            "In UDF: Deployments, your deployment, Cloud Accounts.",
        )
    echo(f"API Key         {keys.access_key_id}\nAPI Secret Key  {keys.secret_access_key}")


main.add_command(sandbox)
main.command("status")(status.status)
main.command("solve")(steps.solve)
main.command("reset")(steps.reset)
main.command("env")(env.env)
main.command("ready")(ready.ready)
main.command("demo")(demo.demo)
main.command("respond")(respond.respond)
main.command("entries")(demo.entries)
main.command("shell")(host.shell)
main.command("run", context_settings={"ignore_unknown_options": True})(host.run)
main.command("handout")(handout.handout)
if (_wing := find_classroom()) is not None:
    _wing.add_commands(main)
signal.signal(signal.SIGINT, ON_INTERRUPT)
