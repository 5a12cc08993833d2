"""The control calls about the host, behind the sandbox's token."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import closing
from itertools import chain

from flask import Blueprint, Response, jsonify, request

from labkit.model.errors import LabError
from labkit.model.host.records import ProgramOutput, ProgramResult
from labkit.sandbox.control import refuse_without_token
from labkit.sandbox.host.host import LabHost
from labkit.sandbox.http import LINES


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

    @blueprint.get("/_lab/range/denies")
    def denies() -> Response:
        return jsonify([deny._asdict() for deny in host.denies(request.args.get("since", 0.0, type=float))])

    @blueprint.get("/_lab/range/connections")
    def connections() -> Response:
        return jsonify([connection.to_json() for connection in host.connections()])

    @blueprint.post("/_lab/range/run")
    def run() -> Response:
        asked = request.get_json()
        following = host.follow([str(word) for word in asked["argv"]], float(asked["seconds"]))
        first = next(following)  # a refusal is a separate reply
        return Response(_lines(first, following), mimetype=LINES)

    @blueprint.errorhandler(LabError)
    def refused(error: LabError) -> tuple[Response, int]:
        return jsonify(_words(error)), 409

    return blueprint


def _lines(
    first: ProgramOutput | ProgramResult, following: Generator[ProgramOutput | ProgramResult, None, None]
) -> Iterator[str]:
    """What the program writes, a line each, then `{"result": …}` or `{"refused": …}`. Closing it ends the program."""
    with closing(following):
        try:
            for each in chain([first], following):
                known = each._asdict()
                yield json.dumps({"result": known} if isinstance(each, ProgramResult) else known) + "\n"
        except LabError as error:
            yield json.dumps({"refused": _words(error)}) + "\n"


def _words(error: LabError) -> dict[str, str]:
    return {"what": error.what, "why": error.why, "next_step": error.next_step}
