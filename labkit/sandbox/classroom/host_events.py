"""Events from a student's own host, beside the published API: `POST /lab/events`, signed with Hawk like the API.

The body is that of `POST /_lab/events`. An event's agent, account and organization are replaced by the student's own,
so nobody can raise an alert for somebody else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask import Blueprint, Response, request

from labkit.model.student import account_of
from labkit.sandbox.classroom.students import StudentStore
from labkit.sandbox.detection.api.errors import ApiError
from labkit.sandbox.detection.api.request import caller, store
from labkit.sandbox.detection.engine import Engine
from labkit.sandbox.detection.feed import events_in, ingested
from labkit.sandbox.detection.timestamps import now_ms
from labkit.sandbox.host.connect_events import host_fields


def student_events_blueprint(engine: Engine, students: StudentStore) -> Blueprint:
    """The call, for an app that authenticates requests."""
    blueprint = Blueprint("student_events", __name__)

    @blueprint.post("/lab/events")
    def ingest() -> Response:
        student = students.by_user.get(caller().user.id)
        if student is None:
            raise ApiError(403, "only a student of a class can send events this way")
        host = host_fields(store(), students.agent_id(student), account=account_of(student))
        own = {**host, "organization_id": caller().organization_id}
        response = ingested(engine, _of(own, request.get_data()))
        store().agents.note_report(own["agent_id"], now_ms())
        return response

    return blueprint


def _of(own: Mapping[str, str], body: bytes) -> Iterator[Any]:
    for event in events_in(body):
        yield {**event, **own} if isinstance(event, dict) else event
