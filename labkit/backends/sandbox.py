"""The sandbox of this machine as a backend, for AWS and for the detection service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from labkit.aws_config import point_aws_cli_at
from labkit.backends.backend import AwsBackend, DetectionBackend, lab_environment
from labkit.model.access_keys import AccessKeys
from labkit.model.errors import LabError, ServiceUnreachable
from labkit.sandbox.classroom import settings as class_settings
from labkit.services import sandbox_process
from labkit.services.detection.login import DetectionLogin
from labkit.services.host import Host
from labkit.services.running_sandbox import Sandbox

LABEL = "sandbox on this machine"


class LocalSandbox:
    """This machine's sandbox. It is started again whenever it has ended."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._sandbox: Sandbox | None = None

    def ensure(self) -> Sandbox:
        """The running sandbox. Raises LabError when it does not start."""
        if self._sandbox is None or not self._sandbox.alive():
            self._sandbox = self._open()
        return self._sandbox

    def _open(self) -> Sandbox:
        return sandbox_process.find(self.home) or sandbox_process.start(self.home)[0]  # without a lock where it runs


class FoundSandbox(LocalSandbox):
    """This machine's sandbox where it runs; it is never started. `ensure` raises ServiceUnreachable if none runs."""

    def _open(self) -> Sandbox:
        if (found := sandbox_process.find(self.home)) is not None:
            return found
        raise ServiceUnreachable("The sandbox is not running.", "It was stopped.", "Start it: labkit sandbox start")


class SandboxAws(AwsBackend):
    """AWS in the sandbox, with the lab's own AWS files."""

    label = LABEL
    shows_cloud_account = True

    def __init__(self, sandbox: LocalSandbox) -> None:
        self._sandbox = sandbox
        self.config_file = sandbox.home / "aws" / "config"
        self.credentials_file = sandbox.home / "aws" / "credentials"
        self.host: Host | None = Host(sandbox.ensure)

    def endpoint(self) -> str:
        return self._sandbox.ensure().url

    def environment(self) -> dict[str, str]:
        return lab_environment(self.config_file, self.credentials_file, "127.0.0.1")

    def notice(self) -> str:
        try:
            return str((self._sandbox.ensure().health() or {}).get("notice", ""))
        except LabError:  # who looks at what it kept says so
            return ""

    def cloud_account(self) -> AccessKeys | None:
        return AccessKeys(**self._sandbox.ensure().credentials()["aws"])

    def cloud_account_url(self) -> str:
        return self._sandbox.ensure().cloud_account_url()

    def point_aws_cli(self) -> None:
        point_aws_cli_at(self.config_file, self.endpoint())

    def class_view(self) -> Sequence[Mapping[str, Any]]:
        return tuple(self._sandbox.ensure().control("GET", "/_lab/class")["students"])


class SandboxDetection(DetectionBackend):
    """The detection service of the sandbox, which knows this machine's owner as the instructor of its class."""

    label = LABEL

    def __init__(self, sandbox: LocalSandbox) -> None:
        self._sandbox = sandbox
        self._keys: Mapping[str, str] = {}

    @property
    def class_size(self) -> int:
        served = class_settings.load(self._sandbox.home)  # a class may begin at any time
        return served.size if served else 0

    def tls_address(self) -> tuple[str, str]:
        served = class_settings.load(self._sandbox.home)
        return (served.url, served.certificate) if served and served.tls else ("", "")

    def login(self) -> DetectionLogin:
        sandbox = self._sandbox.ensure()
        self._keys = self._keys or sandbox.credentials()["detection"]  # they never change
        return DetectionLogin(sandbox.url, **self._keys)
