"""A running sandbox: whether it is alive, its health, and its control calls."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from labkit.model.errors import LabError, ServiceUnreachable

if TYPE_CHECKING:
    import requests

ANSWER_TIMEOUT_SECONDS = 30
REFUSED = 409
"""The status of a control call that failed with an error message for people."""


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox: its URL, and the token for its control calls, which is never shown.

    Calls ignore the proxies of the environment: nothing leaves this machine.
    """

    pid: int
    identity: int
    url: str
    token: str = field(repr=False)

    def alive(self) -> bool:
        """Whether the process that wrote the state file still runs; makes no request."""
        import psutil

        try:
            process = psutil.Process(self.pid)
            return bool(hash(process) == self.identity and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    def health(self, timeout_seconds: float = ANSWER_TIMEOUT_SECONDS) -> Mapping[str, Any] | None:
        """What the sandbox reports about itself (`warm`, `pid`, `notice`); None if it does not answer.

        notice: what people should know, such as that something that it kept was damaged; "" if nothing.
        """
        import requests

        try:
            with requests.Session() as session:
                session.trust_env = False
                return dict(session.get(f"{self.url}/_lab/health", timeout=timeout_seconds).json())
        except (requests.RequestException, ValueError):
            return None

    def credentials(self) -> Mapping[str, Mapping[str, str]]:
        """The keys of both services: `aws` and `detection`. For the Cloud Accounts page and the detection client."""
        return dict(self.control("GET", "/_lab/credentials"))

    def cloud_account_url(self) -> str:
        """A URL for the sandbox's Cloud Accounts page that works once."""
        return self.url + str(self.control("POST", "/_lab/tickets")["path"])

    def cloud_account_page(self, ticket: str) -> requests.Response:
        """The reply to a request for that page. Raises requests.RequestException."""
        import requests

        with requests.Session() as session:
            session.trust_env = False
            address = f"{self.url}/_lab/cloud-account"
            return session.get(address, params={"ticket": ticket}, timeout=ANSWER_TIMEOUT_SECONDS)

    def control(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The JSON reply to a control call. Raises ServiceUnreachable, or LabError with the reply's message."""
        with self._reply(method, path, body) as reply:
            return reply.json()

    def control_lines(self, path: str, body: Mapping[str, Any]) -> Generator[Any, None, None]:
        """The values of a reply that comes line by line; closing the iterator hangs up. Raises as `control` does."""
        with self._reply("POST", path, body, stream=True) as reply:
            for line in reply.iter_lines(chunk_size=None):
                yield json.loads(line)

    @contextlib.contextmanager
    def _reply(
        self, method: str, path: str, body: Mapping[str, Any] | None, stream: bool = False
    ) -> Iterator[requests.Response]:
        import requests

        with requests.Session() as session, self._unreachable():
            session.trust_env = False
            headers = {"X-Lab-Token": self.token}
            wait = ANSWER_TIMEOUT_SECONDS
            reply = session.request(method, self.url + path, headers=headers, json=body, timeout=wait, stream=stream)
            with reply:
                if reply.status_code == REFUSED:
                    raise LabError(**reply.json())
                reply.raise_for_status()
                yield reply

    @contextlib.contextmanager
    def _unreachable(self) -> Iterator[None]:
        """Raise ServiceUnreachable for what requests raises."""
        import requests

        try:
            yield
        except requests.RequestException as error:
            raise ServiceUnreachable(
                f"The sandbox at {self.url} did not answer.",
                "It was stopped, or it is restarting.",
                "Run the cell again: it starts the sandbox if it is not running.",
            ) from error
