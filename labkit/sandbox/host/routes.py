"""The host and its range over HTTP, under the sandbox's own prefix and behind its token."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from labkit.model.errors import LabError
from labkit.sandbox.control import refuse_without_token
from labkit.sandbox.host.host import SimulatedHost

MOST_SECONDS = 120.0


def host_blueprint(host: SimulatedHost, token: str) -> Blueprint:
    """`/_lab/range`: status, the dropped packets, the connections asked for, a program run to its end."""
    blueprint = Blueprint("host", __name__)
    blueprint.before_request(lambda: refuse_without_token(token))

    @blueprint.get("/_lab/range")
    def status() -> Response:
        return jsonify(host.status())

    @blueprint.get("/_lab/range/drops")
    def drops() -> Response:
        return jsonify({"drops": host.drops(request.args.get("since", 0.0, type=float))})

    @blueprint.get("/_lab/range/connections")
    def connections() -> Response:
        return jsonify({"connections": host.connections()})

    @blueprint.post("/_lab/range/run")
    def run() -> Response:
        asked = request.get_json()
        return jsonify(host.run([str(word) for word in asked["argv"]], min(float(asked["seconds"]), MOST_SECONDS)))

    @blueprint.errorhandler(LabError)
    def refused(error: LabError) -> tuple[Response, int]:
        return jsonify({"what": error.what, "why": error.why, "next_step": error.next_step}), 409

    return blueprint
