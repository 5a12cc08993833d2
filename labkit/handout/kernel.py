"""One kernel for one chapter: all its cells are sent at once, and their outputs read when there is time."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

from labkit.model.errors import LabError

START_TIMEOUT_SECONDS = 60
CHAPTER_TIMEOUT_SECONDS = 300
SILENCE_SECONDS = 1.0
"""How long to wait for a message before looking whether the kernel lives."""
KNOCK_SECONDS = 0.1
"""How long to wait for a sign of a kernel that is starting before asking again."""

PROGRAM = "import sys; sys.modules['debugpy'] = None; from ipykernel.kernelapp import launch_new_instance as run; run()"
"""The kernel of this very Python, without the debugger, which takes a sixth of its start."""


class ThisPython(KernelManager):
    """Starts kernels of the Python that runs this, whatever kernels are installed."""

    kernel_spec = KernelSpec(
        argv=[sys.executable, "-c", PROGRAM, "-f", "{connection_file}"], display_name="Python 3", language="python"
    )


class ChapterKernel:
    """A running kernel; what it says on its own standard streams goes to a log."""

    def __init__(self, folder: Path, environment: Mapping[str, str], log: Path) -> None:
        self._manager = ThisPython()
        with log.open("ab") as stream:
            self._manager.start_kernel(cwd=str(folder), env=dict(environment), stdout=stream, stderr=stream)
        self._client: BlockingKernelClient = self._manager.blocking_client()
        self._client.start_channels()
        self._sent: list[str] = []
        self._outputs: list[list[dict[str, Any]]] = []
        self._shown: dict[str, list[dict[str, Any]]] = {}
        self._clear: set[str] = set()
        self._ended: set[str] = set()
        self._deadline = 0.0

    def wait(self) -> None:
        """Wait until the kernel is heard: what it says before this client listens is lost.

        The client's own `wait_for_ready` listens for a fifth of a second more. Raises LabError when it does not start.
        """
        self._deadline = time.monotonic() + START_TIMEOUT_SECONDS
        self._client.kernel_info()
        while self._heard(KNOCK_SECONDS) is None:
            self._client.kernel_info()

    def prepare(self, source: str) -> None:
        """Have it run code of which nothing is seen, before any cell."""
        self._client.execute(source, silent=True, store_history=False)

    def send(self, sources: Sequence[str]) -> None:
        """Send the cells: they run one after another, and not beyond one that stops."""
        for source in sources:
            self._sent.append(self._client.execute(source, allow_stdin=False, stop_on_error=True))
            self._outputs.append([])
        self._deadline = time.monotonic() + CHAPTER_TIMEOUT_SECONDS

    def outputs(self, cells: int | None = None) -> list[list[dict[str, Any]]]:
        """The outputs of each cell, as a notebook keeps them, when the first `cells` have ended, or else all.

        Raises LabError when the kernel dies or a chapter takes too long.
        """
        while len(self._ended) < (len(self._sent) if cells is None else cells):
            message = self._heard(SILENCE_SECONDS)
            if message is None:
                continue
            content, about = message["content"], message["parent_header"].get("msg_id", "")
            if message["msg_type"] != "status":
                self._take(message["msg_type"], content, about)
            elif content["execution_state"] == "idle" and about in self._sent:
                self._ended.add(about)
        return self._outputs

    def _heard(self, seconds: float) -> dict[str, Any] | None:
        """The next message of the kernel; None when there was none for so long."""
        try:
            return dict(self._client.get_iopub_msg(timeout=seconds))
        except Empty:
            if self._manager.is_alive() and time.monotonic() < self._deadline:
                return None
        raise LabError(
            "A chapter did not run to its end.",
            "Its kernel ended, or took too long: a minute to start, or five to run.",
            "Run the chapter in JupyterLab to see where it stops.",
        )

    def _take(self, kind: str, content: Mapping[str, Any], about: str) -> None:
        """Put one message where a notebook would: below its cell, or in the place of what it updates."""
        if kind == "update_display_data":
            for shown in self._shown.get(content.get("transient", {}).get("display_id", ""), []):
                shown["data"], shown["metadata"] = content["data"], content["metadata"]
            return
        if about not in self._sent:
            return
        outputs = self._outputs[self._sent.index(about)]
        if kind == "clear_output":
            self._clear.add(about)
            if not content["wait"]:
                outputs.clear()
                self._clear.discard(about)
            return
        output = _as_output(kind, content)
        if output is None:
            return
        if about in self._clear:
            outputs.clear()
            self._clear.discard(about)
        _add(outputs, output)
        display = content.get("transient", {}).get("display_id")
        if display:
            self._shown.setdefault(display, []).append(output)

    def close(self) -> None:
        """End the kernel at once."""
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)


def _as_output(kind: str, content: Mapping[str, Any]) -> dict[str, Any] | None:
    """The output that a message stands for; None for messages that show nothing."""
    if kind == "stream":
        return {"output_type": kind, "name": content["name"], "text": content["text"]}
    if kind == "error":
        return {"output_type": kind, **{name: content[name] for name in ("ename", "evalue", "traceback")}}
    if kind in ("display_data", "execute_result"):
        count = {"execution_count": content["execution_count"]} if kind == "execute_result" else {}
        return {"output_type": kind, "data": content["data"], "metadata": content["metadata"], **count}
    return None


def _add(outputs: list[dict[str, Any]], output: dict[str, Any]) -> None:
    """Add an output; text goes on where text of the same stream ended."""
    last = outputs[-1] if outputs else {}
    if output["output_type"] == "stream" and last.get("name") == output["name"]:
        last["text"] += output["text"]
    else:
        outputs.append(output)
