"""The hosts of a class's students, each on the student's own machine: told what filters them as it changes.

    GET /lab/feed/network-acl?after=&wait=   signed with Hawk like the API

It answers at once when something changed in the student's account since `after`, else when something does or `wait`
seconds are over: `{"after", "place"}`, the place as `class_view.place_of` tells it. Asking on from the number of an
answer says, too, that what it told is in force: so a call that changes something in an account is answered only then,
as it is where the host is on the sandbox's own machine.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Response, request

from labkit.model.classroom import account_of
from labkit.sandbox.detection.errors import ApiError
from labkit.sandbox.detection.feed import MOST_WAIT_SECONDS
from labkit.sandbox.detection.request import caller, reply
from labkit.sandbox.detection.timestamps import now_ms

PATIENCE_SECONDS = 1.0
"""How long a call waits for the host at most; one that did not come in time is not waited for until it asks again."""

BLUEPRINT = "student_hosts"
Json = dict[str, Any]


@dataclass
class _Asking:
    """One student's host. number: of the last change; in_force: the one it has said is in force. there: it asks."""

    number: int
    in_force: int = 0
    there: bool = False
    news: threading.Condition = field(default_factory=threading.Condition)


class StudentHosts:
    """Who waits for what. look: where an account's host lives and what filters it; it may take its time."""

    def __init__(self, look: Callable[[str], Json | None], patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._look, self._patience_seconds = look, patience_seconds
        self._first = now_ms()  # no number of the sandbox before this one, so that a host notices another
        self._asking: dict[str, _Asking] = {}
        self._closed = False

    def changed(self, account: str) -> None:
        """Tell the account's host that something changed; return when that is in force there, or patience is over."""
        asking = self._asking.get(account)
        if asking is None:
            return
        with asking.news:
            asking.number += 1
            mine = asking.number
            asking.news.notify_all()
            if asking.there and not asking.news.wait_for(
                lambda: self._closed or asking.in_force >= mine, self._patience_seconds
            ):
                asking.there = False

    def ask(self, account: str, after: int | None, wait_seconds: float) -> tuple[int, Json | None]:
        """The number of the last change and what filters the account's host then, once that number is not `after`."""
        asking = self._asking.setdefault(account, _Asking(self._first))
        with asking.news:
            if after is not None and self._first <= after <= asking.number:
                asking.in_force, asking.there = after, True
                asking.news.notify_all()
            asking.news.wait_for(lambda: self._closed or asking.number != after, wait_seconds)
            number = asking.number
        return number, self._look(account)

    def close(self) -> None:
        """Let everybody go who waits."""
        self._closed = True
        for asking in list(self._asking.values()):
            with asking.news:
                asking.news.notify_all()


def student_hosts_blueprint(hosts: StudentHosts, student_of: Mapping[str, int]) -> Blueprint:
    """The call, for an app that has checked who asks."""
    blueprint = Blueprint(BLUEPRINT, __name__)

    @blueprint.get("/lab/feed/network-acl")
    def feed() -> Response:
        student = student_of.get(caller().user.id)
        if student is None:
            raise ApiError(403, "only a student of a class has a host that is told this way")
        try:
            given = request.args.get("after")
            after, wait_seconds = None if given is None else int(given), float(request.args.get("wait") or 0)
        except ValueError as fault:
            raise ApiError(400, "after must be a whole number, and wait a number of seconds") from fault
        # Written so that a wait of “nan” is none at all.
        wait_seconds = min(wait_seconds, MOST_WAIT_SECONDS) if wait_seconds > 0 else 0.0
        number, place = hosts.ask(account_of(student), after, wait_seconds)
        response = reply({"after": number, "place": place})
        response.headers["Cache-Control"] = "no-store"
        return response

    return blueprint
