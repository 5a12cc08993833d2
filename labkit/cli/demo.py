"""`labkit demo`: the lab in front of a room; and `labkit entries`, the pane of it that proves what happened."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from labkit.cli.host import host_status
from labkit.model.errors import LabError
from labkit.services.environment import LABKIT
from labkit.views.terminal import echo, in_terminal, visible

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from labkit.steps.session import LabSession

LOOK_SECONDS = 0.5
COUNTED = {1: "packets (nftables)", 2: "connections", 3: "connections"}
"""What the host's range counts, by its tier."""

CURL = "curl dadismad.com"
BY_HAND = f"""Open three terminals that the room can see:

  labkit shell      type {CURL} here, twice
  labkit respond    the first one raises an alert, which this answers
  labkit entries    the entry that it wrote, and the packets which that entry drops
"""
NOT_OF_A_PANE = {"COLUMNS", "LINES", "TMUX"}
"""Variables about the window that the demo runs in, which may be a pane of the user's own tmux."""

TMUX_OPTIONS = f"""\
set -g mouse on
set -g escape-time 0
set -g pane-border-status top
set -g pane-border-lines heavy
set -g pane-border-style fg=colour250
set -g pane-active-border-style fg=colour39
set -g pane-border-format ' #[bold]#{{@title}} '
set -g status-style bg=colour24,fg=colour231
set -g status-left ' Type  #[bold]{CURL}#[nobold]  twice.'
set -g status-left-length 60
set -g status-right 'exit ends the demo '
set -g window-status-format ''
set -g window-status-current-format ''
"""


@click.option("--yes", is_flag=True, help="Do not ask first.")
def demo(yes: bool) -> None:
    """Show the lab to a room: the host's prompt beside the responder, and the entries in force below, with tmux.

    It starts fresh: the steps before the first alert are done, and what a rehearsal left is undone, after asking.
    Without tmux, it says which terminals to open.
    """
    from labkit import steps
    from labkit.cli.steps import do_steps, take_number, undo_steps
    from labkit.model.check import Outcome
    from labkit.steps.protection import ALERT
    from labkit.steps.session import open_session

    session = open_session()
    if (host := host_status(session)).tier == 3:
        raise LabError(
            "The demo needs a prompt on the host.",
            host.words,
            "Use `labkit respond`, and `labkit run -- curl dadismad.com` in another terminal.",
        )
    ready, again = steps.with_needs((ALERT,))[:-1], steps.with_dependents((ALERT,))
    if not all(one.passed for one in steps.status(session, ready)):
        take_number(session, ready, yes)
        do_steps(session, ready, yes)
    if any(steps.look(session, step).outcome is not Outcome.NOT_YET for step in again):
        undo_steps(session, again, yes)
    tmux = shutil.which("tmux") if sys.stdin.isatty() and sys.stdout.isatty() else None
    if tmux is None:
        echo(in_terminal(BY_HAND), nl=False)
        return
    environment = {name: value for name, value in os.environ.items() if name not in NOT_OF_A_PANE}
    with tempfile.TemporaryDirectory(prefix="labkit-demo-") as folder:
        options, socket = Path(folder, "options"), Path(folder, "tmux")
        options.write_text(TMUX_OPTIONS)
        command = [tmux, "-u", "-f", str(options), "-S", str(socket), *_panes(tmux)]
        if subprocess.run(command, env=environment, check=False).returncode:
            echo(in_terminal(BY_HAND), nl=False)
            return
    echo(in_terminal("What the demo made stays, and the next `labkit demo` starts fresh."))


def _panes(tmux: str) -> list[str]:
    """The commands that open the panes. All ends with the prompt, or with the window that tmux is in.

    tmux has a server and options of its own, so that it does not meet the user's. The prompt's programs do not learn
    where that server is.
    """
    prompt = f"env -u TMUX -u TMUX_PANE {shlex.join([*LABKIT, 'shell'])}; {shlex.quote(tmux)} kill-session"
    title = ("set", "-p", "@title")
    commands = (
        ("new-session", "sh", "-c", prompt),
        (*title, "The host 10.0.1.10"),
        ("split-window", "-f", "-v", "-l", "6", *LABKIT, "entries"),
        (*title, "Your network ACL: aws ec2 describe-network-acls"),
        ("split-window", "-t", "{top}", "-h", "-l", "56%", *LABKIT, "respond"),
        (*title, "The responder"),
        ("set", "-p", "remain-on-exit", "on"),
        ("select-pane", "-t", "{top-left}"),
        ("set", "destroy-unattached", "on"),
    )
    return [word for command in commands for word in (*command, ";")][:-1]


def entries() -> None:
    """Show your network ACL's egress entries, and how many packets each has decided; on a terminal, until Ctrl-C.

    The entries are those of `aws ec2 describe-network-acls`, the packets those that nftables counts on the host's link.
    With live AWS the host is your own, and its packets are not counted.
    """
    from rich.console import Console
    from rich.live import Live

    from labkit.steps.session import open_session

    session, counted = open_session(), Counter[int]()
    if not sys.stdout.isatty():
        Console().print(_table(session, counted))
        return
    with suppress(KeyboardInterrupt), Live(screen=True, auto_refresh=False, vertical_overflow="crop") as live:
        while True:
            live.update(_table_or_error(session, counted), refresh=True)
            time.sleep(LOOK_SECONDS)


def _table_or_error(session: LabSession, counted: Counter[int]) -> Table | Text:
    """The table, or why it cannot be looked up now; that may pass."""
    from rich.text import Text

    try:
        return _table(session, counted)
    except LabError as error:
        return Text(visible(in_terminal(str(error))))


def _table(session: LabSession, counted: Counter[int]) -> Table:
    """The entries, in the order in which they are tried. counted: the packets at the last look; updated."""
    from rich.table import Table

    from labkit.model.network_acl import in_order
    from labkit.steps.network import students_network_acl

    network_acl = students_network_acl(session)
    host = None if session.backend.aws.host is None else host_status(session)
    seen = host.packets if host is not None and host.network_acl_id == network_acl.id else {}
    table = Table(box=None, header_style="dim")
    table.add_column("RuleNumber", justify="right")
    for name in ("RuleAction", "Protocol", "CidrBlock"):
        table.add_column(name)
    if host is not None:
        table.add_column(COUNTED[host.tier], justify="right")
    for entry in in_order(network_acl.entries, egress=True):
        packets = seen.get((True, entry.rule_number), 0)
        colour = "green" if entry.allows else "red"
        cells = (entry.number_text, entry.rule_action, entry.protocol_name, entry.cidr_block, str(packets))
        style = f"reverse {colour}" if packets > counted[entry.rule_number] else colour
        table.add_row(*cells[: len(table.columns)], style=style)
        counted[entry.rule_number] = packets
    return table
