"""A hub as an instructor starts it, from the configuration that ships with the lab."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from labkit.classroom import hub as jupyterhub
from tests.ports import free_port
from tests.sandbox.student import AS_USER
from tests.wait import PATIENCE_SECONDS, until

CONFIG = Path(jupyterhub.__file__).with_name("jupyterhub_config.py")


@dataclass
class RunningHub:
    """A JupyterHub on ports of its own. top: a folder that every user may pass through; the hub writes nowhere else.

    user: who starts it, where that is not who runs the tests.
    """

    top: Path
    variables: Mapping[str, str]
    config: Path = CONFIG
    user: pwd.struct_passwd | None = None

    @property
    def folder(self) -> Path:
        return self.top / "class"

    @property
    def log(self) -> str:
        """What hub, proxy and the students' servers have said."""
        return (self.top / "hub.log").read_text(encoding="utf-8", errors="replace")

    def start(self) -> None:
        """Start it and wait until it answers."""
        port, hub_port, proxy_port = free_port(), free_port(), free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "jupyterhub", "-f", str(self.config), "--url", self.url]
        command += [f"--JupyterHub.hub_port={hub_port}"]
        command += [f"--ConfigurableHTTPProxy.api_url=http://127.0.0.1:{proxy_port}"]
        if self.user is not None:
            command = [sys.executable, AS_USER, str(self.user.pw_uid), str(self.user.pw_gid), *command]
        elif os.geteuid() == 0:
            command = [sys.executable, "-m", "tests.hub.shown", *command]
        with (self.top / "hub.log").open("wb") as log:
            self.process = subprocess.Popen(
                command, env=self.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.top
            )
        try:
            until(self.answers)
        except AssertionError as error:
            raise AssertionError(self.log) from error

    def environment(self) -> dict[str, str]:
        """The instructor's: nothing of this machine's user."""
        kept = ("PATH", "LANG", "NO_PROXY", "no_proxy")
        own = {name: os.environ[name] for name in kept if name in os.environ}
        home = {"HOME": str(self.top), "PYTHONPATH": str(Path(__file__).parents[2])}
        return {**own, **home, "LABKIT_HUB_FOLDER": str(self.folder), **self.variables}

    def answers(self) -> bool:
        assert self.process.poll() is None, self.log
        try:
            return requests.get(f"{self.url}/hub/api", timeout=PATIENCE_SECONDS).ok
        except requests.RequestException:
            return False

    def stop(self) -> None:
        """End it as Ctrl-C would, with every server and the proxy."""
        below = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE_SECONDS)
        assert not psutil.wait_procs(below, PATIENCE_SECONDS)[1], "the hub left processes behind"
