"""`labkit ready`: whether this machine can run the demo."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from labkit.views.panels.readiness import Line

SIGNS = {"ready": "✓", "missing": "✕", "remark": "!"}
COLOURS = {"ready": "green", "missing": "red", "remark": "yellow"}


def ready() -> None:
    """Check whether this machine can run the demo, and say what to do if it cannot.

    It runs the whole lab in a temporary home; your own lab, notes and chapters are read, never changed.
    """
    began = time.monotonic()
    from labkit.jupyter.loading import skip_needless_imports

    skip_needless_imports()
    from labkit.ready import checks

    lines: list[Line] = []
    with checks() as running:
        for check in running:
            if sys.stdout.isatty() and not check.lines.done():
                click.echo(f"… {check.title}\r", nl=False)
            for line in check.lines.result():
                lines.append(line)
                click.echo(in_words(line))
        click.echo(verdict(lines, time.monotonic() - began))
    if any(line.state == "missing" for line in lines):
        sys.exit(1)


def in_words(line: Line) -> str:
    """A line as text. Its colour is for a terminal only: click removes it from what goes to a file or a pipe."""
    sign = click.style(SIGNS[line.state], fg=COLOURS[line.state])
    looked_at = f" ({line.looked_at})" if line.looked_at else ""
    words = f"{sign} {line.title}: {line.found}{looked_at}"
    return f"{words}\n  → {line.next_step}" if line.next_step else words


def verdict(lines: Sequence[Line], seconds: float) -> str:
    """The last line: whether the demo will run."""
    missing = [line.title for line in lines if line.state == "missing"]
    remarks = [line.title for line in lines if line.state == "remark"]
    took = f"({seconds:.1f} s)"
    if missing:
        return f"Not ready. Fix first: {', '.join(missing)}. {took}"
    good_to_know = f" Good to know: {', '.join(remarks)}." if remarks else ""
    return f"Ready: this machine can run the demo.{good_to_know} {took}"
