"""`labkit ready`: whether this machine can run the demo."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from labkit.views.terminal import Styled, echo, in_terminal, prose, styled, wrapped

if TYPE_CHECKING:
    from labkit.views.panels.readiness import Line

SIGNS = {"ready": "✓", "missing": "✕", "remark": "!"}
COLOURS = {"ready": "green", "missing": "red", "remark": "yellow"}


@click.option("--json", "as_json", is_flag=True, help="Print JSON when all is checked: ready, seconds, lines.")
def ready(as_json: bool) -> None:
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
            if sys.stdout.isatty() and not as_json and not check.lines.done():
                echo(f"… {check.title}", Styled("\r"), nl=False)
            for line in check.lines.result():
                lines.append(line)
                if not as_json:
                    echo(in_words(line))
        seconds, is_ready = time.monotonic() - began, all(line.state != "missing" for line in lines)
        found = [{name: in_terminal(words) for name, words in asdict(line).items()} for line in lines]
        report = {"ready": is_ready, "seconds": round(seconds, 1), "lines": found}
        echo(json.dumps(report, indent=1) if as_json else prose(verdict(lines, seconds)))
    if not is_ready:
        sys.exit(1)


def in_words(line: Line) -> Styled:
    """A line as text. Its colour is for a terminal only."""
    sign = styled(SIGNS[line.state], fg=COLOURS[line.state])
    looked_at = f" ({line.looked_at})" if line.looked_at else ""
    lines = wrapped(in_terminal(f"{line.title}: {line.found}{looked_at}"), 2)
    if line.next_step:
        first, *rest = wrapped(in_terminal(line.next_step), 4)
        lines += [f"→ {first}", *(f"  {one}" for one in rest)]
    return Styled(f"{sign} " + "\n  ".join(lines))


def verdict(lines: Sequence[Line], seconds: float) -> str:
    """The last line: whether the demo will run."""
    missing = [line.title for line in lines if line.state == "missing"]
    remarks = [line.title for line in lines if line.state == "remark"]
    took = f"({seconds:.1f} s)"
    if missing:
        return f"Not ready. Fix first: {', '.join(missing)}. {took}"
    good_to_know = f" Good to know: {', '.join(remarks)}." if remarks else ""
    return f"Ready: this machine can run the demo.{good_to_know} {took}"
