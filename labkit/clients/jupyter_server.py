"""The Jupyter server that this kernel belongs to, as far as the lab needs it: its terminals."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE_SECONDS = 5.0


@dataclass(frozen=True)
class JupyterServer:
    """Where a Jupyter server answers, and the token that opens it (never shown)."""

    url: str
    token: str = field(repr=False)

    def open_terminal(self, name: str, command: Sequence[str]) -> bool:
        """Begin a terminal with this command, or find it; False where the server has none to give.

        name: letters and digits. Source: jupyter_server_terminals, `POST /api/terminals`, which hands `shell_command`
        on to terminado.
        """
        import requests

        with requests.Session() as session:
            session.trust_env = False  # no proxy, and no password of a .netrc
            session.headers["Authorization"] = f"token {self.token}"
            address = f"{self.url.rstrip('/')}/api/terminals"
            try:
                listed = session.get(address, timeout=PATIENCE_SECONDS)
                if listed.ok and name in [one["name"] for one in listed.json()]:
                    return True
                asked = {"name": name, "shell_command": list(command)}
                return listed.ok and session.post(address, json=asked, timeout=PATIENCE_SECONDS).ok
            except (requests.RequestException, ValueError, LookupError, TypeError):
                return False  # another program at that address, or none


def server_of_this_kernel() -> JupyterServer | None:
    """The server that started this kernel, from the file that each server keeps in Jupyter's runtime folder; or None.

    Source: jupyter_server, `write_server_info_file`; jupyter_client sets JPY_PARENT_PID.
    """
    from jupyter_core.paths import jupyter_runtime_dir

    try:
        text = Path(jupyter_runtime_dir(), f"jpserver-{os.environ['JPY_PARENT_PID']}.json").read_text(encoding="utf-8")
        found = json.loads(text)
        return JupyterServer(found["url"], found["token"])
    except (OSError, ValueError, LookupError, TypeError):
        return None
