"""`labkit gallery`: the page to look at when changing how something looks."""

from __future__ import annotations

from pathlib import Path

import click

from labkit.model.errors import LabError


@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("gallery.html"),
    show_default=True,
    help="The file to write.",
)
def gallery(out: Path) -> None:
    """Write one HTML page with everything that the lab shows, in every state, light and dark."""
    from tests.gallery.page import page

    text = page()
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LabError(
            f"{out} was not written.", error.strerror or "", "Choose another file: labkit gallery --out FILE"
        ) from error
    click.echo(f"Wrote {out} ({len(text.encode()) // 1000} kB). It needs no network: open it in a browser.")
