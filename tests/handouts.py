"""The handout of the whole lab, made once a test session by the command itself, twice at the same time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TIMEOUT_SECONDS = 180
CHAPTERS = (
    *("00_start_here", "01_initial_configuration", "02_create_environment"),
    *("03_self_protecting_cloud", "04_clean_up"),
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
    """A handout of all chapters. folder: its files. temporary: its TMPDIR. said: what the command printed."""

    folder: Path
    temporary: Path
    said: str

    def page(self, name: str) -> str:
        return (self.folder / f"{name}.html").read_text(encoding="utf-8")


def environment(temporary: Path) -> dict[str, str]:
    temporary.mkdir(parents=True, exist_ok=True)
    return {**os.environ, **CANARIES, "TMPDIR": str(temporary)}


def begin(out: Path, temporary: Path, *words: str) -> subprocess.Popen[str]:
    """Start `labkit handout` from the clone."""
    command = [sys.executable, "-m", "labkit", "handout", *words, "--out", str(out)]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command, cwd=ROOT, env=environment(temporary), text=True, **pipes)  # type: ignore[call-overload]


@cache
def twice() -> tuple[Made, Made]:
    """Two handouts of the whole lab."""
    top = Path(_kept().name)
    begun = [(top / name, begin(top / name / "out", top / name / "tmp")) for name in ("first", "second")]
    made = []
    for folder, process in begun:
        said, _ = process.communicate(timeout=TIMEOUT_SECONDS)
        assert process.returncode == 0, said
        made.append(Made(folder / "out", folder / "tmp", said))
    return made[0], made[1]


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
