"""`labkit board`: the class at a glance, as a page or once as text."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from labkit.views.terminal import echo, prose

if TYPE_CHECKING:
    from labkit.classroom.board.table import Board


@click.option("--browser/--no-browser", default=True, help="Open the web browser (default), or only print the address.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The page's port; by default, any free one.")
@click.option("--once", is_flag=True, help="Print the table once, as text, and exit.")
@click.option("--json", "form", flag_value="json", help="Print a record per student once, as JSON, and exit.")
@click.option("--csv", "form", flag_value="csv", help="Print a line per student once, as a table for a spreadsheet.")
@click.option("--names", type=click.Path(path_type=Path), help="A CSV file of `number,name`: show names on the board.")
def board(browser: bool, port: int, once: bool, form: str | None, names: Path | None) -> None:
    """Show the class at a glance: one row per student, one column per step, on a live page until Ctrl-C.

    It only reads: students are recognised by their accounts, VPCs and rules. The page is served on this machine only,
    to whoever has its address with the token.
    """
    from labkit.classroom.board.names import read_names
    from labkit.classroom.board.take import taker
    from labkit.steps.session import open_existing

    session = open_existing()
    read, named = taker(session), read_names(names) if names is not None else {}

    def take() -> Board:
        return replace(read(), names=named)

    if form is not None:
        echo(_records(take().records(), form))
        return
    if once:
        echo(prose(take().text()))
        return
    from labkit.classroom.board.serving import BoardServer, opened_in_browser

    server = BoardServer(take, port)
    with contextlib.suppress(KeyboardInterrupt), contextlib.ExitStack() as stack:
        if not server.proxied:
            echo(f"The class board is open at\n\n    {server.url}\n\nKeep this window; Ctrl-C closes the board.")
            if browser:
                stack.enter_context(opened_in_browser(server.url, session.backend.home))
        server.serve()
    echo("\nThe board is closed.")


def _records(records: list[dict[str, object]], form: str) -> str:
    """The records as JSON or CSV; times in ISO 8601 with their zone."""
    if form == "json":
        return json.dumps(records, indent=1, default=str)
    written = io.StringIO()
    writer = csv.DictWriter(written, list(records[0]) if records else ["student"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return written.getvalue().rstrip("\n")
