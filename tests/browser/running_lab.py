"""The lab as a student starts it: `labkit lab` in a copy of the chapters, with folders of its own."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_SECONDS = 60
STOP_TIMEOUT_SECONDS = 20
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
    """A JupyterLab that `labkit lab` started. top: everything that it may write is below."""

    top: Path
    token: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)

    @property
    def folder(self) -> Path:
        """The student's clone, as far as the lab needs it."""
        return self.top / "clone"

    @property
    def home(self) -> Path:
        """LABKIT_HOME."""
        return self.top / "labkit-home"

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
        # The shell of the lab's terminal: a prompt that is easy to find, and no history of anybody's.
        shell = {"SHELL": "/bin/bash", "PS1": "$ ", "JUPYTER_TOKEN": self.token}
        return {**os.environ, **{name: str(self.top / path) for name, path in folders.items()}, **shell}

    def start(self) -> None:
        """Copy the chapters, start the lab, wait until JupyterLab answers."""
        for name in ("notebooks", "images"):
            shutil.copytree(ROOT / name, self.folder / name, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
        (self.top / "home").mkdir()
        self._save_widget_state()
        self.port = _free_port()
        command = [sys.executable, "-m", "labkit", "lab", "--no-browser", "--port", str(self.port)]
        with (self.top / "jupyterlab.log").open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=self.folder, env=self.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not _answers(f"http://127.0.0.1:{self.port}/api"):
            assert self._process.poll() is None and time.monotonic() < deadline, self.log()
            time.sleep(0.1)

    def log(self) -> str:
        """What `labkit lab` has said."""
        return (self.top / "jupyterlab.log").read_text(encoding="utf-8")

    def _save_widget_state(self) -> None:
        """Switch “Save Widget State Automatically” on, the setting under which a secret could be saved."""
        plugin = (
            self.top / "jupyter/config/lab/user-settings/@jupyter-widgets/jupyterlab-manager/plugin.jupyterlab-settings"
        )
        plugin.parent.mkdir(parents=True)
        plugin.write_text(json.dumps({"saveState": True}))

    def address(self, notebook: str, workspace: str) -> str:
        """A page with this notebook alone."""
        return f"http://127.0.0.1:{self.port}/lab/workspaces/{workspace}/tree/notebooks/{notebook}?reset&token={self.token}"

    def labkit(self, *arguments: str) -> str:
        """What `labkit …` prints, in a shell of the same user."""
        done = subprocess.run(
            [sys.executable, "-m", "labkit", *arguments],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def stop(self) -> None:
        """End JupyterLab as Ctrl-C, answered with yes, would."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(STOP_TIMEOUT_SECONDS)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False
