"""Where JupyterLab answers: on this machine only, to other computers, or behind a proxy."""

from __future__ import annotations

import getpass
import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import psutil

from labkit.files import disk_errors
from labkit.model.errors import InvalidInput, LabError
from labkit.sandbox.classroom import certificate
from labkit.services.jupyter_server import LOOPBACK, WILDCARDS, certificate_file
from labkit.views.terminal import echo

OPENS = """JupyterLab will answer on {where} to every computer that reaches it.
Whoever has its address with the token can run programs on this computer as {user}.
{tls}"""
ENCRYPTED = "It is encrypted. The certificate is made here, so browsers warn once. Its SHA-256 fingerprint:\n  {}"
PLAIN = "It is not encrypted: let nobody but a proxy that adds TLS reach this port."


@dataclass(frozen=True)
class LabAddress:
    """Where JupyterLab answers.

    host: its address on this machine. path: its base URL, with a slash at both ends. origin: scheme and host of the
    address at which a proxy shows it, such as `https://lab.example.org`; "" without one. tls: whether it encrypts.
    """

    host: str = LOOPBACK
    path: str = "/"
    origin: str = ""
    tls: bool = False

    @classmethod
    def parse(cls, host: str, base_url: str, tls: bool | None) -> LabAddress:
        """What the options of `labkit lab` mean. TLS is used on every address that other computers reach, unless tls is
        false. Raises InvalidInput.

        >>> LabAddress.parse("", "https://lab.example.org/seven", None)
        LabAddress(host='127.0.0.1', path='/seven/', origin='https://lab.example.org', tls=False)
        >>> LabAddress.parse("0.0.0.0", "", None).tls
        True
        """
        parts = urlsplit(base_url)
        if base_url and not (parts.scheme in ("http", "https") and parts.netloc) and not base_url.startswith("/"):
            raise InvalidInput(
                f"“{base_url}” is not a base URL.",
                "It is the address at which a proxy shows the lab, or only its path.",
                "Example: labkit lab --base-url https://lab.example.org/seven/",
                field="base_url",
            )
        origin = f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
        path = "/".join(["", *filter(None, parts.path.split("/")), ""])
        host = "127.0.0.1" if host in ("", "localhost") else host
        return cls(host, path, origin, not is_loopback(host) if tls is None else tls)

    @property
    def is_open(self) -> bool:
        """Whether other computers may reach it, directly or through a proxy."""
        return not is_loopback(self.host) or self.is_proxied

    @property
    def is_proxied(self) -> bool:
        return bool(self.origin) or self.path != "/"

    def options(self, home: Path) -> list[str]:
        """JupyterLab's options for it. Raises LabError if the certificate cannot be written."""
        options = [f"--ServerApp.ip={self.host}", f"--ServerApp.base_url={self.path}"]
        if self.is_open:  # else only requests for a local name are answered
            options.append("--ServerApp.allow_remote_access=True")
        if self.origin:
            options.append(f"--ServerApp.allow_origin={self.origin}")
        if self.is_proxied:
            options.append("--ServerApp.trust_xheaders=True")
        if self.tls:
            file, key = _certificate(home, self.host)
            options += [f"--ServerApp.certfile={file}", f"--ServerApp.keyfile={key}"]
        return options

    def confirm(self, home: Path, port: int, yes: bool) -> None:
        """Say what it means that other computers reach it, and ask, unless yes. Raises click.Abort for a no."""
        if is_loopback(self.host):
            return
        tls = ENCRYPTED.format(certificate.pinned(_certificate(home, self.host)[0])) if self.tls else PLAIN
        echo(OPENS.format(where=f"{self.host}, port {port},", user=getpass.getuser(), tls=tls))
        if not yes:
            click.confirm("Open it to other computers?", abort=True)


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _certificate(home: Path, host: str) -> tuple[Path, Path]:
    """The files of the certificate for this address and of its key, made if they are missing or nearly expired."""
    file, key, names = certificate_file(home), home / "jupyterlab.key", sorted({LOOPBACK, *_names(host)})
    with disk_errors(home):
        if not certificate.is_good(file, key, names):
            certificate.make(file, key, names)
    return file, key


def _names(host: str) -> Iterable[str]:
    if host not in WILDCARDS:
        return [host]
    found = (
        one.address.partition("%")[0]
        for each in psutil.net_if_addrs().values()
        for one in each
        if one.family in (socket.AF_INET, socket.AF_INET6)
    )
    return [socket.gethostname(), *found]


def require_login(server: Any) -> None:
    """Raise LabError if the user's own configuration of Jupyter has switched the token off."""
    if not server.identity_provider.auth_enabled:
        raise LabError(
            "JupyterLab was not opened to other computers.",
            "Your own Jupyter configuration switches token and password off: everybody could run programs as you.",
            "Remove the empty token from the files that `jupyter --paths` lists, or leave out --host and --base-url.",
        )


def accept_stripped_path(application: Any, path: str) -> None:
    """Also answer requests from which a proxy has removed the path of the base URL, as code-server's `/proxy/` does."""

    class ProxiedServer(application.serverapp_class):
        def init_webapp(self) -> None:
            super().init_webapp()
            find = self.web_app.find_handler

            def find_handler(request: Any, **more: Any) -> Any:
                if not request.path.startswith(path):
                    request.path, request.uri = path + request.path.lstrip("/"), path + request.uri.lstrip("/")
                return find(request, **more)

            self.web_app.find_handler = find_handler

    application.serverapp_class = ProxiedServer
