"""A handout of a chapter that is run for it, against `jupyter nbconvert --to html --execute` of the same chapter.

The peer finds a machine as a student leaves it in the evening: a home whose world was made before, so that its keys are
known, and no sandbox running. Ours makes a world of its own each time, and throws it away.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from labkit.services import sandbox_process
from tests.bench.measure import Row, at_most, milliseconds

REPOSITORY = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
CHAPTER = REPOSITORY / "notebooks" / "02_create_environment.ipynb"
STUDENT = "7"
TIME_GOAL, EXTRA_BYTES_GOAL = 0.45, 40_000


def run(scale: float = 1.0) -> list[Row]:
    """The rows; scale: how many rounds, 1 for a few."""
    with tempfile.TemporaryDirectory(prefix="labkit-bench-") as folder:
        both = Both(Path(folder))
        pairs = [(both.ours(), both.peer()) for _ in range(max(1, round(4 * scale)))]
        ours, peer = (min(times) for times in zip(*pairs, strict=True))
        return [
            at_most("handout of chapter 2, run for it", milliseconds(ours), milliseconds(peer), ours / peer, TIME_GOAL),
            _size(both.made, both.stock),
        ]


class Both:
    """The two commands, each from the same beginning."""

    def __init__(self, top: Path) -> None:
        self._top, self._made_world = top, top / "made-world"
        self.made, self.stock = top / "ours" / f"{CHAPTER.stem}.html", top / "stock" / f"{CHAPTER.stem}.html"
        folders = {name: str(top / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")}
        left = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self._environment = left | folders | {"LABKIT_STUDENT": STUDENT, "LABKIT_HOME": str(top / "home")}
        sandbox, _ = sandbox_process.start(self._made_world)
        keys = sandbox.credentials()["aws"]
        sandbox_process.stop(self._made_world)
        self._keys = {
            "AWS_ACCESS_KEY_ID": keys["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": keys["secret_access_key"],
        }

    def ours(self) -> float:
        """The seconds of `labkit handout 2`."""
        command = [BIN / "labkit", "handout", "2", "--out", self.made.parent]
        return _timed(lambda: subprocess.run(command, cwd=REPOSITORY, env=self._environment, check=True, **QUIET))

    def peer(self) -> float:
        """The seconds of nbconvert on the same chapter; its kernel starts the sandbox."""
        home = self._top / "home"
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(self._made_world, home)
        command = [
            BIN / "jupyter",
            "nbconvert",
            "--to",
            "html",
            "--execute",
            CHAPTER,
            "--output-dir",
            self.stock.parent,
        ]
        environment = self._environment | self._keys
        seconds = _timed(lambda: subprocess.run(command, cwd=REPOSITORY, env=environment, check=True, **QUIET))
        sandbox_process.stop(home)
        return seconds


QUIET: dict = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _size(made: Path, stock: Path) -> Row:
    """Bytes beyond what the chapter's own text, pictures and results take, in both."""
    sources = sum(len("".join(cell["source"]).encode()) for cell in json.loads(CHAPTER.read_text())["cells"])
    page = made.read_text(encoding="utf-8")
    pictures = sum(len(part.partition('"')[0]) for part in page.split('src="data:')[1:])
    results = page.split('<div class="result">')[1:]
    shown = sum(
        len(one.partition('<div class="prose">')[0].partition('<div class="cell"')[0].encode()) for one in results
    )
    content = sources + pictures + shown
    ours, peer = len(page.encode()) - content, stock.stat().st_size - content
    held = ours <= EXTRA_BYTES_GOAL
    return Row("its bytes beyond the content", f"{ours:,}", f"{peer:,}", ours / peer, "≤ 40,000 B", held)
