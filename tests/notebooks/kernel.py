"""A kernel of its own for each question: run a cell, get what a person would see below it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager

from labkit.jupyter.kernel_specs import SafeKernelSpecs
from tests.wait import PATIENCE_SECONDS

STUDENT = "7"
"""The student number of unattended runs."""

FORGET = """
import sys
for name in [name for name in sys.modules if name.partition(".")[0] == "labkit"]:
    del sys.modules[name]
get_ipython().reset(new_session=False)
"""


@dataclass
class Output:
    """What one cell showed. error: the exception's name, "" for none."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    error: str = ""

    def take(self, message: Mapping[str, Any]) -> None:
        kind, content = message["msg_type"], message["content"]
        if kind in ("display_data", "execute_result", "update_display_data"):
            self.messages.append(content["data"])
        elif kind == "stream":
            self.messages.append({"text/plain": content["text"]})
        elif kind == "error":
            self.error = content["ename"]
            self.messages.append({"text/plain": "\n".join(content["traceback"])})

    @property
    def has_widget(self) -> bool:
        return any("application/vnd.jupyter.widget-view+json" in data for data in self.messages)

    @property
    def html(self) -> str:
        return "\n".join(data.get("text/html", "") for data in self.messages)

    @property
    def text(self) -> str:
        """The words, without tags and styles."""
        words = [data.get("text/html") or data.get("text/plain", "") for data in self.messages]
        plain = re.sub(r"<style>.*?</style>", "", "\n".join(words), flags=re.DOTALL)
        return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", plain))).strip()


class Kernel:
    """One running IPython kernel."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._manager = KernelManager(kernel_name="python3", kernel_spec_manager=SafeKernelSpecs())
        self._manager.start_kernel(cwd=str(folder), env=dict(environment))
        self._client = self._manager.blocking_client()
        self._ready = False

    def run(self, source: str) -> Output:
        """Run a cell and wait for its end."""
        if not self._ready:
            self._client.start_channels()
            self._client.wait_for_ready(timeout=PATIENCE_SECONDS)
            self._ready = True
        output = Output()
        self._client.execute_interactive(
            source, allow_stdin=False, timeout=PATIENCE_SECONDS, output_hook=output.take, store_history=True
        )
        return output

    def forget(self) -> None:
        """Lose every variable and all that the lab's modules remember, as in a restart, in a tenth of its time."""
        assert self.run(FORGET).error == ""

    def interrupt(self) -> None:
        """What JupyterLab's stop button does."""
        self._manager.interrupt_kernel()

    def close(self) -> None:
        if self._ready:
            self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)


class Kernels:
    """Fresh kernels, the next one starting while the last one works."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder, self._environment = folder, environment
        self._open: list[Kernel] = []
        self._spare = self._start()

    def _start(self) -> Kernel:
        kernel = Kernel(self._folder, self._environment)
        self._open.append(kernel)
        return kernel

    def fresh(self) -> Kernel:
        """A kernel in which nothing has run; the one before it is closed."""
        for kernel in self._open[:-1]:
            kernel.close()
        del self._open[:-1]
        kernel, self._spare = self._spare, self._start()
        return kernel

    def close(self) -> None:
        for kernel in self._open:
            kernel.close()


@contextmanager
def one_kernel(folder: Path, environment: Mapping[str, str]) -> Iterator[Kernel]:
    kernel = Kernel(folder, environment)
    try:
        yield kernel
    finally:
        kernel.close()
