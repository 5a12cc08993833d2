"""Runs the chapters as nobody's: in a lab that is made for it, and thrown away with all that is in it."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.model.errors import LabError
from labkit.range.processes import wait_for_end
from labkit.services import sandbox_process

if TYPE_CHECKING:
    from labkit.handout.kernel import ChapterKernel

SEED = "handout"
"""What the ids of the throw-away world derive from: the same for every handout."""

RANGE_END_SECONDS = 60
STUDENT = "7"
UNATTENDED_FROM = "02"
"""The chapters before this one speak to somebody who is new, so nothing is given to them."""

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
"""Loads in a kernel what every chapter loads, while the sandbox comes up; no request is made."""

NOT_INHERITED = ("AWS_", "TS_", "LABKIT_", "JUPYTER", "IPYTHON", "JPY_")
"""Beginnings of environment variables that would reach outside the throw-away lab."""


def unreadable(path: Path, error: Exception) -> LabError:
    """The words for a file that is no notebook."""
    return LabError(
        f"{path.name} cannot be read as a notebook.",
        f"{type(error).__name__}: its text is damaged, or it is something else.",
        "Open it in JupyterLab, or move it away; a chapter's number leaves the others out: labkit handout 2",
    )


@dataclass(frozen=True)
class Chapter:
    """A chapter's file, and the notebook in it."""

    path: Path
    notebook: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> Chapter:
        """The chapter in a file, which is of format 4. Raises LabError when it is not."""
        try:
            notebook = json.loads(path.read_text(encoding="utf-8"))
            for cell in notebook["cells"]:
                cell["source"] = "".join(cell["source"])
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise unreadable(path, error) from error
        return cls(path, notebook)

    @property
    def unattended(self) -> bool:
        return self.path.name >= UNATTENDED_FROM

    @property
    def cells(self) -> list[dict[str, Any]]:
        """Its code cells."""
        return [cell for cell in self.notebook["cells"] if cell["cell_type"] == "code"]


class TemporaryLab:
    """A sandbox in a temporary home, started when made, and kernels that know no other lab."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="labkit-handout-"))
        try:
            self._starting = sandbox_process.Starting(self.home, parent=os.getpid(), seed=SEED)
        except BaseException:
            shutil.rmtree(self.home, ignore_errors=True)
            raise
        self._sandbox: sandbox_process.Sandbox | None = None

    def start_kernel(self, chapter: Chapter) -> ChapterKernel:
        """A kernel for this chapter, in its folder."""
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

    def keys(self) -> Mapping[str, str]:
        """The AWS keys of its account, as environment variables, as soon as it answers."""
        if self._sandbox is None:
            self._sandbox = self._starting.finish()
        keys = self._sandbox.credentials()["aws"]
        return {"AWS_ACCESS_KEY_ID": keys["access_key_id"], "AWS_SECRET_ACCESS_KEY": keys["secret_access_key"]}

    def close(self) -> None:
        """End the sandbox, which has nothing to save, and the range below it; delete the home."""
        import psutil

        process = self._starting.process
        if process is not None and process.poll() is None:
            range_of_it = psutil.Process(process.pid).children()
            process.kill()
            process.wait()
            for keeper in range_of_it:
                wait_for_end(keeper.pid, RANGE_END_SECONDS)
        if self._sandbox is None:
            with suppress(LabError):  # it will not come up any more; whoever waits for that may go on
                self._starting.finish()
        shutil.rmtree(self.home, ignore_errors=True)


@contextmanager
def temporary_lab() -> Iterator[TemporaryLab]:
    """A lab for this block; it ends with it, however that comes."""
    lab = TemporaryLab()
    try:
        yield lab
    finally:
        lab.close()


def run(
    chapters: Sequence[Chapter], lab: TemporaryLab, meanwhile: Callable[[], None], begun: Callable[[Chapter], None]
) -> Iterator[Chapter]:
    """Run the chapters in order, each in a kernel of its own, which starts while the one before it works.

    meanwhile: work of this process's own that is done while the first chapter runs. begun: told of each chapter.
    Yields each chapter with its outputs. Raises LabError when a cell stops.
    """
    from nbformat import from_dict

    kernels: list[ChapterKernel] = []
    try:
        kernels.append(lab.start_kernel(chapters[0]))
        with ThreadPoolExecutor(1) as helper:
            for number, chapter in enumerate(chapters):
                begun(chapter)
                kernel, notebook = kernels[-1], from_dict(chapter.notebook)
                kernel.connect(notebook)
                kernel.prepare(WARM_UP)
                keys = lab.keys()  # also where no keys are given: before, nobody else finds this sandbox
                kernel.prepare(_given(keys) if chapter.unattended else "pass")
                if number + 1 < len(chapters):
                    kernels.append(lab.start_kernel(chapters[number + 1]))
                # not before the first cell has ended: until then this machine's cores are busy enough
                kernel.execute(lambda cell, first=number == 0: helper.submit(meanwhile) if first and cell == 1 else None)
                _raise_if_stopped(chapter.path, notebook)
                threading.Thread(target=kernels.pop(0).close).start()
                yield replace(chapter, notebook=notebook)
    finally:
        for kernel in kernels:
            kernel.close()


def _given(keys: Mapping[str, str]) -> str:
    """What gives the keys to a kernel: by message, since the environment that a process began with can be read."""
    return f"import os; os.environ.update({dict(keys)!r}); del os"


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
