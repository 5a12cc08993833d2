"""The handout of the whole lab, made once a test session by the command itself, twice at the same time.

As a program it is that command, and also writes each chapter as it was run: `python -m tests.handouts FOLDER handout`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TIMEOUT_SECONDS = 600
CHAPTERS = (
    *("00_start_here", "01_initial_configuration", "02_create_environment"),
    *("03_self_protecting_cloud", "04_what_it_can_and_cannot_do", "05_clean_up"),
)
WHOLE = "self-protecting-cloud"

CANARIES = {
    "AWS_ACCESS_KEY_ID": "AKIACANARY5GIVEN5KEY",
    "AWS_SECRET_ACCESS_KEY": "canary/given+secret/0123456789abcdefghij",
    "TS_API_KEY": "canary-api-key-of-a-service",
    "JUPYTER_TOKEN": "canary-token-of-jupyter",
}
"""Secrets in the environment of the command that makes a handout."""


@dataclass(frozen=True)
class Made:
    """A handout of all chapters. folder: its files. temporary: its TMPDIR. said: what the command printed.

    chapters: the chapters that it was made of, as they were run; only the second handout has it.
    """

    folder: Path
    temporary: Path
    said: str
    chapters: Path | None = None

    def page(self, name: str) -> str:
        return (self.folder / f"{name}.html").read_text(encoding="utf-8")


def environment(temporary: Path) -> dict[str, str]:
    temporary.mkdir(parents=True, exist_ok=True)
    return {**os.environ, **CANARIES, "TMPDIR": str(temporary)}


def begin(out: Path, temporary: Path, *words: str, program: tuple[str, ...] = ("labkit",)) -> subprocess.Popen[str]:
    """Start `labkit handout --stable` from the clone."""
    command = [sys.executable, "-m", *program, "handout", "--stable", *words, "--out", str(out)]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command, cwd=ROOT, env=environment(temporary), text=True, **pipes)  # type: ignore[call-overload]


@cache
def twice() -> tuple[Made, Made]:
    """Two handouts of the whole lab."""
    top = Path(_kept().name)
    first, second, run = (top / name for name in ("first", "second", "run"))
    run.mkdir()
    begun = [
        begin(first / "out", first / "tmp"),
        begin(second / "out", second / "tmp", program=("tests.handouts", str(run))),
    ]
    said = [process.communicate(timeout=TIMEOUT_SECONDS)[0] for process in begun]
    assert [process.returncode for process in begun] == [0, 0], said
    return Made(first / "out", first / "tmp", said[0]), Made(second / "out", second / "tmp", said[1], run)


def with_real_values(*names: str, short: bool = False) -> str:
    """The first page that `labkit handout` writes of these chapters without `--stable`, of the second handout's run."""
    from nbformat import read

    from labkit.handout.build import Handout
    from labkit.handout.redact import Redactor

    chapters = twice()[1].chapters
    assert chapters is not None
    made = Handout(ROOT, (), whole=False, say=print, short=short)
    for name in names:
        made.add(name, read(chapters / f"{name}.ipynb", as_version=4), Redactor())
    return next(iter(made.files().values())).decode()


@cache
def _kept() -> tempfile.TemporaryDirectory[str]:
    """A folder that is deleted with the session."""
    return tempfile.TemporaryDirectory(prefix="labkit-handouts-")


@dataclass
class Outline(HTMLParser):
    """What a page is made of: how many of each element, its anchors, and where its links lead."""

    page: str
    elements: dict[str, int] = field(default_factory=dict)
    anchors: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] = self.elements.get(tag, 0) + 1
        attributes = dict(attrs)
        if attributes.get("id"):
            self.anchors.append(str(attributes["id"]))
        if tag == "a" and attributes.get("href"):
            self.links.append(str(attributes["href"]))

    def count(self, *tags: str) -> int:
        return sum(self.elements.get(tag, 0) for tag in tags)


def words(page: str) -> str:
    """The words of a page."""
    text = re.sub(r"<(style|head)>.*?</\1>", "", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def main() -> None:
    from labkit.cli.main import main as labkit
    from labkit.handout import build, running

    folder = Path(sys.argv.pop(1))

    def run(*arguments: Any) -> Iterator[running.Chapter]:
        for chapter in running.run(*arguments):
            (folder / chapter.path.name).write_text(json.dumps(chapter.notebook), encoding="utf-8")
            yield chapter

    build.run = run
    labkit()


if __name__ == "__main__":
    main()
