"""Finds two Jupyter servers: the one that runs this kernel, for its terminals, and the one that serves a lab home."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from labkit.files import write_private
from labkit.services.environment import home_folder

if TYPE_CHECKING:
    import requests

PATIENCE_SECONDS = 20.0
LOOPBACK = "127.0.0.1"
PATH_VARIABLE = "LABKIT_JUPYTER_PATH"
"""Set for the kernels of a Jupyter server that shows the sandbox's page itself: its base URL."""

CLOUD_ACCOUNT_PATH = "labkit/cloud-account"
WILDCARDS = {"": LOOPBACK, "*": LOOPBACK, "0.0.0.0": LOOPBACK, "::": "[::1]"}
"""Addresses that stand for all of a machine's, and where this machine reaches them."""


def in_jupyter(page: str) -> str:
    """The address of the sandbox's Cloud Accounts page for the browser that shows this notebook.

    page: its address at the sandbox, which a browser on another computer cannot reach.
    """
    path = os.environ.get(PATH_VARIABLE)
    return f"{path}{CLOUD_ACCOUNT_PATH}?{urlsplit(page).query}" if path else page


@dataclass(frozen=True)
class JupyterServer:
    """A Jupyter server's URL and its access token, which is never shown.

    local_url: its URL on this machine. certificate: the file of the certificate to trust there; "" for the system's.
    """

    url: str
    token: str = field(repr=False)
    local_url: str = ""
    certificate: str = ""

    def ask(self, method: str, path: str, body: object = None, seconds: float = PATIENCE_SECONDS) -> requests.Response:
        """The reply to a request; body: sent as JSON. Raises requests.RequestException."""
        import requests

        with requests.Session() as session:
            session.trust_env = False  # no proxy, and no password from .netrc
            session.verify = self.certificate or True
            headers = {"Authorization": f"token {self.token}"}
            address = f"{(self.local_url or self.url).rstrip('/')}{path}"
            return session.request(method, address, headers=headers, json=body, timeout=seconds)

    def answers(self) -> bool:
        """Whether it answers and accepts the token."""
        import requests

        try:
            return self.ask("GET", "/api/status").ok
        except requests.RequestException:
            return False

    def open_terminal(self, name: str, command: Sequence[str]) -> bool:
        """Open a terminal that runs this command, unless it exists. False if the server cannot open one.

        name: letters and digits. Source: jupyter_server_terminals, `POST /api/terminals`, which passes `shell_command`
        to terminado.
        """
        import requests

        try:
            listed = self.ask("GET", "/api/terminals")
            if listed.ok and name in [one["name"] for one in listed.json()]:
                return True
            return listed.ok and self.ask("POST", "/api/terminals", {"name": name, "shell_command": list(command)}).ok
        except (requests.RequestException, ValueError, LookupError, TypeError):
            return False  # another program at that address, or none


def server_of_this_kernel() -> JupyterServer | None:
    """The server that started this kernel, if any. jupyter_client sets JPY_PARENT_PID."""
    return _server_of(os.environ.get("JPY_PARENT_PID", ""))


def _server_of(pid: str | int, folder: Path | None = None) -> JupyterServer | None:
    """The server with this pid, from its file in Jupyter's runtime folder; None without a file, or if it serves another
    folder.

    Source: jupyter_server, `write_server_info_file`.
    """
    from jupyter_core.paths import jupyter_runtime_dir

    try:
        found = json.loads(Path(jupyter_runtime_dir(), f"jpserver-{pid}.json").read_text(encoding="utf-8"))
        serves = folder is None or Path(found["root_dir"]) == folder
        return JupyterServer(found["url"], found["token"], *_locally(found)) if serves else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _locally(found: Mapping[str, Any]) -> tuple[str, str]:
    """A server's URL on this machine, and the certificate that it shows there if it is the lab's own."""
    host, own = str(found["hostname"]), certificate_file(home_folder())
    host = WILDCARDS.get(host) or (f"[{host}]" if ":" in host else host)
    url = f"http{'s' if found['secure'] else ''}://{host}:{found['port']}{found['base_url']}"
    return url, str(own) if found["secure"] and own.exists() else ""


def certificate_file(home: Path) -> Path:
    """The certificate of a JupyterLab that the lab opens to other computers."""
    return home / "jupyterlab.pem"


# --- the server of a home ---


def server_of_home(home: Path, folder: Path) -> JupyterServer | None:
    """The server that shows the chapters in this folder for this home; None if none answers."""
    try:
        server = _server_of(int(_pid_file(home).read_text(encoding="utf-8")), folder)
    except (OSError, ValueError):
        return None
    return server if server is not None and server.answers() else None


def note_server(home: Path) -> None:
    """Record that this process is the server of this home."""
    write_private(_pid_file(home), f"{os.getpid()}\n")


def forget_server(home: Path) -> None:
    """Remove the record, if it names this process."""
    try:
        if _pid_file(home).read_text(encoding="utf-8").strip() == str(os.getpid()):
            _pid_file(home).unlink()
    except OSError:
        return  # no record


def _pid_file(home: Path) -> Path:
    return home / "jupyterlab.pid"
