"""The instructor's calls of a class: what each student has made, and the keys to hand out.

    GET /_lab/class        {"students": [{"number", "account", "last_seen_ms", "keys_used", "regions"}]}
    GET /_lab/class/keys   {"students": [{"number", "account", "aws", "detection"}], "url", "fingerprint"}

Both need the sandbox's own token; without a class the list of students is empty. `last_seen_ms` is null if unknown;
after a restart only requests to the detection service are known, to the minute. `regions` has what boto3's describe
calls would return, for regions that were used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from flask import Blueprint, Response

from labkit.model.student import account_of
from labkit.sandbox.aws.app import AwsApp
from labkit.sandbox.classroom.roster import Roster
from labkit.sandbox.classroom.students import StudentStore
from labkit.sandbox.control import refuse_without_token
from labkit.sandbox.detection.api.request import reply

Address = Callable[[], dict[str, str]]
"""Where students reach the sandbox, and the fingerprint of its certificate or "": `url` and `fingerprint`."""


def class_blueprint(roster: Roster, aws: AwsApp, students: StudentStore, address: Address, token: str) -> Blueprint:
    """The two calls."""
    blueprint = Blueprint("class", __name__)
    blueprint.before_request(lambda: refuse_without_token(token))

    @blueprint.get("/_lab/class")
    def show_class() -> Response:
        return reply({"students": list(_students(roster, aws, students))})

    @blueprint.get("/_lab/class/keys")
    def show_keys() -> Response:
        detection = students.credentials()
        listed = [
            {
                "number": number,
                "account": account_of(number),
                "aws": pair.to_dict(),
                "detection": detection[number],
            }
            for number, pair in roster.keys.items()
        ]
        response = reply({"students": listed, **address()})
        response.headers["Cache-Control"] = "no-store"
        return response

    return blueprint


def _students(roster: Roster, aws: AwsApp, students: StudentStore) -> Iterator[dict[str, Any]]:
    noted = students.last_authenticated() if roster.keys else {}
    for number in roster.keys:
        seen = max(filter(None, (roster.last_seen(number), noted.get(number))), default=None)
        yield {
            "number": number,
            "account": account_of(number),
            "last_seen_ms": seen,
            "keys_used": seen is not None,
            "regions": aws.regions_of(account_of(number)),
        }
