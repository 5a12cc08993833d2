"""A student at the hub: logs in with a form, opens a server, runs cells in a kernel of it, as a browser would."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass, field
from typing import Any

import requests
import websocket

from tests.notebooks.kernel import Output
from tests.wait import PATIENCE_SECONDS, until


class Refused(Exception):
    """The words of a page of the hub that gave no server."""


@dataclass
class AtTheHub:
    """One person's cookies, which are all that a hub knows a browser by."""

    hub_url: str
    name: str
    session: requests.Session = field(default_factory=requests.Session)

    @property
    def url(self) -> str:
        """Where the person's own server is."""
        return f"{self.hub_url}/user/{self.name}"

    def log_in(self, password: str) -> bool:
        """Fill in the login form; whether the hub took it."""
        login = f"{self.hub_url}/hub/login"
        self.session.get(login, timeout=PATIENCE_SECONDS)
        given = {"username": self.name, "password": password, "_xsrf": self._xsrf("/hub/")}
        reply = self.session.post(login, data=given, timeout=PATIENCE_SECONDS, allow_redirects=False)
        return reply.status_code == requests.codes.found

    def open_server(self) -> requests.Response:
        """Ask for the server and wait for it; its first page. Raises Refused with the hub's words."""
        page = self.session.get(f"{self.hub_url}/hub/spawn", timeout=PATIENCE_SECONDS)
        if not page.ok or "/hub/login" in page.url:
            raise Refused(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text)))
        until(self.is_ready)
        return self.session.get(f"{self.url}/", timeout=PATIENCE_SECONDS)

    def is_ready(self) -> bool:
        """Whether the server answers; the hub, which answers in its place before, sends elsewhere."""
        reply = self.session.get(f"{self.url}/api", timeout=PATIENCE_SECONDS, allow_redirects=False)
        return reply.status_code == requests.codes.ok

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """A call of the server's own API."""
        headers = {"X-XSRFToken": self._xsrf(f"/user/{self.name}/")}
        reply = self.session.request(
            method, f"{self.url}/api/{path}", json=body, headers=headers, timeout=PATIENCE_SECONDS
        )
        reply.raise_for_status()
        return reply.json() if reply.content else None

    def start_kernel(self) -> RemoteKernel:
        """A fresh kernel of the server."""
        found = self.call("POST", "kernels", {"name": "python3", "path": "notebooks"})["id"]
        return RemoteKernel(self.socket(f"kernels/{found}/channels"))

    def socket(self, path: str) -> websocket.WebSocket:
        cookies = "; ".join(f"{one.name}={one.value}" for one in self.session.cookies)
        address = f"{self.url}/api/{path}".replace("http", "ws", 1)
        return websocket.create_connection(address, cookie=cookies, origin=self.hub_url, timeout=PATIENCE_SECONDS)

    def _xsrf(self, path: str) -> str:
        return next(one.value or "" for one in self.session.cookies if one.name == "_xsrf" and one.path == path)


@dataclass
class RemoteKernel:
    """A kernel behind a websocket. Source: https://jupyter-client.readthedocs.io/en/stable/messaging.html."""

    socket: websocket.WebSocket

    def run(self, source: str) -> Output:
        """Run a cell and wait for its end."""
        header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "session": "test", "username": ""}
        content = {"code": source, "silent": False, "allow_stdin": False}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        self.socket.send(json.dumps(message))
        output = Output()
        while True:
            reply = json.loads(self.socket.recv())
            if reply["parent_header"].get("msg_id") == header["msg_id"]:
                output.take(reply)
                if reply["msg_type"] == "status" and reply["content"]["execution_state"] == "idle":
                    return output

    def close(self) -> None:
        self.socket.close()
