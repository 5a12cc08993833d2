"""Events from a student's own host, beside the published API: `POST /lab/events`, signed with Hawk like the API.

The body is that of `POST /_lab/events`. An event's agent, account and organization are replaced by the student's own,
so nobody can raise an alert for somebody else. While events are processed the others wait, so they are few at once, and
each student has a share of the processor.
"""

from __future__ import annotations

import orjson
from flask import Blueprint, Response, request

from labkit.model.student import account_of
from labkit.sandbox.classroom.students import StudentStore
from labkit.sandbox.detection.api.errors import ApiError
from labkit.sandbox.detection.api.request import caller, store
from labkit.sandbox.detection.engine import Engine
from labkit.sandbox.detection.feed import events_in, ingested
from labkit.sandbox.detection.timestamps import now_ms
from labkit.sandbox.host.connect_events import host_fields
from labkit.sandbox.share import Share

MOST_EVENTS_SENT, MOST_FIRED = 100, 500
"""In one request: events, as a host sends them, and how often they fire the student's rules, of which there may be a
hundred. A host that is refused sends fewer at once."""


def student_events_blueprint(engine: Engine, students: StudentStore) -> Blueprint:
    """The call, for an app that authenticates requests."""
    blueprint = Blueprint("student_events", __name__)
    shares: dict[int, Share] = {}

    @blueprint.post("/lab/events")
    def ingest() -> Response:
        student = students.by_user.get(caller().user.id)
        if student is None:
            raise ApiError(403, "only a student of a class can send events this way")
        host = host_fields(store(), students.agent_id(student), account=account_of(student))
        own = {**host, "organization_id": caller().organization_id}
        events = _events(request.get_data())
        with shares.setdefault(student, Share()):
            response = ingested(
                engine, [{**each, **own} if isinstance(each, dict) else each for each in events], MOST_FIRED
            )
        store().agents.note_report(own["agent_id"], now_ms())
        return response

    return blueprint


def _events(body: bytes) -> list[object]:
    """The events of a body. Raises ApiError (400) if they are too many or no JSON."""
    try:
        events = list(events_in(body))
    except orjson.JSONDecodeError as fault:
        raise ApiError(400, str(fault)) from fault
    if len(events) > MOST_EVENTS_SENT:
        raise ApiError(400, f"a host sends at most {MOST_EVENTS_SENT} events at once")
    return events
