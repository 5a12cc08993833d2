"""One kernel for one chapter, driven by nbclient."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat.v4 import new_code_cell

from labkit.model.errors import LabError

START_TIMEOUT_SECONDS = 60
CELL_TIMEOUT_SECONDS = 300
SETTLE = 'if "lab" in globals():\n    lab._live.settle()'

PROGRAM = "import sys; sys.modules['debugpy'] = None; from ipykernel.kernelapp import launch_new_instance as run; run()"
"""A kernel without the debugger, which takes a sixth of its start."""


class EagerClient(AsyncKernelClient):
    """A client that is ready with the kernel's first message.

    jupyter_client's own waits for a silence after it, which takes 0.2 to 0.4 s for each chapter.
    """

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        deadline = time.monotonic() + (timeout or START_TIMEOUT_SECONDS)
        while time.monotonic() < deadline and await self.is_alive():
            self.kernel_info()  # repeatedly: messages that the kernel sends before the subscription are lost
            with suppress(Empty):
                await self.get_iopub_msg(timeout=0.1)
                return
        raise RuntimeError("The kernel did not answer.")


class ThisPython(KernelSpecManager):
    """Only knows the Python that runs this, whatever kernels are installed."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        argv = [sys.executable, "-P", "-c", PROGRAM, "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="Python 3", language="python")


class ChapterKernel:
    """A kernel that runs the cells of one notebook. What it writes to its own standard streams goes to a log."""

    def __init__(self, folder: Path, environment: Mapping[str, str], log: Path) -> None:
        self._manager = KernelManager(kernel_spec_manager=ThisPython(), client_factory=EagerClient)
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

    def execute(self, after_cell: Callable[[], None]) -> None:
        """Run the cells until one stops, and put their outputs into the notebook. after_cell: called after each cell.

        Raises LabError if the kernel dies or a cell takes too long.
        """
        assert self._client is not None
        try:
            cells = [(index, cell) for index, cell in enumerate(self._client.nb.cells) if cell.cell_type == "code"]
            for number, (index, cell) in enumerate(cells, 1):
                self._client.execute_cell(cell, index, execution_count=number)
                after_cell()
            self._settle()
        except CellExecutionError:
            return  # the error is among the outputs
        except (CellTimeoutError, DeadKernelError) as error:
            raise _stopped() from error

    def _settle(self) -> None:
        """Let what follows the steps by itself show the end of the chapter, not some moment in it."""
        assert self._client is not None
        cells = self._client.nb.cells
        cells.append(new_code_cell(SETTLE))
        try:
            self._client.execute_cell(cells[-1], len(cells) - 1)
        finally:
            cells.pop()

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
