"""One kernel for one chapter, driven by nbclient."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from labkit.model.errors import LabError

START_TIMEOUT_SECONDS = 60
CELL_TIMEOUT_SECONDS = 300

PROGRAM = "import sys; sys.modules['debugpy'] = None; from ipykernel.kernelapp import launch_new_instance as run; run()"
"""A kernel without the debugger, which takes a sixth of its start."""


class ThisPython(KernelManager):
    """Starts kernels of the Python that runs this, whatever kernels are installed."""

    client_class = "jupyter_client.asynchronous.AsyncKernelClient"  # as nbclient expects it
    kernel_spec = KernelSpec(
        argv=[sys.executable, "-c", PROGRAM, "-f", "{connection_file}"], display_name="Python 3", language="python"
    )


class ChapterKernel:
    """A kernel that runs the cells of one notebook. What it writes to its own standard streams goes to a log."""

    def __init__(self, folder: Path, environment: Mapping[str, str], log: Path) -> None:
        self._manager = ThisPython()
        with log.open("ab") as stream:
            self._manager.start_kernel(cwd=str(folder), env=dict(environment), stdout=stream, stderr=stream)
        self._client: NotebookClient | None = None

    def connect(self, notebook: Any) -> None:
        """Wait until the kernel answers. Raises LabError if it does not start."""
        self._client = NotebookClient(
            notebook,
            km=self._manager,
            startup_timeout=START_TIMEOUT_SECONDS,
            timeout=CELL_TIMEOUT_SECONDS,
            coalesce_streams=True,
        )
        try:
            self._client.start_new_kernel_client()
        except RuntimeError as error:
            raise _stopped() from error

    def prepare(self, source: str) -> None:
        """Send code that runs before the cells and leaves no output."""
        assert self._client is not None and self._client.kc is not None
        self._client.kc.execute(source, silent=True, store_history=False)

    def execute(self, executed: Callable[[int], None]) -> None:
        """Run the cells, up to one that stops, and put their outputs into the notebook. executed: called after each.

        Raises LabError if the kernel dies or a cell takes too long.
        """
        assert self._client is not None
        try:
            cells = [(index, cell) for index, cell in enumerate(self._client.nb.cells) if cell.cell_type == "code"]
            for number, (index, cell) in enumerate(cells, 1):
                self._client.execute_cell(cell, index, execution_count=number)
                executed(number)
        except CellExecutionError:
            return  # the error is among the outputs
        except (CellTimeoutError, DeadKernelError) as error:
            raise _stopped() from error

    def close(self) -> None:
        """End the kernel at once."""
        if self._client is not None and self._client.kc is not None:
            self._client.kc.stop_channels()
        self._manager.shutdown_kernel(now=True)


def _stopped() -> LabError:
    return LabError(
        "A chapter did not run to its end.",
        "Its kernel ended, took over a minute to start, or needed more than five minutes for one cell.",
        "Run the chapter in JupyterLab to see where it stops.",
    )
