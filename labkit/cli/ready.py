"""`labkit ready`: whether this machine will carry the demo."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from labkit.ready import Look
    from labkit.views.panels.readiness import Line

SIGNS = {"ready": "✓", "missing": "✕", "remark": "!"}
COLOURS = {"ready": "green", "missing": "bold red", "remark": "yellow"}


def ready() -> None:
    """Check whether this machine can run the demo, and say what to do if it cannot.

    It runs the whole lab in a temporary home; your own lab, notes and chapters are read, never changed.
    """
    began = time.monotonic()
    from labkit.jupyter.launch import skip_needless_imports

    skip_needless_imports()
    from labkit.ready import looks

    with looks() as begun:
        lines = _on_terminal(begun) if sys.stdout.isatty() else _plainly(begun)
        click.echo(verdict(lines, time.monotonic() - began))
    if any(line.state == "missing" for line in lines):
        sys.exit(1)


def verdict(lines: Sequence[Line], seconds: float) -> str:
    """The last line: whether the demo will go."""
    missing = [line.title for line in lines if line.state == "missing"]
    remarks = [line.title for line in lines if line.state == "remark"]
    looked = f"Looked for {seconds:.1f} s."
    if missing:
        return f"Not ready. To mend first: {', '.join(missing)}. {looked}"
    good_to_know = f" Good to know: {', '.join(remarks)}." if remarks else ""
    return f"Ready: this machine carries the demo.{good_to_know} {looked}"


def _plainly(begun: Sequence[Look]) -> list[Line]:
    """Each line as soon as it and those before it are there."""
    lines: list[Line] = []
    for look in begun:
        for line in look.answer.result():
            lines.append(line)
            click.echo(in_words(line))
    return lines


def in_words(line: Line) -> str:
    """A line for a file or a pipe."""
    looked_at = f" ({line.looked_at})" if line.looked_at else ""
    words = f"{SIGNS[line.state]} {line.title}: {line.found}{looked_at}"
    return f"{words}\n  → {line.next_step}" if line.next_step else words


def _on_terminal(begun: Sequence[Look]) -> list[Line]:
    """A table, once all is there; meanwhile, what is still looked at."""
    from rich.console import Console

    console = Console(highlight=False)
    pending = {look.answer: look.title for look in begun}
    with console.status("") as status:
        while pending:
            status.update(f"Looking at {', '.join(pending.values())} …")
            for done in wait(pending, return_when=FIRST_COMPLETED).done:
                del pending[done]
    lines = [line for look in begun for line in look.answer.result()]
    console.print(_table(lines))
    return lines


def _table(lines: Sequence[Line]) -> object:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table("", "What", "Found, and what was looked at", box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for line in lines:
        found = Text(line.found)
        if line.looked_at:
            found.append(f" ({line.looked_at})", style="dim")
        if line.next_step:
            found.append(f"\n→ {line.next_step}", style="bold")
        table.add_row(Text(SIGNS[line.state], style=COLOURS[line.state]), Text(line.title), found)
    return table
