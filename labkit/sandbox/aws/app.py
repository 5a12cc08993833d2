"""The sandbox's AWS side: EC2, STS and IAM of one account, by moto, as a WSGI application.

Importing this is light; `warm` loads moto. Requests that come before that wait.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.model.access_keys import AccessKeys
from labkit.model.errors import LabError
from labkit.model.host.location import HostLocation
from labkit.sandbox.aws.journal import damaged_copies
from labkit.sandbox.aws.keys import STUDENT, IamUser, load_keys
from labkit.sandbox.ids import Ids

if TYPE_CHECKING:
    from labkit.sandbox.aws.requests import AwsRequests
    from labkit.sandbox.aws.state import MotoState

CONTROL_FLAG = "labkit.control"
"""The WSGI environment's key that the sandbox's dispatcher sets when a request carries the control token."""

LOAD_TIMEOUT_SECONDS = 60


class AwsApp:
    """The WSGI application, with all its files in one 0700 folder. Call `warm` in a thread.

    keys: the student's. on_change: called with (account, region) after each successful change, before its reply.
    ids: the source of the ids and keys of new state. more_users: users of other accounts, as a class has.
    on_authenticated: called with the account of each authentic request.
    """

    def __init__(
        self,
        folder: Path,
        on_change: Callable[[str, str], object] | None = None,
        ids: Ids | None = None,
        more_users: Sequence[IamUser] = (),
        on_authenticated: Callable[[str], object] | None = None,
    ) -> None:
        own_keys = load_keys(folder / "aws-keys.json", ids)
        self.keys: AccessKeys = own_keys[STUDENT]
        self._journal = folder / "aws-journal.ndjson"
        self._arguments = (self._journal, own_keys, on_change, ids, more_users, on_authenticated)
        self._requests: AwsRequests | None = None
        self._loaded = threading.Event()

    def warm(self) -> None:
        """Load moto, restore its state from the journal and answer one request, so that the student's first is fast.

        Does nothing if that was done before. Raises OSError if the journal cannot be written.
        """
        if self._requests is not None:
            return
        gc.disable()  # moto makes a million long-lived objects; collecting adds a quarter to the time
        try:
            from labkit.sandbox.aws.requests import AwsRequests

            requests = AwsRequests(*self._arguments)
            requests.warm(self.keys)
            self._requests = requests
        finally:
            gc.freeze()
            gc.enable()
            self._loaded.set()

    def location_of(self, account: str) -> HostLocation | None:
        """The location of an account's host. Waits for `warm` to end; raises LabError if that failed."""
        state = self._loaded_state()
        from labkit.sandbox.aws import inventory

        return state.read(account, lambda: inventory.location_of(account))

    def regions_of(self, account: str) -> dict[str, dict[str, Any]]:
        """What an account has, by region, as boto3 would show it. Waits like `location_of`."""
        state = self._loaded_state()
        from labkit.sandbox.aws import inventory

        return state.read(account, lambda: inventory.regions_of(account))

    def _loaded_state(self) -> MotoState:
        requests = self._loaded_requests()
        if requests is None:
            raise LabError(
                "The sandbox's AWS side did not start.", "Its log says why.", "Free space if the disk is full."
            )
        return requests.state

    @property
    def notice(self) -> str:
        """What people should know about what was kept, in a sentence; "" if all is well."""
        copies = damaged_copies(self._journal)
        if not copies:
            return ""
        return (
            "A line of the sandbox's journal was damaged, and the changes to VPCs and network ACLs after it are lost. "
            f"A copy is in {copies[-1]}; delete it, and this message ends."
        )

    def close(self) -> None:
        """Close the journal."""
        if self._requests is not None:
            self._requests.state.close()

    def _loaded_requests(self) -> AwsRequests | None:
        return self._requests if self._loaded.wait(LOAD_TIMEOUT_SECONDS) else None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        from werkzeug.wrappers import Response

        path = environ.get("PATH_INFO", "")
        if path != "/" and not (path.startswith("/moto-api") and environ.get(CONTROL_FLAG) is True):
            return Response("Not found.\n", 404)(environ, start_response)
        requests = self._loaded_requests()
        if requests is None:
            return Response("The sandbox's AWS side did not start; see its log.\n", 503)(environ, start_response)
        if path != "/":
            return requests.moto_api(environ)(environ, start_response)
        return requests.answer(environ)(environ, start_response)
