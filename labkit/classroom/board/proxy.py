"""The board as a tile of JupyterLab's launcher, through jupyter-server-proxy and behind Jupyter's own login.

It is loaded whenever a Jupyter server starts, so it imports only what is loaded already.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from labkit.classroom.board import TOKEN_HEADER, TOKEN_VARIABLE
from labkit.services.environment import CLASS_FILE, LABKIT, home_folder


def _refuse_other_ports() -> None:
    # There is no setting for it: `host_allowlist` does not cover this machine's own ports (4.6).
    import jupyter_server_proxy

    jupyter_server_proxy.setup_handlers = lambda web_app, configuration: None


def class_board() -> dict[str, Any]:
    """How jupyter-server-proxy starts the board and reaches it; the entry point of `jupyter_serverproxy_servers`.

    Nothing else on this machine is reached through the server after this call: whoever may open a port could otherwise
    show a page that runs in Jupyter's own origin, with its login. The tile is hidden from a student who has joined a
    class.
    Source: https://jupyter-server-proxy.readthedocs.io/en/latest/server-process.html
    """
    _refuse_other_ports()
    token = secrets.token_urlsafe(24)
    return {
        "command": [*LABKIT, "board", "--no-browser", "--port", "{port}"],
        "environment": {TOKEN_VARIABLE: token},
        "request_headers_override": {TOKEN_HEADER: token},
        "timeout": 20,
        "new_browser_tab": False,
        "launcher_entry": {
            "enabled": not (home_folder() / CLASS_FILE).exists(),
            "title": "Class board",
            "icon_path": str(Path(__file__).with_name("board.svg")),
        },
    }
