"""A feed for students' hosts, which run on their own machines: the network ACL that filters the host, on each change.

    GET /lab/feed/network-acl?after=&wait=&refused=   signed with Hawk like the API

It answers at once if the student's account changed since `after`, else on the next change or after `wait` seconds:
`{"after", "location"}`, the location from `HostLocation.to_json`. A request with the number of the last reply also
confirms that this reply is in force on the host, or says why its range `refused` it. A call that changes an account
waits for this answer: the change is in force when the call returns, or the call fails, as on the sandbox's own machine.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from flask import Blueprint, Response, request

from labkit.model.errors import LabError
from labkit.model.host.location import HostLocation
from labkit.model.student import account_of
from labkit.sandbox.detection.api.errors import ApiError
from labkit.sandbox.detection.api.request import caller, feed_reply, long_poll
from labkit.sandbox.detection.timestamps import now_ms

PATIENCE_SECONDS = 5.0
"""How long a call waits for a host. After a timeout, calls do not wait for that host until it asks again."""

MOST_REFUSED = 1000
"""Characters of a refusal's reason."""

BLUEPRINT = "student_hosts"


@dataclass
class _Follower:
    """One student's host. number: of the last change; answered: of the last one that the host confirmed or refused.

    refused: the number of the last refused one, and why. present: whether the host asks.
    """

    number: int
    answered: int = 0
    refused: tuple[int, str] = (0, "")
    present: bool = False
    condition: threading.Condition = field(default_factory=threading.Condition)


class StudentHosts:
    """The students' hosts that follow this feed. locate: where an account's host is; may be slow."""

    def __init__(
        self, locate: Callable[[str], HostLocation | None], patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._locate, self._patience_seconds = locate, patience_seconds
        self._first = now_ms()  # larger than any number of an earlier sandbox, so a host notices the restart
        self._followers: dict[str, _Follower] = {}
        self._closed = False

    def changed(self, account: str) -> None:
        """Tell the account's host that something changed; return when that is in force there, or on a timeout.

        Raises LabError if the host's range refuses it.
        """
        follower = self._followers.get(account)
        if follower is None:
            return
        with follower.condition:
            follower.number += 1
            mine = follower.number
            follower.condition.notify_all()
            if follower.present and not follower.condition.wait_for(
                lambda: self._closed or follower.answered >= mine, self._patience_seconds
            ):
                follower.present = False
            if follower.refused[0] >= mine:
                raise LabError(follower.refused[1])

    def ask(
        self, account: str, after: int | None, wait_seconds: float, refused: str = ""
    ) -> tuple[int, HostLocation | None]:
        """The number of the last change and the location of the account's host, once that number is not `after`.

        refused: why the host's range refused the reply with the number `after`; "" if it is in force.
        """
        follower = self._followers.setdefault(account, _Follower(self._first))
        with follower.condition:
            if after is not None and self._first <= after <= follower.number:
                follower.answered, follower.present = after, True
                follower.refused = (after, refused) if refused else follower.refused
                follower.condition.notify_all()
            follower.condition.wait_for(lambda: self._closed or follower.number != after, wait_seconds)
            number = follower.number
        return number, self._locate(account)

    def close(self) -> None:
        """Answer every waiting call."""
        self._closed = True
        for follower in list(self._followers.values()):
            with follower.condition:
                follower.condition.notify_all()


def student_hosts_blueprint(hosts: StudentHosts, student_of: Mapping[str, int]) -> Blueprint:
    """The route, for an app that authenticates its callers."""
    blueprint = Blueprint(BLUEPRINT, __name__)

    @blueprint.get("/lab/feed/network-acl")
    def feed() -> Response:
        student = student_of.get(caller().user.id)
        if student is None:
            raise ApiError(403, "only a student of a class has a host that follows this feed")
        refused = "".join(filter(str.isprintable, request.args.get("refused", "")))[:MOST_REFUSED]
        number, location = hosts.ask(account_of(student), *long_poll(), refused)
        return feed_reply({"after": number, "location": location.to_json() if location else None})

    return blueprint
