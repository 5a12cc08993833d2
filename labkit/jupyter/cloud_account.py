"""The sandbox's Cloud Accounts page inside Jupyter's own address, as a Jupyter server extension.

The sandbox answers on its own machine only, and the student's browser may be on another one. Nothing but this page of
this home's sandbox is passed on, and only to whoever is logged in and has a ticket from the form.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web

from labkit.services.environment import home_folder
from labkit.services.jupyter_server import CLOUD_ACCOUNT_PATH, PATH_VARIABLE


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "labkit.jupyter.cloud_account"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Add the page, and tell the kernels at which path this server is."""
    base = server.web_app.settings["base_url"]
    os.environ[PATH_VARIABLE] = base
    server.web_app.add_handlers(".*", [(url_path_join(base, CLOUD_ACCOUNT_PATH), CloudAccountHandler)])


class CloudAccountHandler(JupyterHandler):
    """`GET …/labkit/cloud-account?ticket=…`: what the sandbox answers with that ticket, which works once."""

    @web.authenticated
    async def get(self) -> None:
        """Write the page, or a sentence where there is none."""
        status, body = await asyncio.to_thread(_page, self.get_argument("ticket", ""))
        self.set_status(status)
        self.set_header("Content-Type", "text/html; charset=utf-8" if status == 200 else "text/plain; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "no-referrer")
        await self.finish(body)

    def compute_etag(self) -> None:
        """None: it would be a hash of the keys."""


def _page(ticket: str) -> tuple[int, str]:
    import requests

    from labkit.services import sandbox_process

    sandbox = sandbox_process.find(home_folder())
    if sandbox is None:
        return 404, "The sandbox is not running. In a terminal: labkit sandbox start\n"
    try:
        reply = sandbox.cloud_account_page(ticket)
    except requests.RequestException:
        return 503, "The sandbox does not answer. In a terminal: labkit sandbox start\n"
    return reply.status_code, reply.text
