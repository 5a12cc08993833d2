"""`labkit handout`: the chapters as pages to read."""

from __future__ import annotations

import atexit
import gc
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from labkit.cli.group import complete_chapter
from labkit.views.terminal import echo


@click.argument("chapters", nargs=-1, metavar="[CHAPTER]…", shell_complete=complete_chapter)
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("handout"), show_default=True, help="The folder to write to."
)
@click.option("--from-mine", is_flag=True, help="Use your notebooks as you saved them; nothing is run.")
@click.option("--pdf", is_flag=True, help="Also write PDF files, printed by this machine's Chromium.")
@click.option("--short", is_flag=True, help="Write one page only: results and figures, with a sentence each.")
@click.option("--stable", is_flag=True, help="Give only the size of measured values: each run writes the same bytes.")
def handout(chapters: tuple[str, ...], out: Path, from_mine: bool, pdf: bool, short: bool, stable: bool) -> None:
    """Write the chapters, with their results, as HTML pages that need neither a network nor Jupyter.

    The chapters run in a temporary lab, which is deleted afterwards; your own is not touched. CHAPTER is a chapter's
    number; without one, all chapters are written, and also a single page with the whole lab.
    Examples: labkit handout, labkit handout 2 3 --out /tmp/lab, labkit handout --from-mine
    """
    from labkit.handout import build
    from labkit.handout import folder as files
    from labkit.handout.pdf import find_chromium
    from labkit.jupyter.chapters import lab_folder
    from labkit.jupyter.loading import skip_needless_imports

    skip_needless_imports()
    atexit.register(
        gc.freeze
    )  # else all that was loaded is looked through once more at the end, for a tenth of a second
    clone = lab_folder()
    wanted = build.chapters(clone, chapters, copies=from_mine)
    browser = find_chromium() if pdf else ""
    files.require_writable(out)
    made = build.Handout(clone, wanted, whole=not chapters, say=echo, browser=browser, stable=stable, short=short)
    with _ended_tidily():
        if from_mine:
            build.build_from_saved(made)
        else:
            build.build_by_running(made)
        pages = made.files()
        files.write_files(out, pages)
    echo(f"The handout is in {out}: open {out / (next(iter(pages)) if short else 'index.html')}")


@contextmanager
def _ended_tidily() -> Iterator[None]:
    """Let SIGTERM end this block as Ctrl-C would, so that the lab which was made for the handout ends too."""

    def end(signum: int, frame: FrameType | None) -> None:
        sys.exit(128 + signum)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
