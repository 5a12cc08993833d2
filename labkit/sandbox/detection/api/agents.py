"""The REST API's agents, servers and vulnerabilities."""

from __future__ import annotations

from flask import Blueprint, Response, request

from labkit.sandbox.detection.api.paging import Question, checked_id
from labkit.sandbox.detection.api.request import organization_id, reply, store

blueprint = Blueprint("agents", __name__)

PAGE = 100


@blueprint.get("/agents")
def list_agents() -> Response:
    """A page of agents, newest first."""
    question = Question.of("agents", request.args)
    status = question.choice("status", ("online", "offline"), required=True)
    agent_type = question.choice("type", ("monitor", "investigate"))
    selection = question.selection(status=status, agent_type=agent_type, hostname=question.text("hostname"))
    return reply(question.reply(*store().agents.page(organization_id(), selection, question.after, PAGE)))


@blueprint.get("/agents/<agent_id>")
def show_agent(agent_id: str) -> Response:
    """One agent, not wrapped."""
    return reply(store().agents.agent(organization_id(), checked_id(agent_id)))


@blueprint.get("/aws/ec2")
def list_servers() -> Response:
    """The EC2 servers, with or without an agent; one published client sends `isMonitored`."""
    question = Question.of("servers", request.args)
    text = question.choice("monitored", ("true", "false")) or question.choice("isMonitored", ("true", "false"))
    monitored = None if text is None else text == "true"
    return reply(question.reply(store().agents.servers(organization_id(), monitored)))


@blueprint.get("/vulnerabilities", defaults={"noun": "cves"})
@blueprint.get("/vulnerabilities/suppressions", defaults={"noun": "suppressions"})
@blueprint.get("/vulnerabilities/package/<_of>", defaults={"noun": "packages"})
@blueprint.get("/vulnerabilities/<_of>/servers", defaults={"noun": "servers"})
def list_nothing(noun: str, _of: str = "") -> Response:
    """Sandbox: hosts are not scanned for vulnerabilities, so these lists are empty."""
    return reply(Question.of(noun, request.args).reply([]))
