"""The REST API's rule sets, rules and tags of rules.

As in the published API there is no clone, enable or PATCH: to clone, read a rule and create another with the same
fields; to enable, replace the whole rule.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request

from labkit.sandbox.detection.api.errors import ApiError
from labkit.sandbox.detection.api.paging import Question, checked_id
from labkit.sandbox.detection.api.request import body, caller, note, organization_id, permissions, reply, store
from labkit.sandbox.detection.api.rule_body import checked_rule
from labkit.sandbox.detection.store.rules import NameTaken
from labkit.sandbox.detection.timestamps import now_ms

blueprint = Blueprint("rules", __name__)

MOST_TAGS, LONGEST_TAG = 50, 300


@blueprint.get("/rulesets")
def list_rulesets() -> Response:
    """All rule sets; with `agentId` those of an agent.

    Sandbox: every rule set applies to every agent of the organization, since no published call assigns one.
    """
    question = Question.of("rulesets", request.args)
    agent_id = question.id("agentId")
    if agent_id is not None:
        store().agents.agent(organization_id(), agent_id)
    return reply(question.reply(store().rules.rulesets(organization_id())))


@blueprint.post("/rulesets")
def create_ruleset() -> Response:
    """Add a rule set; 200, never 201."""
    wanted = _ruleset_body([])
    with store().transaction():
        made = _unless_taken(lambda: store().rules.create_ruleset(organization_id(), wanted, now_ms()))
        note("create", "ruleset.create", f"created rule set {made['name']}", {"rulesetId": made["id"]})
    return reply(made)


@blueprint.get("/rulesets/<ruleset_id>")
def show_ruleset(ruleset_id: str) -> Response:
    """One rule set."""
    return reply(store().rules.ruleset(organization_id(), checked_id(ruleset_id)))


@blueprint.put("/rulesets/<ruleset_id>")
def update_ruleset(ruleset_id: str) -> Response:
    """Replace name, description and rule ids; without `ruleIds` the rules stay the same."""
    with store().transaction():
        wanted = _ruleset_body(store().rules.ruleset(organization_id(), checked_id(ruleset_id))["rules"])
        made = _unless_taken(lambda: store().rules.update_ruleset(organization_id(), ruleset_id, wanted, now_ms()))
        note("update", "ruleset.update", f"updated rule set {made['name']}", {"rulesetId": ruleset_id})
    return reply(made)


@blueprint.delete("/rulesets/<ruleset_id>")
def delete_ruleset(ruleset_id: str) -> Response:
    """Remove a rule set and the rules that are in no other."""
    with store().transaction():
        gone = store().rules.delete_ruleset(organization_id(), checked_id(ruleset_id))
        note("delete", "ruleset.delete", f"deleted rule set {gone['name']}", {"rulesetId": ruleset_id})
    return reply(gone)


def _ruleset_body(rule_ids: list[str]) -> dict[str, Any]:
    """A rule set's fields in the body: `ruleIds` in requests, `rules` in replies."""
    given = body()
    name, description, rules = given.get("name"), given.get("description", ""), given.get("ruleIds", rule_ids)
    errors = []
    if not isinstance(name, str) or not 1 <= len(name) <= 200:
        errors.append("Validation failed: body has invalid name value.  Must be between 1 and 200 characters long.")
    if not isinstance(description, str):
        errors.append("Validation failed: body has invalid description value.  Must be a string.")
    if not isinstance(rules, list) or not all(isinstance(one, str) for one in rules):
        errors.append("Validation failed: body has invalid ruleIds value.  Must be an array of rule ids.")
    if errors:
        raise ApiError(400, *errors)
    return {"name": name, "description": description, "ruleIds": rules}


def _unless_taken(change: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return change()
    except NameTaken as taken:
        raise ApiError(409, str(taken)) from taken


@blueprint.get("/rulesets/<ruleset_id>/rules")
def list_rules(ruleset_id: str) -> Response:
    """The rules of a rule set."""
    rules = store().rules.rules(organization_id(), checked_id(ruleset_id))
    return reply(Question.of("rules", request.args).reply(rules))


@blueprint.post("/rulesets/<ruleset_id>/rules")
def create_rule(ruleset_id: str) -> Response:
    """Add a rule to a rule set; 200, never 201."""
    wanted = checked_rule(body())
    permissions().check_rule(caller(), wanted["name"])
    with store().transaction():
        permissions().check_number_of_rules(caller())
        made = store().rules.create_rule(organization_id(), checked_id(ruleset_id), wanted, now_ms())
        note("create", "rule.create", f"created rule {made['name']}", _ids(made))
    return reply(made)


@blueprint.get("/rulesets/<ruleset_id>/rules/<rule_id>")
def show_rule(ruleset_id: str, rule_id: str) -> Response:
    """One rule."""
    return reply(store().rules.rule(organization_id(), checked_id(ruleset_id), checked_id(rule_id)))


@blueprint.put("/rulesets/<ruleset_id>/rules/<rule_id>")
def update_rule(ruleset_id: str, rule_id: str) -> Response:
    """Replace a whole rule."""
    stored = store().rules.rule(organization_id(), checked_id(ruleset_id), checked_id(rule_id))
    permissions().check_rule(caller(), stored["name"])
    wanted = checked_rule(body(), stored)
    permissions().check_rule(caller(), wanted["name"])
    with store().transaction():
        made = store().rules.update_rule(organization_id(), ruleset_id, rule_id, wanted, now_ms())
        turned = {(False, True): ", now enabled", (True, False): ", now disabled"}
        how = turned.get((stored["enabled"], made["enabled"]), "")
        note("update", "rule.update", f"updated rule {made['name']}{how}", _ids(made))
    return reply(made)


@blueprint.delete("/rulesets/<ruleset_id>/rules/<rule_id>")
def delete_rule(ruleset_id: str, rule_id: str) -> Response:
    """Remove a rule."""
    with store().transaction():
        there = store().rules.rule(organization_id(), checked_id(ruleset_id), checked_id(rule_id))
        permissions().check_rule(caller(), there["name"])
        gone = store().rules.delete_rule(organization_id(), ruleset_id, rule_id)
        note("delete", "rule.delete", f"deleted rule {gone['name']}", _ids(gone))
    return reply(gone)


def _ids(rule: dict[str, Any]) -> dict[str, str]:
    return {"ruleId": rule["id"], "rulesetId": rule["rulesetId"]}


@blueprint.get("/rules/<rule_id>/tags")
def show_tags(rule_id: str) -> Response:
    """A rule's tags; an error before any were set, as published."""
    tags = store().rules.tags(organization_id(), checked_id(rule_id))
    if tags is None:
        raise ApiError(404, f"No tags found for rule {rule_id}")
    return reply(tags)


@blueprint.post("/rules/<rule_id>/tags")
def set_tags(rule_id: str) -> Response:
    """Replace a rule's tags; the reply is the body."""
    tags = _checked_tags(body())
    with store().transaction():
        permissions().check_rule(caller(), store().rules.name(organization_id(), checked_id(rule_id)))
        store().rules.set_tags(organization_id(), rule_id, tags)
        note("update", "rule.tags", f"set the tags of rule {rule_id}", {"ruleId": rule_id})
    return reply(tags)


def _checked_tags(given: dict[str, Any]) -> dict[str, Any]:
    tags = {name: given.get(name, []) for name in ("inclusion", "exclusion")}
    for name, pairs in tags.items():
        if not isinstance(pairs, list) or not all(_is_tag(pair) for pair in pairs) or len(pairs) > MOST_TAGS:
            must = f"an array of at most {MOST_TAGS} {{source, key, value}}"
            raise ApiError(400, f"Validation failed: body has invalid {name} value.  Must be {must}.")
    return tags


def _is_tag(pair: Any) -> bool:
    words = [pair.get(key) for key in ("source", "key", "value")] if isinstance(pair, dict) else [None]
    return all(isinstance(word, str) and len(word) <= LONGEST_TAG for word in words)
