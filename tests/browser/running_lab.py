"""The lab as a student starts it: `labkit lab` in a copy of the chapters, with folders of its own."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import Request, urlopen

from tests.ports import free_port
from tests.wait import PATIENCE_SECONDS, until

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str:
    """The distribution's browser."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert found is not None, "No Chromium was found; `make test-browser` says how to get it."
    return found


@dataclass
class RunningLab:
    """A JupyterLab that `labkit lab` started. top: everything that it may write is below. options: of `labkit lab`.

    shown_at: where a proxy shows it; "" without one.
    """

    top: Path
    options: tuple[str, ...] = ()
    shown_at: str = ""
    token: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)

    @property
    def folder(self) -> Path:
        """The student's clone, as far as the lab needs it."""
        return self.top / "clone"

    @property
    def home(self) -> Path:
        """LABKIT_HOME."""
        return self.top / "labkit-home"

    @property
    def settings(self) -> Path:
        """What the student's own Settings menu would save, an extension a folder."""
        return self.home / "jupyter" / "settings"

    def environment(self) -> dict[str, str]:
        """A user of his own: nothing of this machine's user is read or written."""
        folders = {
            "HOME": "home",
            "LABKIT_HOME": "labkit-home",
            "JUPYTER_CONFIG_DIR": "jupyter/config",
            "JUPYTER_DATA_DIR": "jupyter/data",
            "JUPYTER_RUNTIME_DIR": "jupyter/runtime",
            "IPYTHONDIR": "ipython",
        }
        own = {name: str(self.top / path) for name, path in folders.items()}
        return {**os.environ, **own, "SHELL": "/bin/bash", "JUPYTER_TOKEN": self.token}

    def start(self) -> None:
        """Copy the chapters, start the lab, wait until JupyterLab answers."""
        for name in ("notebooks", "images"):
            shutil.copytree(ROOT / name, self.folder / name, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
        (self.top / "home").mkdir()
        # The setting under which a secret could be saved; and a terminal whose text is text.
        self._set("@jupyter-widgets/jupyterlab-manager", "plugin", saveState=True)
        self._set("@jupyterlab/terminal-extension", "plugin", screenReaderMode=True)
        self.port = free_port()
        command = [sys.executable, "-m", "labkit", "lab", "--no-browser", "--port", str(self.port), *self.options]
        with (self.top / "jupyterlab.log").open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=self.folder, env=self.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        until(lambda: self._process.poll() is not None or _answers(f"http://127.0.0.1:{self.port}/api"))
        assert self._process.poll() is None, self.log()

    def log(self) -> str:
        """What `labkit lab` has said."""
        return (self.top / "jupyterlab.log").read_text(encoding="utf-8")

    def _set(self, extension: str, plugin: str, **values: object) -> None:
        folder = self.settings / extension
        folder.mkdir(parents=True)
        (folder / f"{plugin}.jupyterlab-settings").write_text(json.dumps(values))

    def start_afresh(self) -> None:
        """The chapters as they are in the repository, and no kernel or terminal left of an earlier test."""
        for path in (ROOT / "notebooks").glob("*.ipynb"):
            shutil.copy(path, self.folder / "notebooks")
        for kind in ("sessions", "terminals"):
            for one in json.loads(self._ask("GET", kind)):
                self._ask("DELETE", f"{kind}/{one.get('id') or one['name']}")

    def _ask(self, method: str, path: str) -> bytes:
        """A call of JupyterLab's own API."""
        url = f"http://127.0.0.1:{self.port}/api/{path}"
        request = Request(url, method=method, headers={"Authorization": f"token {self.token}"})
        with urlopen(request, timeout=PATIENCE_SECONDS) as reply:
            return bytes(reply.read())

    def address(self, notebook: str, workspace: str = "") -> str:
        """A page with this notebook alone; without a workspace, as `labkit lab` opens it."""
        url = self.shown_at or f"http://127.0.0.1:{self.port}/"
        where, reset = (f"lab/workspaces/{workspace}", "reset&") if workspace else ("lab", "")
        return f"{url}{where}/tree/notebooks/{notebook}?{reset}token={self.token}"

    def stop(self) -> None:
        """End JupyterLab as Ctrl-C, answered with yes, would."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(PATIENCE_SECONDS)
        assert "received signal" not in self.log(), self.log()


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=PATIENCE_SECONDS) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False
