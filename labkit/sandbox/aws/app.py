"""The sandbox's AWS side: EC2, STS and IAM of one account, by moto, as a WSGI application.

Importing this is light; `warm` loads moto. Requests that come before that wait.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from labkit.model.access_keys import AccessKeys
from labkit.sandbox.aws.keys import STUDENT, load_keys
from labkit.sandbox.classroom.roster import Roster
from labkit.sandbox.ids import Ids

if TYPE_CHECKING:
    from labkit.sandbox.aws.requests import AwsRequests

T = TypeVar("T")

CONTROL_FLAG = "labkit.control"
"""The WSGI environment's key by which the process's own dispatcher says that the control token was shown."""

PATIENCE_SECONDS = 60

AT_ONCE = 4
"""Requests that are answered at once. Python runs one thread at a time, and each of a hundred that wait to run wakes up
200 times a second to ask whether it may: those that wait here sleep, and go on in the order in which they came."""


class AwsApp:
    """The WSGI application. keys: the student's. Everything it keeps is in one 0700 folder."""

    def __init__(
        self,
        folder: Path,
        on_change: Callable[[str, str], object] | None = None,
        ids: Ids | None = None,
        roll: Roster | None = None,
    ) -> None:
        self._folder, self._on_change, self._ids, self._roll = folder, on_change, ids, roll
        self._all_keys = load_keys(folder / "aws-keys.json", ids)
        self._requests: AwsRequests | None = None
        self._loaded = threading.Event()
        self._turns = threading.Semaphore(AT_ONCE)

    @property
    def keys(self) -> AccessKeys:
        """The student's access keys."""
        return self._all_keys[STUDENT]

    def keys_of(self, user: str) -> AccessKeys:
        """The access keys of an IAM user. Raises KeyError."""
        return self._all_keys[user]

    def warm(self) -> None:
        """Load moto, restore the world from its journal and answer one request, so that the student's is fast."""
        gc.disable()  # moto's tables are a million objects made at once and kept: collecting meanwhile costs a quarter
        try:
            from labkit.sandbox.aws.requests import AwsRequests

            journal = self._folder / "aws-journal.ndjson"
            requests = AwsRequests(journal, self._all_keys, self._on_change, self._ids, self._roll)
            requests.warm(self.keys)
            self._requests = requests
        finally:
            gc.freeze()
            gc.enable()
            self._loaded.set()

    def read(self, look: Callable[[], T]) -> T:
        """What `look` finds in moto's state while nothing changes; waits for the end of `warm`."""
        if not self._loaded.wait(PATIENCE_SECONDS) or self._requests is None:
            raise RuntimeError("the AWS side is not loaded")
        return self._requests.world.read(look)

    def place_of(self, account: str) -> dict[str, Any] | None:
        """Where an account's host lives and what filters it, as `class_view.place_of` tells it; waits like `read`."""

        def look() -> dict[str, Any] | None:
            from labkit.sandbox.aws.inventory import place_of

            return place_of(account)

        return self.read(look)

    def regions_of(self, account: str) -> dict[str, dict[str, Any]]:
        """What an account has, by region, as boto3 would show it. The world is held for one account at a time, so that
        a whole class is looked at without making it wait. Waits for `warm` to end; RuntimeError if that failed."""
        if not self._loaded.wait(PATIENCE_SECONDS) or self._requests is None:
            raise RuntimeError("the AWS side did not load")
        from labkit.sandbox.aws.inventory import regions_of

        return self._requests.world.read(lambda: regions_of(account))

    def close(self) -> None:
        """Close the journal."""
        if self._requests is not None:
            self._requests.world.close()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        from werkzeug.wrappers import Response

        path = environ.get("PATH_INFO", "")
        if path != "/" and not (path.startswith("/moto-api") and environ.get(CONTROL_FLAG) is True):
            return Response("Nothing is here.\n", 404)(environ, start_response)
        if not self._loaded.wait(PATIENCE_SECONDS) or self._requests is None:
            return Response("The sandbox's AWS side did not start; its log says why.\n", 503)(environ, start_response)
        if path != "/":
            return self._requests.moto_api(environ)(environ, start_response)
        with self._turns:
            reply = self._requests.answer(environ)
        return reply(environ, start_response)


def create_aws_app(
    folder: Path,
    on_change: Callable[[str, str], object] | None = None,
    ids: Ids | None = None,
    roll: Roster | None = None,
) -> AwsApp:
    """The AWS side of the sandbox whose world is in `folder`; call its `warm` in a thread.

    on_change: told (account, region) after each changing request that went through, before its reply. ids: where the
    ids and keys of a new world come from. roll: the students of a class, each with an account.
    """
    return AwsApp(folder, on_change, ids, roll)
