"""The control calls about the host, behind the sandbox's token."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from labkit.model.errors import LabError
from labkit.sandbox.control import refuse_without_token
from labkit.sandbox.host.host import LabHost

MOST_SECONDS = 120.0


def host_blueprint(host: LabHost, token: str) -> Blueprint:
    """`/_lab/range` and below: status, dropped packets, connections, running a program."""
    blueprint = Blueprint("host", __name__)
    blueprint.before_request(lambda: refuse_without_token(token))

    @blueprint.get("/_lab/range")
    def status() -> Response:
        return jsonify(host.status())

    @blueprint.get("/_lab/range/drops")
    def drops() -> Response:
        return jsonify([drop._asdict() for drop in host.drops(request.args.get("since", 0.0, type=float))])

    @blueprint.get("/_lab/range/connections")
    def connections() -> Response:
        return jsonify([connection.to_json() for connection in host.connections()])

    @blueprint.post("/_lab/range/run")
    def run() -> Response:
        asked = request.get_json()
        result = host.run([str(word) for word in asked["argv"]], min(float(asked["seconds"]), MOST_SECONDS))
        return jsonify(result._asdict())

    @blueprint.errorhandler(LabError)
    def refused(error: LabError) -> tuple[Response, int]:
        return jsonify({"what": error.what, "why": error.why, "next_step": error.next_step}), 409

    return blueprint
