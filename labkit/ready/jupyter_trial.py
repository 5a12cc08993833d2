"""`labkit lab`, really run: JupyterLab answers, and one of its kernels opens the lab."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import secrets
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from labkit.files import private_folder, write_private
from labkit.model.errors import LabError
from labkit.range.tiers import TIER_VARIABLE
from labkit.ready.trial import require_sandbox
from labkit.services.environment import LABKIT
from labkit.services.jupyter_server import JupyterServer
from labkit.views.panels.readiness import Line

PATIENCE_SECONDS = 180
"""For each of: JupyterLab answers, its kernel has run the cell. A busy machine is slow, not broken."""

CELL = "from labkit import open_lab\nopen_lab().status()"
ENDS_UNUSED = {
    "ServerApp": {"shutdown_no_activity_timeout": PATIENCE_SECONDS},
    "MappingKernelManager": {"cull_idle_timeout": PATIENCE_SECONDS, "cull_interval": 10},
}
"""Let JupyterLab end by itself if this process is killed. A kernel that is still starting counts as idle."""


class JupyterTrial:
    """A JupyterLab with this machine's chapters and a temporary lab."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._log = folder, folder / "jupyterlab.log"
        self._server = JupyterServer("", secrets.token_hex(24))
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = threading.Event()

    def line(self, home: Path, sandbox: Future[float]) -> Line:
        """Whether JupyterLab answers, serves its page, and runs a cell. home: of the temporary sandbox.

        Raises LabError with the last line of JupyterLab's log if it does not.
        """
        require_sandbox(sandbox)  # otherwise `labkit lab` would start one
        began = time.monotonic()
        self._start(home)
        self._wait_for("it did not answer", self._server.answers)
        answered = time.monotonic() - began
        if "jupyter-config-data" not in self._server.ask("GET", "/lab", seconds=PATIENCE_SECONDS).text:
            raise self._error("it did not serve its page")
        self._run_cell(self._server.ask("POST", "/api/kernels", seconds=PATIENCE_SECONDS).json()["id"])
        ran = time.monotonic() - began - answered
        found = f"answered in {answered:.1f} s; a cell of a new kernel opened the lab {ran:.1f} s later"
        return Line("JupyterLab", "ready", found, "labkit lab --no-browser, and a kernel")

    def close(self) -> None:
        """Kill JupyterLab and its kernels, which have their own sessions."""
        import psutil

        self._closed.set()
        if self._process is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(self._process.pid)
                for each in (process, *process.children(recursive=True)):
                    each.kill()
            self._process.wait()

    def _start(self, home: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._server = replace(self._server, url=f"http://127.0.0.1:{port}")
        config = private_folder(self._folder / "config")
        write_private(config / "jupyter_server_config.json", json.dumps(ENDS_UNUSED))
        # Of the lab's own variables only the range's tier applies: neither live services nor a student number.
        dropped = {name for name in os.environ if name.startswith("LABKIT_") and name != TIER_VARIABLE}
        environment = {name: value for name, value in os.environ.items() if name not in dropped} | {
            "LABKIT_HOME": str(home),
            "JUPYTER_RUNTIME_DIR": str(private_folder(self._folder / "runtime")),
            "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, [str(config), os.environ.get("JUPYTER_CONFIG_PATH")])),
            "JUPYTER_TOKEN": self._server.token,
        }
        if self._closed.is_set():
            raise LabError("JupyterLab was not tried.", "The check was stopped.")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*LABKIT, "lab", "--no-browser", "--port", str(port)],
                env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def _run_cell(self, kernel_id: str) -> None:
        """Run a cell in this kernel. Raises LabError if that fails."""
        from jupyter_client.blocking.client import BlockingKernelClient

        client = BlockingKernelClient(connection_file=str(self._folder / "runtime" / f"kernel-{kernel_id}.json"))
        client.load_connection_file()
        # No heartbeat channel: with it, jupyter_client takes a kernel that is silent for one second for dead.
        client.start_channels(iopub=False, stdin=False, hb=False, control=False)
        try:
            client.execute(CELL)  # waits in the socket's queue until the kernel is there
            reply = self._wait_for("its kernel did not run a cell", lambda: self._reply(kernel_id, client))
        finally:
            client.stop_channels()
        if reply["status"] != "ok":
            raise self._error(f"its kernel could not open the lab: {reply.get('ename')}: {reply.get('evalue')}")

    def _reply(self, kernel_id: str, client: Any) -> Any:
        """The kernel's reply; None while there is none. Raises LabError once Jupyter no longer restarts the kernel."""
        if not self._server.ask("GET", f"/api/kernels/{kernel_id}", seconds=PATIENCE_SECONDS).ok:
            raise self._error("its kernel died")
        try:
            return client.get_shell_msg(timeout=1)["content"]
        except queue.Empty:
            return None

    def _wait_for(self, failure: str, look: Callable[[], Any]) -> Any:
        """What `look` returns, once that is true. Raises LabError when time is up (`failure`) or JupyterLab ends."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline and not self._closed.is_set():
            if self._process is None or self._process.poll() is not None:
                raise self._error("it ended by itself")
            if found := look():
                return found
            self._closed.wait(0.05)
        raise self._error(f"{failure} within {PATIENCE_SECONDS} s")

    def _error(self, why: str) -> LabError:
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        last_line = f" The last line of its log: {lines[-1]}" if lines else ""
        return LabError("JupyterLab does not work:", f"{why}.{last_line}", "Run `labkit lab` and read what it prints.")
