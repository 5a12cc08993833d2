"""`labkit lab`, really run: JupyterLab answers, and a kernel of it opens the lab."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from labkit.files import private_folder, write_private
from labkit.model.errors import LabError
from labkit.range.reach import ASKED_FOR
from labkit.ready.trial import require_sandbox
from labkit.views.panels.readiness import Line

PATIENCE_SECONDS = 30
CELL = "from labkit import open_lab\nopen_lab().status()"
LOOKED_AT = "labkit lab --no-browser, and a kernel"
ENDS_UNUSED = {
    "ServerApp": {"shutdown_no_activity_timeout": 60},
    "MappingKernelManager": {"cull_idle_timeout": 30, "cull_interval": 10},
}
"""JupyterLab's settings with which it ends within two minutes, should this process be killed."""


class JupyterTrial:
    """A JupyterLab of this machine's chapters with a throw-away lab; it ends by itself should nobody end it."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._token = folder, secrets.token_hex(24)
        self._runtime = folder / "runtime"
        self._log = folder / "jupyterlab.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = threading.Event()

    def line(self, home: Path, sandbox: Future[float]) -> Line:
        """Whether JupyterLab answers on a port, serves its page, and runs a cell. home: of the throw-away sandbox.

        Raises LabError in JupyterLab's own last words when it does not.
        """
        require_sandbox(sandbox)  # else this would start one
        began = time.monotonic()
        address = self._start(home)
        self._wait_for(lambda: self._ask("GET", f"{address}/api/status").ok)
        answered = time.monotonic() - began
        if "jupyter-config-data" not in self._ask("GET", f"{address}/lab").text:
            raise self._fault("its page did not come")
        kernel_id = self._ask("POST", f"{address}/api/kernels").json()["id"]
        self._run_cell(self._runtime / f"kernel-{kernel_id}.json")
        ran = time.monotonic() - began - answered
        found = f"answered in {answered:.1f} s; a cell of a new kernel opened the lab {ran:.1f} s later"
        return Line("JupyterLab", "ready", found, LOOKED_AT)

    def close(self) -> None:
        """End it at once, with its kernels, which are in sessions of their own: nothing of it is worth a farewell."""
        import psutil

        self._closed.set()
        if self._process is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                started = psutil.Process(self._process.pid)
                for each in (started, *started.children(recursive=True)):
                    each.kill()
            self._process.wait()

    def _start(self, home: Path) -> str:
        """Start it on a free port; its address."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        own = private_folder(self._folder / "config")
        write_private(own / "jupyter_server_config.json", json.dumps(ENDS_UNUSED))
        config_path = os.pathsep.join(filter(None, [str(own), os.environ.get("JUPYTER_CONFIG_PATH")]))
        # Of what the lab is told, only how real its range is to be: neither live services nor a student's number.
        told = [name for name in os.environ if name.startswith("LABKIT_") and name != ASKED_FOR]
        environment = {name: value for name, value in os.environ.items() if name not in told}
        environment |= {"LABKIT_HOME": str(home), "JUPYTER_RUNTIME_DIR": str(private_folder(self._runtime))}
        environment |= {"JUPYTER_CONFIG_PATH": config_path, "JUPYTER_TOKEN": self._token}
        if self._closed.is_set():
            raise LabError("JupyterLab was not tried.", "The looking was ended.")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "labkit", "lab", "--no-browser", "--port", str(port)],
                env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        return f"http://127.0.0.1:{port}"

    def _ask(self, method: str, address: str) -> Any:
        import requests

        with requests.Session() as session:
            session.trust_env = False
            headers = {"Authorization": f"token {self._token}"}
            return session.request(method, address, headers=headers, timeout=PATIENCE_SECONDS)

    def _wait_for(self, condition: Callable[[], bool]) -> None:
        import requests

        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline and not self._closed.is_set():
            assert self._process is not None
            if self._process.poll() is not None:
                raise self._fault("it ended by itself")
            with contextlib.suppress(requests.ConnectionError):
                if condition():
                    return
            self._closed.wait(0.05)
        raise self._fault(f"it did not answer within {PATIENCE_SECONDS} s")

    def _run_cell(self, connection_file: Path) -> None:
        """Run a cell in the kernel of this file. Raises LabError when that fails."""
        from jupyter_client.blocking.client import BlockingKernelClient

        client = BlockingKernelClient(connection_file=str(connection_file))
        client.load_connection_file()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=PATIENCE_SECONDS)
            told = client.execute(CELL, reply=True, timeout=PATIENCE_SECONDS)["content"]
        except (RuntimeError, TimeoutError) as error:
            raise self._fault(f"its kernel did not answer: {error}") from error
        finally:
            client.stop_channels()
        if told["status"] != "ok":
            raise self._fault(f"its kernel could not open the lab: {told.get('ename')}: {told.get('evalue')}")

    def _fault(self, why: str) -> LabError:
        words = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        told = f" Its last words: {words[-1]}" if words else ""
        return LabError("JupyterLab cannot be used:", f"{why}.{told}", "Say `labkit lab`, and read what it says.")
