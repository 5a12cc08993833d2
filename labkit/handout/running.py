"""Runs the chapters in a temporary lab."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.handout.questions import solve
from labkit.model.errors import LabError
from labkit.range.processes import wait_for_end
from labkit.services import sandbox_process
from labkit.services.running_sandbox import Sandbox

if TYPE_CHECKING:
    from labkit.handout.kernel import ChapterKernel

SEED = "handout"
"""The seed of the temporary lab's ids, so that every handout has the same ones."""

RANGE_END_SECONDS = 60
STUDENT = "7"
UNATTENDED_FROM = "02"
"""The chapters before this one show what a new student sees, so they get no keys and no student number."""

WARM_UP = """
def _():
    import labkit.lab
    from labkit.services.aws.account import Account
    from labkit.model.access_keys import AccessKeys
    from labkit.model.rule_filter import parse
    from labkit.views.panels import ActionResult
    nobody = Account(AccessKeys("", ""), "us-east-1", "http://127.0.0.1:9")
    nobody.ec2, nobody.sts, ActionResult("")._repr_html_(), parse("user = null")
_(); del _
"""
"""Loads in a kernel what every chapter loads, while the sandbox starts. No request is made."""

NOT_INHERITED = ("AWS_", "TS_", "LABKIT_", "JUPYTER", "IPYTHON", "JPY_", "VSCODE_")
"""Prefixes of environment variables that would point a kernel at another lab."""

DAMAGES = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What a notebook of which any part has the wrong type raises."""


def unreadable(path: Path, error: Exception, what_next: str) -> LabError:
    """The error for a file that is not a notebook."""
    return LabError(
        f"{path.name} cannot be read as a notebook.",
        f"{type(error).__name__}: the file is damaged, or is not a notebook.",
        what_next,
    )


@dataclass(frozen=True)
class Chapter:
    """A chapter's file, and the notebook in it."""

    path: Path
    notebook: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> Chapter:
        """The chapter in a file of notebook format 4, its exercises solved. Raises LabError if it is not one."""
        try:
            notebook = json.loads(path.read_text(encoding="utf-8"))
            for cell in notebook["cells"]:
                cell["source"] = "".join(cell["source"])
                solve(cell)
        except (OSError, *DAMAGES) as error:
            again = f"In a clone: git restore notebooks/{path.name}. Elsewhere, delete it; labkit lab restores it."
            raise unreadable(path, error, again) from error
        return cls(path, notebook)

    @property
    def unattended(self) -> bool:
        return self.path.name >= UNATTENDED_FROM

    @property
    def cells(self) -> list[dict[str, Any]]:
        """Its code cells."""
        return [cell for cell in self.notebook["cells"] if cell["cell_type"] == "code"]


class TemporaryLab:
    """A sandbox in a temporary home, which starts when this is made, and kernels that use it."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="labkit-handout-"))
        try:
            self._starting = sandbox_process.PendingStart(self.home, parent=os.getpid(), seed=SEED)
        except BaseException:
            shutil.rmtree(self.home, ignore_errors=True)
            raise
        self._sandbox: Sandbox | None = None

    def start_kernel(self, chapter: Chapter) -> ChapterKernel:
        """Start a kernel for this chapter, in its folder."""
        from labkit.handout.kernel import ChapterKernel

        return ChapterKernel(chapter.path.parent, self._environment(chapter), self.home / "kernels.log")

    def _environment(self, chapter: Chapter) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)}
        return inherited | {
            "LABKIT_HOME": str(self.home),
            "LABKIT_STUDENT": STUDENT if chapter.unattended else "",
            "JPY_SESSION_NAME": chapter.path.name,
            "IPYTHONDIR": str(self.home / "ipython"),
            "JUPYTER_RUNTIME_DIR": str(self.home / "jupyter"),
            "PYTHONHASHSEED": "0",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def wait(self) -> None:
        """Wait for the sandbox."""
        if self._sandbox is None:
            self._sandbox = self._starting.finish()

    def close(self) -> None:
        """End the sandbox and its range without saving, and delete the home."""
        import psutil

        process = self._starting.process
        if process is not None and process.poll() is None:
            range_of_it = psutil.Process(process.pid).children()
            process.kill()
            process.wait()
            for keeper in range_of_it:
                wait_for_end(keeper.pid, RANGE_END_SECONDS)
        if self._sandbox is None:
            with suppress(LabError):  # it was killed while it started; this releases whoever waits for it
                self._starting.finish()
        shutil.rmtree(self.home, ignore_errors=True)


@contextmanager
def temporary_lab() -> Iterator[TemporaryLab]:
    """A lab that ends with this block."""
    lab = TemporaryLab()
    try:
        yield lab
    finally:
        lab.close()


def run(
    chapters: Sequence[Chapter], lab: TemporaryLab, prepare: Callable[[], None], begun: Callable[[Chapter], None]
) -> Iterator[Chapter]:
    """Run the chapters in order, each in its own kernel, which starts while the chapter before it runs.

    prepare: called in a thread while the first chapter runs. begun: called with each chapter.
    Yields each chapter with its outputs. Raises LabError if a cell stops.
    """
    from nbformat import from_dict

    kernels: list[ChapterKernel] = []
    work: list[Future[None]] = []
    try:
        kernels.append(lab.start_kernel(chapters[0]))
        with ThreadPoolExecutor(1) as thread:

            def after_cell() -> None:
                if not work:  # not before the first cell has run: until then both cores are busy
                    work.append(thread.submit(prepare))

            for number, chapter in enumerate(chapters):
                begun(chapter)
                kernel, notebook = kernels[-1], from_dict(chapter.notebook)
                kernel.connect(notebook)
                kernel.prepare(WARM_UP)
                lab.wait()  # before that, a kernel would look for it in vain
                if number + 1 < len(chapters):
                    kernels.append(lab.start_kernel(chapters[number + 1]))
                kernel.execute(after_cell)
                threading.Thread(target=kernels.pop(0).close).start()
                _raise_if_stopped(chapter.path, notebook)
                for one in work:
                    one.result()
                yield replace(chapter, notebook=notebook)
    finally:
        for kernel in kernels:
            kernel.close()


def _raise_if_stopped(path: Path, notebook: Any) -> None:
    """Raise LabError if a cell of the notebook ended with an error."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(cells, 1):
        for output in cell.outputs:
            if output.output_type == "error":
                trace = output.traceback
                raise LabError(
                    f"{path.name} stopped at its cell {number}.",
                    trace[0] if len(trace) == 1 else f"It raised {output.ename}.",
                    "Run the chapter in JupyterLab to see why.",
                )
